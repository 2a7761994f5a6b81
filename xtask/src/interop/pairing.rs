//! `cargo xtask interop --pairing`: a Java client that pings, against a Ruby server of which it was once
//! believed that it cannot answer, and against ours. With `--keep` what went over the wire is written
//! into `docs/peers.md`.

mod diary;
mod judge;

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
use super::settings::{AT_A_TIME, MARGIN, PATIENCE, STALLED, TRIES};
use super::stage::{connected, end, listening};
use super::tap::Tap;
use super::theatre::{Theatre, Wanted, add};
use super::wire::Wire;
use crate::lateness::Lateness;
use crate::report::Report;
use crate::runtimes::RUNTIMES;
use crate::shell::Shell;

const CLIENT: &str = "java-websocket";
const RUBY: [&str; 2] = ["faye-puma", "faye-thin"];
/// Can be told to answer no Ping
const MUTE: &str = "websockets";

/// The least that the client's library can be set to, and what a server that pings is set to
const BEAT: Duration = Duration::from_secs(1);
/// The client bears one and a half of its beats without a Pong, and looks once a beat
const BORNE: [Duration; 2] = [Duration::from_millis(1_500), Duration::from_millis(2_500)];
/// More than twice of that
const WATCHED: Duration = Duration::from_secs(6);
/// How long after a program's word the tap's may come
const TOLD_LATER: Duration = Duration::from_secs(2);

/// A client that pings, and whoever it meets
#[derive(Debug, Clone, Copy)]
struct Pair {
    server: &'static str,
    how: How,
}

/// What the server does
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// It answers, and pings nobody
    Answers,
    /// It answers, and pings too
    BothPing,
    /// It pings, and answers nobody
    NoPong,
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
    for name in RUBY.into_iter().chain([CLIENT, MUTE]) {
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
    let pairs =
        servers.flat_map(|server| [How::Answers, How::BothPing].map(|how| Pair { server, how }));
    let pairs = pairs.chain([Pair { server: MUTE, how: How::NoPong }]);
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
    fn play(&self, pair: Pair, lateness: &Lateness, heard: &mut Vec<Wire>) -> Result<String> {
        let server = self.server(pair, lateness)?;
        let mut tap = Tap::command(&self.theatre.ours, &listening(&server)?);
        let mut tap = Tap::new(Program::start("the tap", &mut tap, lateness)?)?;
        let begun = Instant::now();
        let mut command = self.foreign(CLIENT, Role::Client, &format!("ws://{}/", tap.address))?;
        add(&mut command, &[("--beat", BEAT)]);
        let mut client = Program::start(CLIENT, &mut command, lateness)?;
        let open = connected(&client)?;
        let told = if pair.how == How::NoPong {
            hangs_up(&client, open, lateness)?
        } else {
            lives(&mut client)?
        };
        let judged = tap.settle(begun, TOLD_LATER, |wires| judge::judge(wires, pair.how));
        heard.extend(tap.since(begun));
        judged.map(|judged| format!("{told}: {judged}"))
    }

    fn server(&self, pair: Pair, lateness: &Lateness) -> Result<Program> {
        let (anywhere, ours) = ("127.0.0.1:0", RUNTIMES.contains(&pair.server));
        let mut command = if ours {
            self.theatre.ours(Role::Server, anywhere, pair.server)
        } else {
            self.foreign(pair.server, Role::Server, anywhere)?
        };
        match pair.how {
            How::Answers if ours => _ = command.arg("--no-beat"),
            How::Answers => {}
            How::BothPing => add(&mut command, &[("--beat", BEAT)]),
            How::NoPong => add(command.arg("--mute"), &[("--beat", BEAT)]),
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

/// For longer than without Pongs, and still talks
fn lives(client: &mut Program) -> Result<String> {
    sleep(WATCHED);
    let told = client.told();
    let ended = told.iter().find_map(end);
    ensure!(ended.is_none(), "the client hung up: {ended:?}");
    let said = Payload::Text("still there".into());
    client.tell(&json!({ "send": said.value() }))?;
    client.expect("its echo", PATIENCE, |note| {
        matches!(note, Note::Message(back, _) if *back == said).then_some(())
    })?;
    Ok(format!("alive after {WATCHED:?}"))
}

/// By its own rule, when that is due
fn hangs_up(client: &Program, open: Instant, lateness: &Lateness) -> Result<String> {
    let (at, ended) = client.expect("the end by its own rule", PATIENCE, end)?;
    let took = at.saturating_duration_since(open);
    ensure!(ended.code == 1006, "the client says {ended:?}");
    let late = lateness.worst_since(open) + MARGIN;
    ensure!(took + late >= BORNE[0], "the client hung up after {took:.2?} already");
    ensure!(took <= BORNE[1] + late, "the client hung up after {took:.2?} only");
    Ok(format!("given up after {took:.1?}"))
}
