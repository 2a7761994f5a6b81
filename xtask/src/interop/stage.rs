//! Two peers that are connected: ours and theirs, and between them a tap or a road. The scenarios play
//! on it and know neither which peer it is nor which runtime.

use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::judge;
use super::note::{End, Note, Payload};
use super::peer::{Pace, Peer, Role};
use super::plan::STAND_IN;
use super::program::Program;
use super::road::Road;
use super::scenarios::Scenario;
use super::settings::{DIAL, FRAGMENT, INTERVAL, MARGIN, PATIENCE, RETRY, SELDOM, START, TIMEOUT};
use super::tap::Tap;
use super::theatre::{Theatre, add};
use super::wire::{self, Wire};
use crate::lateness::Lateness;

/// What a trial that failed ends with if a tap saw it; descriptions have these words
const NO_PONG: &str = "on the wire a Ping of ours has no Pong";
/// How long after a peer's word the tap's may come
const TOLD_LATER: Duration = Duration::from_secs(2);

/// Who plays with whom, and over what
#[derive(Debug, Clone, Copy)]
pub(super) struct Cast<'a> {
    pub(super) peer: &'a Peer,
    /// The peer's
    pub(super) role: Role,
    /// Ours
    pub(super) runtime: &'static str,
    pub(super) tls: bool,
}

/// How a scenario wants its stage
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    /// The peer is to Ping by itself
    pub(super) beating: bool,
    /// We are hindered ourselves, so that what we tell of our lateness says nothing of the machine's
    pub(super) hindered: bool,
    /// There is a road between them that can be cut
    pub(super) apart: bool,
    /// And both are at its client end, where they meet without it
    pub(super) near: bool,
    /// Our client does not come back by itself
    pub(super) once: bool,
    /// We beat so seldom that a peer's beat comes first
    pub(super) seldom: bool,
    /// Our server has more than one place: with one, whoever comes back must find it free
    pub(super) roomy: bool,
    /// Clients have to show who they are, by a certificate: there is TLS
    pub(super) known: bool,
    /// The peer is to Ping by itself, at the numbers of its own examples
    pub(super) own_pace: bool,
}

impl Setting {
    pub(super) const PLAIN: Self = Self {
        beating: false,
        hindered: false,
        apart: false,
        near: false,
        once: false,
        seldom: false,
        roomy: false,
        known: false,
        own_pace: false,
    };
}

/// Where to start programs from
#[derive(Debug)]
struct Backstage<'a> {
    theatre: &'a Theatre,
    cast: Cast<'a>,
    home: &'a Path,
    /// The machine's, and what programs tell of themselves
    lateness: &'a Lateness,
    /// What nobody asks for
    aside: Lateness,
    setting: Setting,
    /// It is about promises on real time
    timed: bool,
    road: Option<Road>,
}

/// Two peers that are connected
#[derive(Debug)]
pub(super) struct Stage<'a> {
    backstage: Backstage<'a>,
    begun: Instant,
    /// Where the server is
    address: String,
    /// Between them, where there is something to be seen
    tap: Option<Tap>,
    pub(super) ours: Program,
    pub(super) theirs: Program,
}

