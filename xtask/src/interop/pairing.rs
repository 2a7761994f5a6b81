//! A Java client that pings, against a Ruby server of which it was once believed that it cannot answer,
//! and against ours; and against a server that answers nobody, where it must hang up. Rows of the matrix;
//! with `cargo xtask interop --pairing --keep` what went over the wire is written into `docs/peers.md`.

mod diary;
mod judge;

use std::process::{Command, ExitCode};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;

use self::diary::Entry;
use super::install;
use super::note::{Note, Payload};
use super::peer::{Peer, Role};
use super::plan::Trial;
use super::program::Program;
use super::settings::{AT_A_TIME, MARGIN, PATIENCE};
use super::stage::{connected, end, listening};
use super::tap::Tap;
use super::theatre::{Theatre, Wanted, add};
use super::trial::{Homes, Troupe};
use super::wire::Wire;
use crate::lateness::Lateness;
use crate::report::Report;
use crate::runtimes::RUNTIMES;
use crate::shell::Shell;

const CLIENT: &str = "java-websocket";
const RUBY: [&str; 2] = ["faye-puma", "faye-thin"];
/// What the matrix says of whoever it meets
const ROLE: &str = "server of java-websocket";
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
pub(super) struct Pairing<'a> {
    client: &'a Peer,
    server: Server<'a>,
    how: How,
}

#[derive(Debug, Clone, Copy)]
enum Server<'a> {
    Theirs(&'a Peer),
    /// Ours, on this runtime
    Ours(&'static str),
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

impl How {
    const ALL: [Self; 3] = [Self::Answers, Self::BothPing, Self::NoPong];

    const fn name(self) -> &'static str {
        match self {
            Self::Answers => "pairing",
            Self::BothPing => "pairing-both-ping",
            Self::NoPong => "pairing-no-pong",
        }
    }
}

/// The names of its scenarios
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    How::ALL.into_iter().map(How::name)
}

/// All of them, of whom there is among these peers: those of Ruby, ours, and the mute one
pub(super) fn all(peers: &[Peer]) -> Vec<Pairing<'_>> {
    let named = |name: &str| peers.iter().find(|peer| peer.name == name);
    let Some(client) = named(CLIENT) else { return Vec::new() };
    let theirs = RUBY.iter().filter_map(|name| named(name)).map(Server::Theirs);
    let ours = RUNTIMES.iter().map(|runtime| Server::Ours(runtime));
    let answering = theirs.chain(ours).flat_map(|server| {
        [How::Answers, How::BothPing].map(|how| Pairing { client, server, how })
    });
    let mute = named(MUTE).map(Server::Theirs);
    let mute = mute.map(|server| Pairing { client, server, how: How::NoPong });
    answering.chain(mute).collect()
}

pub(super) fn run(shell: &Shell, peers: &[Peer], keep: bool) -> Result<ExitCode> {
    shell.run(&mut shell.cargo(super::BUILD))?;
    let theatre = Theatre::new(shell, Wanted::default())?;
    let pairings = all(peers);
    let homes = install::all(shell, pairings.iter().flat_map(Pairing::peers))?;
    let troupe = Troupe { theatre, homes, machine: Lateness::measure() };
    let entries = super::at_a_time(AT_A_TIME, &pairings, |pairing| {
        let mut frames = Vec::new();
        let row = troupe.perform_with(&Trial::Pairing(*pairing), &mut frames);
        eprintln!("{}", row.line());
        Entry { name: pairing.server.name(), row, frames }
    });
    if keep {
        diary::keep(shell, &entries)?;
    }
    let mut report = Report::new("interop");
    for Entry { row, .. } in &entries {
        report.cell(row.object(), row.met());
        if !row.counts() || row.skipped().is_some() {
            report.invalidate();
        }
    }
    Ok(report.finish(shell))
}

