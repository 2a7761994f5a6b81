//! `cargo xtask interop --pairing`: a Java client that pings, against a Ruby server of which it was once
//! believed that it cannot answer, and against ours. With `--keep` what went over the wire is written
//! into `docs/peers.md`.

mod diary;

use std::process::{Command, ExitCode};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use self::diary::Entry;
use super::install::{self, Installed};
use super::note::{Note, Payload};
use super::peer::{Peer, Role};
use super::program::Program;
use super::settings::{AT_A_TIME, PATIENCE, STALLED, TRIES};
use super::stage::{connected, listening};
use super::tap::Tap;
use super::theatre::{Theatre, Wanted, add};
use super::wire::{self, Wire};
use crate::lateness::Lateness;
use crate::report::Report;
use crate::runtimes::RUNTIMES;
use crate::shell::Shell;

const CLIENT: &str = "java-websocket";
const RUBY: [&str; 2] = ["faye-puma", "faye-thin"];

/// The least that the client's library can be set to, and what a server that pings is set to
const BEAT: Duration = Duration::from_secs(1);
/// The client bears one and a half of its beats without a Pong, and looks once a beat: more than twice
/// of that
const WATCHED: Duration = Duration::from_secs(6);
/// How long after a program's word the tap's may come
const TOLD_LATER: Duration = Duration::from_secs(2);

/// A client that pings, and whoever it meets
#[derive(Debug, Clone, Copy)]
struct Pair {
    server: &'static str,
    /// The server pings as well
    both: bool,
}

/// Everybody who can be had, or why one cannot
struct Cast<'a> {
    theatre: &'a Theatre,
    machine: Lateness,
    lines: Vec<(&'static str, Result<Vec<String>, String>)>,
}

pub(super) fn run(shell: &Shell, peers: &[Peer], keep: bool) -> Result<ExitCode> {
    shell.run(&mut shell.cargo(super::BUILD))?;
    let theatre = Theatre::new(shell, Wanted { roads: false, middles: false })?;
    let mut lines = Vec::new();
    for name in RUBY.into_iter().chain([CLIENT]) {
        let peer = peers.iter().find(|peer| peer.name == name);
        let peer = peer.with_context(|| format!("there is no peer `{name}`"))?;
        lines.push((
            name,
            match install::ready(shell, peer)? {
                Installed::At(home) => Ok(peer.line(&peer.start, &home)),
                Installed::Not(why) => Err(why),
            },
        ));
    }
    let cast = Cast { theatre: &theatre, machine: Lateness::measure(), lines };
    let servers = RUBY.into_iter().chain(RUNTIMES.iter().copied());
    let pairs = servers.flat_map(|server| [false, true].map(|both| Pair { server, both }));
    let entries = super::at_a_time(AT_A_TIME, &pairs.collect::<Vec<_>>(), |pair| {
        let entry = cast.perform(*pair);
        eprintln!("{}", entry.line());
        entry
    });
    if keep {
        diary::keep(shell, &entries)?;
    }
    let mut report = Report::new("interop");
    for entry in &entries {
        report.cell(entry.object(), entry.met());
        if !entry.says_something() {
            report.invalidate();
        }
    }
    Ok(report.finish(shell))
}

