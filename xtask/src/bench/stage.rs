//! A server and its load, each on a processor of its own, and what the one costs while the other works.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::contestants::Contestant;
use crate::lateness::Lateness;
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
    begun: Instant,
    /// What went wrong where nothing may
    pub(super) faults: Vec<String>,
}

impl<'a> Theatre<'a> {
    pub(super) fn new(shell: &'a Shell) -> Result<Self> {
        let ours = processors::ours()?;
        let [server, load, ..] = ours[..] else {
            bail!("one processor is too few: the load would be measured with the server");
        };
        let (lateness, begun) = (Lateness::measure(), Instant::now());
        Ok(Self { shell, processors: [server, load], lateness, begun, faults: Vec::new() })
    }

    /// Something went wrong, so that the run says nothing
    pub(super) fn fault(&mut self, who: &str, error: &anyhow::Error) {
        let fault = format!("{who}: {error:#}");
        eprintln!("{fault}");
        self.faults.push(fault);
    }

    pub(super) fn late(&self) -> Duration {
        self.lateness.worst_since(self.begun)
    }

    /// Nothing went wrong, and the machine was ours
    pub(super) fn kept_up(&self) -> bool {
        self.faults.is_empty() && self.late() <= TOO_LATE
    }

    /// What the load has told of its own lateness
    pub(super) fn note(&self, told: &Value) {
        let late = Duration::from_secs_f64(number(told, "late_ms") / 1e3);
        self.lateness.note(Instant::now(), late);
    }
}

/// A server with its load
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) server: Program,
    pub(super) load: Program,
    /// Bytes of the server in memory before anybody came
    pub(super) alone: u64,
}

impl Pair {
    /// All stand
    pub(super) fn start(
        theatre: &Theatre<'_>,
        who: &Contestant,
        connections: u64,
        beat: Option<Duration>,
    ) -> Result<Self> {
        let [on_server, on_load] = theatre.processors;
        let mut options = vec!["--connections".to_owned(), connections.to_string()];
        if let Some(beat) = beat {
            options.extend(["--beat".to_owned(), beat.as_millis().to_string()]);
        }
        let command = who.command(theatre.shell, on_server, &options);
        let mut server = Program::start(command.map_err(anyhow::Error::msg)?)?;
        let address = server.says("listening ").context("the server")?;
        let alone = process::resident(server.id())?;
        let path = program::path(theatre.shell, program::OPTIMISED, "everbeat-load");
        let mut line = vec![path.display().to_string(), address, "--connections".into()];
        line.push(connections.to_string());
        if !who.is_web() {
            line.extend(["--raw".into(), "yes".into()]);
        }
        let mut load = Program::start(processors::on(theatre.shell, on_load, &line))?;
        load.says("connected").context("the load")?;
        Ok(Self { server, load, alone })
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
        let until = Instant::now() + time;
        while Instant::now() < until {
            std::thread::sleep(LOOK.min(until.saturating_duration_since(Instant::now())));
            for told in self.load.tells().context("the load")? {
                theatre.note(&told);
            }
            self.server.is_well().context("the server")?;
        }
        Ok(())
    }

    /// What the server costs while it only beats: seconds, and the Pings that were answered meanwhile
    pub(super) fn beats(&mut self, theatre: &Theatre<'_>, time: Duration) -> Result<(f64, f64)> {
        let answered = |pair: &mut Self| -> Result<(f64, f64)> {
            // The next that it tells, so that count and clock are of one time.
            let told = pair.load.object("answered").context("the load")?;
            theatre.note(&told);
            Ok((number(&told, "answered"), process::seconds(pair.server.id())?))
        };
        self.load.tells()?;
        let (pings, seconds) = answered(self)?;
        self.wait(theatre, time)?;
        let (more, after) = answered(self)?;
        Ok((after - seconds, more - pings))
    }

    /// Bytes in memory for each connection, over what the server had without any
    pub(super) fn resident(&self, connections: u64) -> Result<f64> {
        let now = process::resident(self.server.id())?;
        Ok((now as f64 - self.alone as f64) / connections as f64)
    }
}

const LOOK: Duration = Duration::from_millis(100);