impl Backstage<'_> {
    /// Our program
    fn ours(&self, place: &str) -> Result<Program> {
        self.ours_that_shows(place, self.setting.known)
    }

    /// The peer's program
    fn theirs(&self, place: &str) -> Result<Program> {
        self.theirs_that_shows(place, self.setting.known)
    }

    /// Our program; `known` if, as a client, it shows who it is, and as a server asks for that
    fn ours_that_shows(&self, place: &str, known: bool) -> Result<Program> {
        let role = self.cast.role.other();
        let rule = rule(self.timed, self.setting.seldom);
        if let Some(mut command) = self.theatre.stand_in(role, place, &rule) {
            self.add_certificates(&mut command, role, known);
            return self.start(STAND_IN, role, &mut command, self.lateness);
        }
        let mut command = self.theatre.ours(role, place, self.cast.runtime);
        add(&mut command, &rule);
        // How fast the first attempt is nobody promises, and it is not to be the last.
        command.arg(if self.setting.once { "--once" } else { "--retry-first" });
        if !self.setting.roomy {
            command.args(["--most", "1"]);
        }
        self.add_certificates(&mut command, role, known);
        let lateness = if self.setting.hindered { &self.aside } else { self.lateness };
        self.start("everbeat", role, &mut command, lateness)
    }

    /// The same of the peer's program
    fn theirs_that_shows(&self, place: &str, known: bool) -> Result<Program> {
        let Cast { peer, role, .. } = self.cast;
        let line = peer.line(&peer.start, self.home);
        let (program, words) = line.split_first().context("it cannot be started")?;
        let mut command = Command::new(program);
        command.args(words).args([role.name(), place, "--fragment", &FRAGMENT.to_string()]);
        if let Some(Pace { beat, timeout }) = self.pace() {
            add(&mut command, &[("--beat", beat), ("--timeout", timeout)]);
        }
        self.add_certificates(&mut command, role, known);
        self.start(&peer.name, role, &mut command, self.lateness)
    }

    /// The peer's own heartbeat, if it is to have one
    fn pace(&self) -> Option<Pace> {
        match self.setting {
            Setting { own_pace: true, .. } => self.cast.peer.pace,
            Setting { beating: true, .. } => Some(Pace { beat: INTERVAL, timeout: TIMEOUT }),
            _ => None,
        }
    }

    /// A program, at its end of the road if there is one
    fn start(
        &self,
        name: &str,
        role: Role,
        command: &mut Command,
        lateness: &Lateness,
    ) -> Result<Program> {
        match &self.road {
            Some(road) => {
                let end = if self.setting.near { Role::Client } else { role };
                Program::adopt(name, road.spawn(end, command)?, lateness)
            }
            None => Program::start(name, command, lateness),
        }
    }

    fn add_certificates(&self, command: &mut Command, role: Role, known: bool) {
        let options = self.theatre.certificates(role, known).filter(|_| self.cast.tls);
        for (option, path) in options {
            command.arg(option).arg(path);
        }
    }

    /// Listens wherever there is room for a server
    fn anywhere(&self) -> String {
        match self.road {
            Some(_) if !self.setting.near => format!("{}:0", Road::SERVER),
            _ => "127.0.0.1:0".into(),
        }
    }
}

impl<'a> Stage<'a> {
    /// Starts both and waits until they are connected
    pub(super) fn open(
        theatre: &'a Theatre,
        cast: Cast<'a>,
        home: &'a Path,
        lateness: &'a Lateness,
        scenario: &Scenario,
    ) -> Result<Self> {
        let begun = Instant::now();
        let Scenario { setting, timed, .. } = *scenario;
        let tools = setting.apart.then_some(&theatre.tools);
        let road = tools.and_then(|tools| tools.as_ref().ok()).map(Road::new).transpose()?;
        let aside = Lateness::default();
        let backstage = Backstage { theatre, cast, home, lateness, aside, setting, timed, road };
        let server = match cast.role {
            Role::Server => backstage.theirs(&backstage.anywhere())?,
            Role::Client => backstage.ours(&backstage.anywhere())?,
        };
        let address = listening(&server)?;
        // With TLS there is nothing to be seen, and on a road the tap's kernel would answer for theirs.
        let tapped = !cast.tls && (!setting.apart || setting.near);
        let tap = tapped.then(|| {
            let mut command = Tap::command(&theatre.ours, &address);
            backstage.start("the tap", Role::Client, &mut command, lateness).and_then(Tap::new)
        });
        let tap = tap.transpose()?;
        let url = url(cast.tls, tap.as_ref(), &address, "/");
        let (ours, theirs) = match cast.role {
            Role::Server => (backstage.ours(&url)?, server),
            Role::Client => (server, backstage.theirs(&url)?),
        };
        let stage = Self { backstage, begun, address, tap, ours, theirs };
        stage.meet()?;
        Ok(stage)
    }