impl Cast<'_> {
    fn perform(&self, pair: Pair) -> Entry {
        let missing = self.lines.iter().find_map(|(name, line)| match line {
            Err(why) if [CLIENT, pair.server].contains(name) => Some(format!("{name}: {why}")),
            _ => None,
        });
        if let Some(why) = missing {
            return Entry::skipped(pair, why);
        }
        let mut tries = 0;
        loop {
            tries += 1;
            let (begun, lateness) = (Instant::now(), self.machine.of_trial());
            let mut frames = Vec::new();
            let outcome = self.play(pair, &lateness, &mut frames);
            let stalled = lateness.worst_since(begun) > STALLED;
            if !stalled || tries == TRIES {
                return Entry::new(pair, outcome, frames, stalled);
            }
        }
    }

    /// Plays it, and notes what went over the wire
    fn play(&self, pair: Pair, lateness: &Lateness, heard: &mut Vec<Wire>) -> Result<[usize; 2]> {
        let server = self.server(pair, lateness)?;
        let mut tap = Tap::command(&self.theatre.ours, &listening(&server)?);
        let mut tap = Tap::new(Program::start("the tap", &mut tap, lateness)?)?;
        let begun = Instant::now();
        let mut command = self.foreign(CLIENT, Role::Client, &format!("ws://{}/", tap.address))?;
        add(&mut command, &[("--beat", BEAT)]);
        let mut client = Program::start(CLIENT, &mut command, lateness)?;
        connected(&client)?;
        sleep(WATCHED);
        let told = client.told();
        let ended = told.iter().find(|note| matches!(note, Note::Closed(_)));
        ensure!(ended.is_none(), "the client hung up: {ended:?}");
        let said = Payload::Text("still there".into());
        client.tell(&json!({ "send": said.value() }))?;
        client.expect("its echo", PATIENCE, |note| {
            matches!(note, Note::Message(back, _) if *back == said).then_some(())
        })?;
        let judged = tap.settle(begun, TOLD_LATER, |wires| judge(wires, pair.both));
        heard.extend(tap.since(begun));
        judged
    }

    fn server(&self, pair: Pair, lateness: &Lateness) -> Result<Program> {
        let anywhere = "127.0.0.1:0";
        let mut command = if RUNTIMES.contains(&pair.server) {
            self.theatre.ours(Role::Server, anywhere, pair.server)
        } else {
            self.foreign(pair.server, Role::Server, anywhere)?
        };
        match (pair.both, RUNTIMES.contains(&pair.server)) {
            (true, _) => add(&mut command, &[("--beat", BEAT)]),
            (false, true) => _ = command.arg("--no-beat"),
            (false, false) => {}
        }
        Program::start(pair.server, &mut command, lateness)
    }

    fn foreign(&self, name: &str, role: Role, place: &str) -> Result<Command> {
        let line = self.lines.iter().find(|(known, _)| *known == name).map(|(_, line)| line);
        let line = line.and_then(|line| line.as_ref().ok()).context("it is not installed")?;
        let (program, words) = line.split_first().context("it cannot be started")?;
        let mut command = Command::new(program);
        command.args(words).args([role.name(), place]);
        Ok(command)
    }
}

/// The client's Pings, and the server's if it is to send any: so many that a connection without their
/// Pongs would be over, and each answered
fn judge(wires: &[Wire], both: bool) -> Result<[usize; 2]> {
    wire::masks(wires)?;
    let pings = [wire::answered(wires, Role::Client)?, wire::answered(wires, Role::Server)?];
    let due = WATCHED.div_duration_f64(BEAT) as usize - 2;
    ensure!(pings[0] >= due, "the client sent {} Pings, and {due} were due", pings[0]);
    let fits = if both { pings[1] > 0 } else { pings[1] == 0 };
    ensure!(fits, "the server sent {} Pings", pings[1]);
    Ok(pings)
}

#[cfg(test)]
mod tests {
    use super::super::wire::{Frame, PING, PONG, Seen};
    use super::*;

    fn frame(from: Role, code: u64) -> Wire {
        let masked = from == Role::Client;
        let frame = Frame { code, last: true, masked, bytes: 0, payload: Vec::new() };
        Wire { at: 7, connection: 1, from, seen: Seen::Frame(frame) }
    }

    #[test]
    fn who_is_kept_alive_is_answered_each_time() {
        let asked = |times| {
            let pair = [frame(Role::Client, PING), frame(Role::Server, PONG)];
            std::iter::repeat_n(pair, times).flatten().collect::<Vec<_>>()
        };
        assert_eq!(judge(&asked(5), false).unwrap(), [5, 0]);
        assert!(judge(&asked(3), false).is_err(), "too few to tell");
        assert!(judge(&asked(5), true).is_err(), "it was to ping as well");
        let both = [asked(5), vec![frame(Role::Server, PING)]].concat();
        assert_eq!(judge(&both, true).unwrap(), [5, 1]);
        assert!(judge(&both, false).is_err(), "it was not to ping");
        let unanswered = std::iter::repeat_n(frame(Role::Client, PING), 5);
        assert!(judge(&unanswered.collect::<Vec<_>>(), false).is_err());
    }
}
