//! A server and its load, each on a processor of its own, and what the one costs while the other works.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::contestants::Contestant;
use crate::lateness::Lateness;
use crate::lost::{self, Accounts};
use crate::process;
use crate::processors;
use crate::program::{self, Program, number};
use crate::shell::Shell;

/// Later than this the machine was not ours, and what was seen is about something else
pub(super) const TOO_LATE: Duration = Duration::from_millis(500);

/// Where all is played
#[derive(Debug)]
pub(super) struct Theatre<'a> {
    pub(super) shell: &'a Shell,
    /// The server's processor and the load's
    pub(super) processors: [usize; 2],
    lateness: Lateness,
    /// Since when it matters how late the machine is
    judged: Instant,
    /// Later than this it may not be
    too_late: Duration,
    begun: Instant,
    accounts: Option<Accounts>,
    /// What went wrong where nothing may
    pub(super) faults: Vec<String>,
}

impl<'a> Theatre<'a> {
    pub(super) fn new(shell: &'a Shell) -> Result<Self> {
        let ours = processors::ours()?;
        let [server, load, ..] = ours[..] else {
            bail!("one processor is too few: the load would be measured with the server");
        };
        Ok(Self {
            shell,
            processors: [server, load],
            lateness: Lateness::measure(),
            judged: Instant::now(),
            too_late: TOO_LATE,
            begun: Instant::now(),
            accounts: Accounts::now(),
            faults: Vec::new(),
        })
    }

    /// Something went wrong, so that the run says nothing
    pub(super) fn fault(&mut self, who: &str, error: &anyhow::Error) {
        let fault = format!("{who}: {error:#}");
        eprintln!("{fault}");
        self.faults.push(fault);
    }

    /// A server's process that listens, and where
    fn server(&self, who: &Contestant, crowd: &Crowd) -> Result<(Program, String)> {
        let room = crowd.connections + crowd.others;
        let mut options = vec!["--connections".to_owned(), room.to_string()];
        if let Some(beat) = crowd.beat {
            options.extend(["--beat".to_owned(), beat.as_millis().to_string()]);
        }
        let command = who.command(self.shell, self.processors[0], &options);
        let mut server = Program::start(command.map_err(anyhow::Error::msg)?)?;
        let address = server.says("listening ").context("the server")?;
        Ok((server, address))
    }

    /// A load's process that begins to connect
    fn load(&self, address: &str, crowd: &Crowd, web: bool) -> Result<Program> {
        let path = program::path(self.shell, program::OPTIMISED, "everbeat-load");
        let mut line = vec![path.display().to_string(), address.to_owned()];
        let mut option = |name: &str, value: String| line.extend([name.to_owned(), value]);
        option("--connections", crowd.connections.to_string());
        option("--first", crowd.first.to_string());
        if let Some(within) = crowd.within {
            option("--within", within.as_millis().to_string());
        }
        if !web {
            option("--raw", "yes".into());
        }
        Program::start(processors::on(self.shell, self.processors[1], &line))
    }

    /// Judges from now on what is promised in seconds, for which no more than this is too late, on
    /// either processor
    pub(super) fn judge_from_now(&mut self, too_late: Duration) -> Result<()> {
        self.lateness = Lateness::measure().on_each(&self.processors)?;
        (self.judged, self.too_late) = (Instant::now(), too_late);
        Ok(())
    }

    pub(super) fn late(&self) -> Duration {
        self.lateness.worst_since(self.judged)
    }

    /// The share of the time that others kept us from the processors, as far as the system tells
    pub(super) fn taken(&self) -> f64 {
        let took = self.begun.elapsed();
        lost::between(self.accounts, Accounts::now(), took).div_duration_f64(took)
    }

    /// Nothing went wrong, and the machine was ours
    pub(super) fn kept_up(&self) -> bool {
        self.faults.is_empty() && self.late() <= self.too_late
    }

    /// What the load has told of its own lateness
    pub(super) fn note(&self, told: &Value) {
        let late = Duration::from_secs_f64(number(told, "late_ms") / 1e3);
        self.lateness.note(Instant::now(), late);
    }
}

/// Who connects to a server
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Crowd {
    pub(super) connections: u64,
    /// How many more the server has room for, who join it later
    pub(super) others: u64,
    /// The number of its first one among all that stand at a time
    pub(super) first: u64,
    /// How often the server pings, if it is to
    pub(super) beat: Option<Duration>,
    /// Who is without a Ping for longer is overdue
    pub(super) within: Option<Duration>,
}

const LOOK: Duration = Duration::from_millis(100);

/// A server with its load
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) server: Program,
    pub(super) load: Program,
    address: String,
    /// Bytes of the server in memory before anybody came
    alone: u64,
}