    /// Starts the peer anew where it was, and returns when it could be reached again
    pub(super) fn restart_theirs(&mut self) -> Result<Instant> {
        match self.role() {
            Role::Server => {
                self.theirs = self.backstage.theirs(&self.address)?;
                listening(&self.theirs)?;
            }
            Role::Client => self.theirs = self.backstage.theirs(&self.url("/"))?,
        }
        Ok(Instant::now())
    }

    /// Another connection of the same two: the client is started anew
    pub(super) fn renew(&mut self) -> Result<()> {
        let url = self.url("/");
        match self.role() {
            Role::Server => {
                self.ours.kill()?;
                self.ours = self.backstage.ours(&url)?;
            }
            Role::Client => {
                self.theirs.kill()?;
                self.theirs = self.backstage.theirs(&url)?;
            }
        }
        self.meet()
    }

    /// Waits until both are connected
    fn meet(&self) -> Result<()> {
        let mut failed = None;
        let once = self.backstage.setting.once;
        let met = self.ours.expect("a connection", START, |note| match note {
            Note::Connected => Some(true),
            Note::Failed(words) => {
                failed = Some(words.clone());
                // Who does not come back by itself is over.
                once.then_some(false)
            }
            _ => None,
        });
        let (_, met) = met?;
        let Some(words) = failed else { return connected(&self.theirs).map(drop) };
        sleep(TOLD_LATER);
        let told = self.theirs.told().into_iter().filter(|note| *note == Note::Connected).count();
        judge::met(told, usize::from(met), &words)
    }

    /// One more client of theirs, which dials this path of our server
    pub(super) fn another(&self, path: &str) -> Result<Program> {
        self.backstage.theirs(&self.url(path))
    }

    /// One more client, of whichever side dials, that shows no certificate
    pub(super) fn stranger(&self) -> Result<Program> {
        let url = self.url("/");
        match self.role() {
            Role::Server => self.backstage.ours_that_shows(&url, false),
            Role::Client => self.backstage.theirs_that_shows(&url, false),
        }
    }

    fn url(&self, path: &str) -> String {
        url(self.backstage.cast.tls, self.tap.as_ref(), &self.address, path)
    }

    /// The role of the peer
    pub(super) const fn role(&self) -> Role {
        self.backstage.cast.role
    }

    /// What ours is to say of a silence that is this; who stands in for ours asks no kernel
    pub(super) fn verdict<'b>(&self, wanted: &'b str) -> &'b str {
        if self.backstage.theatre.is_stood_in_for() { "silent" } else { wanted }
    }

    /// The peer's own heartbeat
    pub(super) fn pace(&self) -> Result<Pace> {
        self.backstage.pace().context("it has no heartbeat here")
    }

    /// Why the peer cannot do that, if it cannot
    pub(super) fn cannot(&self, what: &str) -> Option<&str> {
        self.backstage.cast.peer.cannot(self.role(), what)
    }

    /// The road between them
    pub(super) fn road(&self) -> Result<&Road> {
        self.backstage.road.as_ref().context("there is no road")
    }

    /// What the wire must show of what was said since then, where there is a wire to be seen
    pub(super) fn on_the_wire<T>(
        &mut self,
        then: Instant,
        judge: impl Fn(&[Wire]) -> Result<T>,
    ) -> Result<Option<T>> {
        let Some(tap) = &mut self.tap else { return Ok(None) };
        let judged = |wires: &[Wire]| wire::masks(wires).and_then(|()| judge(wires));
        tap.settle(then, TOLD_LATER, judged).map(Some)
    }

    /// What the wire has to say of a trial that failed: whether we gave the peer up for a Ping that it
    /// left without an answer
    pub(super) fn testimony(&mut self) -> Option<&'static str> {
        let (then, us) = (self.begun, self.role().other());
        let least = TIMEOUT.saturating_sub(MARGIN / 5);
        self.on_the_wire(then, |wires| wire::left_without_pong(wires, us, least))
            .ok()
            .flatten()
            .map(|()| NO_PONG)
    }

    /// How late the machine was since this stage was opened, at worst
    pub(super) fn late(&self) -> Duration {
        self.backstage.lateness.worst_since(self.begun)
    }

    /// Waits until ours is connected, and returns when it was
    ///
    /// The other side's word for it may have come before its word for the end of the last one.
    pub(super) fn connected(&self) -> Result<Instant> {
        connected(&self.ours)
    }

    /// Lets the client say something, and waits until the server's echo is back; in how many frames
    /// ours sent it, if the peer can tell
    pub(super) fn echo(&mut self, message: &Payload) -> Result<Option<u64>> {
        self.echo_beside(message, 0)
    }

    /// The same over another connection, while either may still tell of the end of the last one
    pub(super) fn echo_again(&mut self, message: &Payload) -> Result<()> {
        self.echo_beside(message, 1).map(drop)
    }

    fn echo_beside(&mut self, message: &Payload, ends: u32) -> Result<Option<u64>> {
        let (client, server) = match self.role() {
            Role::Server => (&mut self.ours, &self.theirs),
            Role::Client => (&mut self.theirs, &self.ours),
        };
        client.tell(&json!({ "send": message.value() }))?;
        let (there, back) = (received(server, message, ends)?, received(client, message, ends)?);
        Ok(match self.role() {
            Role::Server => there,
            Role::Client => back,
        })
    }
}