impl<'a> Server<'a> {
    fn name(self) -> &'a str {
        match self {
            Self::Theirs(peer) => &peer.name,
            Self::Ours(runtime) => runtime,
        }
    }
}

impl<'a> Pairing<'a> {
    /// Of these, each scenario once, on the runtime whose turn it is
    pub(super) fn in_turn(
        all: Vec<Self>,
        turns: impl Iterator<Item = &'static str>,
    ) -> impl Iterator<Item = Self> {
        [How::Answers, How::BothPing].into_iter().zip(turns).filter_map(move |(how, runtime)| {
            all.iter().find(|it| it.how == how && it.runtime() == Some(runtime)).copied()
        })
    }

    /// Its place in each column of the matrix
    pub(super) fn words(&self) -> [&'a str; 5] {
        let (who, runtime) = match self.server {
            Server::Theirs(peer) => (&*peer.name, "-"),
            Server::Ours(runtime) => ("everbeat", runtime),
        };
        [who, ROLE, runtime, "ws", self.how.name()]
    }

    /// Those of other people who take part
    pub(super) fn peers(&self) -> impl Iterator<Item = &'a Peer> + use<'a> {
        [Some(self.client), self.server()].into_iter().flatten()
    }

    /// The server, if it is somebody else's
    pub(super) const fn server(&self) -> Option<&'a Peer> {
        match self.server {
            Server::Theirs(peer) => Some(peer),
            Server::Ours(_) => None,
        }
    }

    /// The runtime of ours, if ours takes part
    pub(super) const fn runtime(&self) -> Option<&'static str> {
        match self.server {
            Server::Ours(runtime) => Some(runtime),
            Server::Theirs(_) => None,
        }
    }

    /// Plays it, and notes what went over the wire
    pub(super) fn play(
        &self,
        theatre: &Theatre,
        homes: &Homes<'_>,
        lateness: &Lateness,
        heard: &mut Vec<Wire>,
    ) -> Result<String> {
        let server = self.start_server(theatre, homes, lateness)?;
        let mut tap = Tap::command(&theatre.ours, &listening(&server)?);
        let mut tap = Tap::new(Program::start("the tap", &mut tap, lateness)?)?;
        let begun = Instant::now();
        let place = format!("ws://{}/", tap.address);
        let mut command = foreign(homes, self.client, Role::Client, &place)?;
        add(&mut command, &[("--beat", BEAT)]);
        let mut client = Program::start(&self.client.name, &mut command, lateness)?;
        let open = connected(&client)?;
        let told = if self.how == How::NoPong {
            hangs_up(&client, open, lateness)?
        } else {
            lives(&mut client)?
        };
        let judged = tap.settle(begun, TOLD_LATER, |wires| judge::judge(wires, self.how));
        *heard = tap.since(begun);
        judged.map(|judged| format!("{told}: {judged}"))
    }

    fn start_server(
        &self,
        theatre: &Theatre,
        homes: &Homes<'_>,
        lateness: &Lateness,
    ) -> Result<Program> {
        let anywhere = "127.0.0.1:0";
        let mut command = match self.server {
            Server::Ours(runtime) => theatre.ours(Role::Server, anywhere, runtime),
            Server::Theirs(peer) => foreign(homes, peer, Role::Server, anywhere)?,
        };
        match (self.how, self.server) {
            (How::Answers, Server::Ours(_)) => _ = command.arg("--no-beat"),
            (How::Answers, Server::Theirs(_)) => {}
            (How::BothPing, _) => add(&mut command, &[("--beat", BEAT)]),
            (How::NoPong, _) => add(command.arg("--mute"), &[("--beat", BEAT)]),
        }
        Program::start(self.server.name(), &mut command, lateness)
    }
}

fn foreign(homes: &Homes<'_>, peer: &Peer, role: Role, place: &str) -> Result<Command> {
    let mut command = super::trial::start(homes, peer)?;
    command.args([role.name(), place]);
    Ok(command)
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