impl Pair {
    /// All stand
    pub(super) fn start(theatre: &Theatre<'_>, who: &Contestant, crowd: &Crowd) -> Result<Self> {
        let (server, address) = theatre.server(who, crowd)?;
        let alone = process::resident(server.id())?;
        let mut load = theatre.load(&address, crowd, who.is_web())?;
        load.says("connected").context("the load")?;
        Ok(Self { server, load, address, alone })
    }

    /// Others stand beside them, with a load of their own
    pub(super) fn join(&self, theatre: &Theatre<'_>, crowd: &Crowd) -> Result<Program> {
        let mut load = theatre.load(&self.address, crowd, true)?;
        load.says("connected").context("a load")?;
        Ok(load)
    }

    /// Has the load carry out an order; what it came to, and the seconds that both used
    pub(super) fn order(
        &mut self,
        theatre: &Theatre<'_>,
        order: &str,
    ) -> Result<(Value, [f64; 2])> {
        let before = self.seconds()?;
        self.load.order(order)?;
        let done = self.load.object("done").with_context(|| format!("`{order}`"))?;
        let after = self.seconds()?;
        let seconds = [after[0] - before[0], after[1] - before[1]];
        ensure!(number(&done, "errors") == 0.0, "`{order}` came to {done}");
        self.server.is_well().context("the server")?;
        theatre.note(self.load.told());
        Ok((done, seconds))
    }

    /// Of processors, the server's and the load's
    fn seconds(&self) -> Result<[f64; 2]> {
        Ok([process::seconds(self.server.id())?, process::seconds(self.load.id())?])
    }

    /// Lets time go by, and listens to both
    pub(super) fn wait(&mut self, theatre: &Theatre<'_>, time: Duration) -> Result<()> {
        wait(theatre, std::slice::from_mut(self), time)
    }

    fn listen(&mut self, theatre: &Theatre<'_>) -> Result<()> {
        for told in self.load.tells().context("the load")? {
            theatre.note(&told);
        }
        self.server.is_well().context("the server")
    }

    /// Seconds so far, and Pings that were answered; the next count that is told, so that it and the
    /// clock are of one time
    fn account(&mut self, theatre: &Theatre<'_>) -> Result<[f64; 2]> {
        self.listen(theatre)?;
        let told = self.load.object("answered").context("the load")?;
        theatre.note(&told);
        Ok([process::seconds(self.server.id())?, number(&told, "answered")])
    }

    /// Bytes in memory over what the server had without any connection
    pub(super) fn grown(&self) -> Result<f64> {
        Ok(process::resident(self.server.id())? as f64 - self.alone as f64)
    }

    /// The same for each of so many
    pub(super) fn resident(&self, connections: u64) -> Result<f64> {
        Ok(self.grown()? / connections as f64)
    }
}

/// Lets time go by, and listens to all
pub(super) fn wait(theatre: &Theatre<'_>, pairs: &mut [Pair], time: Duration) -> Result<()> {
    let until = Instant::now() + time;
    while Instant::now() < until {
        std::thread::sleep(LOOK.min(until.saturating_duration_since(Instant::now())));
        pairs.iter_mut().try_for_each(|pair| pair.listen(theatre))?;
    }
    Ok(())
}

/// What servers cost that only beat: seconds for a million Pings that are answered
pub(super) fn beats(theatre: &Theatre<'_>, pairs: &mut [Pair], time: Duration) -> Result<f64> {
    let all = |pairs: &mut [Pair]| {
        pairs.iter_mut().try_fold([0.0; 2], |sum: [f64; 2], pair| {
            let account = pair.account(theatre)?;
            anyhow::Ok([sum[0] + account[0], sum[1] + account[1]])
        })
    };
    let before = all(pairs)?;
    wait(theatre, pairs, time)?;
    let after = all(pairs)?;
    let pings = after[1] - before[1];
    ensure!(pings > 0.0, "nobody was pinged");
    Ok((after[0] - before[0]) * 1e6 / pings)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fault_or_a_stall_of_the_load_spoils_the_run() {
        let shell = Shell::new(false).unwrap();
        let theatre = || Theatre::new(&shell).unwrap();
        let mut faulty = theatre();
        assert!(faulty.kept_up());
        faulty.fault("somebody", &anyhow::anyhow!("it said something else"));
        assert!(!faulty.kept_up());
        let stalled = theatre();
        stalled.note(&json!({ "late_ms": 400 }));
        assert!(stalled.kept_up());
        stalled.note(&json!({ "late_ms": 600 }));
        assert!(!stalled.kept_up());
        let mut judged = stalled;
        judged.judge_from_now(TOO_LATE * 2).unwrap();
        assert!(judged.kept_up(), "what was before is not judged");
        judged.note(&json!({ "late_ms": 900 }));
        assert!(judged.kept_up());
        judged.note(&json!({ "late_ms": 1_100 }));
        assert!(!judged.kept_up());
    }
}