/// When we beat, give up and come back
///
/// A peer may be slower than any promise, with a mebibyte or a first connection, on a machine that is
/// not: where no promise is played, nobody is given up for that.
fn rule(timed: bool, seldom: bool) -> [(&'static str, Duration); 4] {
    let interval = if seldom { SELDOM } else { INTERVAL };
    let (timeout, dial) = if timed { (TIMEOUT, DIAL) } else { (PATIENCE, PATIENCE) };
    [("--beat", interval), ("--timeout", timeout), ("--dial", dial), ("--retry", RETRY)]
}

/// Where a client dials: the tap's place, or the server's
fn url(tls: bool, tap: Option<&Tap>, server: &str, path: &str) -> String {
    let scheme = if tls { "wss" } else { "ws" };
    let address = tap.map_or(server, |tap| &tap.address);
    format!("{scheme}://{address}{path}")
}

/// Waits for a message, which must be this one; in how many frames it came. Until then so many
/// connections may end
fn received(by: &Program, message: &Payload, mut ends: u32) -> Result<Option<u64>> {
    loop {
        let (_, came) = by.expect(&message.describe(), PATIENCE, |note| match note {
            Note::Message(came, frames) => Some(Some((came.clone(), *frames))),
            Note::Closed(_) if ends > 0 => Some(None),
            _ => None,
        })?;
        let Some((came, frames)) = came else {
            ends -= 1;
            continue;
        };
        ensure!(came == *message, "{message:?} was sent and became {came:?}");
        return Ok(frames);
    }
}

/// Picks the end of a connection
pub(super) fn end(note: &Note) -> Option<End> {
    match note {
        Note::Closed(end) => Some(end.clone()),
        _ => None,
    }
}

pub(super) fn listening(program: &Program) -> Result<String> {
    let (_, address) = program.expect("where it listens", PATIENCE, |note| match note {
        Note::Listening(address) => Some(address.clone()),
        _ => None,
    })?;
    Ok(address)
}

pub(super) fn connected(program: &Program) -> Result<Instant> {
    let picked = |note: &Note| (*note == Note::Connected).then_some(());
    Ok(program.expect("a connection", START, picked)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_where_a_promise_is_played_is_anybody_given_up_for_being_slow() {
        let durations = |timed| rule(timed, false).map(|(_, duration)| duration);
        assert_eq!(durations(true), [INTERVAL, TIMEOUT, DIAL, RETRY]);
        assert_eq!(durations(false), [INTERVAL, PATIENCE, PATIENCE, RETRY]);
    }
}
