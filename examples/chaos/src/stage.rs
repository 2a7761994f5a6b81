//! What a lane is played on: a client's host and a server's, each behind a router of its own, a link
//! between the routers, a process on either host; and what can be done to them.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::mpsc::Sender;

use anyhow::{Context, Result};
use everbeat_link::{Link, Shape, Way, Wire};
use everbeat_netns::{Clock, Host, Kind as Clocks, Network, Tools};
use everbeat_support::Runtime;
use fastrand::Rng;

use crate::child::command;
use crate::program::{Program, Told};
use crate::schedule::{Kind, Side, Window};
use crate::settings;

/// The link's ends
const NEAR: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 1);
const FAR: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 2);
/// What the hosts are called, and which number each has
const CLIENT: (&str, u8) = ("client", 1);
const SERVER: (&str, u8) = ("server", 2);
const PORT: u16 = 9_001;
/// Where a process that lives in a time of its own has its clocks begin, in seconds
const SINCE: (&str, &str) = ("1000000", "2000000");

/// How a lane is set up, from its seed
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Setup {
    /// The client's, and the server's
    pub(crate) runtimes: (Runtime, Runtime),
    /// The client watches its host's addresses and links
    pub(crate) watches: bool,
    /// Who lives by a clock that jumps, and which clocks jump
    pub(crate) clocked: (Side, Clocks),
    /// The client lives in a time namespace of its own, whose clocks began elsewhere
    pub(crate) elsewhen: bool,
    pub(crate) seed: u64,
}

impl Setup {
    /// The lanes of a run: a client on each runtime, and what is different of them takes turns by the
    /// seed
    pub(crate) fn all(seed: u64) -> [Self; 3] {
        let turn = |lane: usize, by: u64| (lane + usize::try_from(by % 3).unwrap_or(0)) % 3;
        [0, 1, 2].map(|lane| {
            let runtimes = (Runtime::ALL[lane], Runtime::ALL[turn(lane, seed)]);
            Self {
                runtimes,
                watches: turn(lane, seed / 3) == 0,
                clocked: clocked(runtimes),
                elsewhen: turn(lane, seed) == 2,
                seed: Rng::with_seed(seed.rotate_left(17) ^ lane as u64).u64(..),
            }
        })
    }

    /// Who takes part, in words
    pub(crate) fn words(&self) -> String {
        let (client, server) = self.runtimes;
        let clocks = match self.clocked.1 {
            Clocks::Both => "both clocks",
            Clocks::Wall => "the wall clock",
        };
        let watches = if self.watches { "; the client watches its host" } else { "" };
        let elsewhen = if self.elsewhen { ", and is in a time namespace" } else { "" };
        format!(
            "client on {client}, server on {server}; {clocks} of the {} jump{watches}{elsewhen}",
            self.clocked.0
        )
    }
}

/// Whose clocks jump, and which
///
/// libfaketime turns the monotonic clock into that of the wall, and does not know std's timed waits:
/// they wait for a time of the other clock that is decades ahead, so that the reactor of smol and
/// async-std stands still. tokio's waits are of lengths. So both clocks jump for who is on tokio.
const fn clocked((client, server): (Runtime, Runtime)) -> (Side, Clocks) {
    match (client, server) {
        (_, Runtime::Tokio) => (Side::Server, Clocks::Both),
        (Runtime::Tokio, _) => (Side::Client, Clocks::Both),
        _ => (Side::Client, Clocks::Wall),
    }
}

/// A lane's networks and processes
///
/// Fields are dropped in their order: processes end before the networks in which they are, and those
/// before the clock by which somebody lives.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) client: Program,
    pub(crate) server: Program,
    link: Link,
    near: Network,
    _far: Network,
    host: Host,
    _peer: Host,
    clock: Clock,
}

impl Stage {
    /// The networks, and a server that is about to listen
    ///
    /// The client begins to connect at once, and again until somebody listens.
    pub(crate) fn open(tools: &Tools, setup: Setup, told: &Sender<Told>) -> Result<Self> {
        let (near, [host]) = Network::join_from(CLIENT.1, tools, [CLIENT.0])?;
        let (far, [peer]) = Network::join_from(SERVER.1, tools, [SERVER.0])?;
        let wires = (Wire::new(near.router(), NEAR, FAR)?, Wire::new(far.router(), FAR, NEAR)?);
        near.lead(&peer, &wires.0.name()?)?;
        far.lead(&host, &wires.1.name()?)?;
        let link = Link::lay(wires.0, wires.1, setup.seed)?;
        let clock = Clock::new(tools, setup.clocked.1)?;
        let start = |side| {
            let (host, runtime) = match side {
                Side::Client => (&host, setup.runtimes.0),
                Side::Server => (&peer, setup.runtimes.1),
            };
            let elsewhen = setup.elsewhen && side == Side::Client;
            let mut command = process(host, elsewhen)?;
            let address = SocketAddr::from((peer.v4(), PORT)).to_string();
            command.args([&side.to_string(), &address, "--runtime", runtime.name()]);
            if side == Side::Client {
                command.args(["--seed", &setup.seed.to_string()]);
                command.args(setup.watches.then_some("--watch"));
            }
            if side == setup.clocked.0 {
                clock.dress(&mut command);
            }
            Program::start(host, command, side, told.clone()).with_context(|| format!("the {side}"))
        };
        let (server, client) = (start(Side::Server)?, start(Side::Client)?);
        Ok(Self { client, server, link, near, _far: far, host, _peer: peer, clock })
    }

    /// The link is like this, both ways
    pub(crate) fn shape(&self, shape: Shape) {
        Way::BOTH.iter().for_each(|way| self.link.shape(*way, shape));
    }

    /// What goes before a fault
    pub(crate) fn prepare(&mut self, window: &Window) -> Result<()> {
        if window.quiet {
            self.client.tell(command::QUIET)?;
        }
        if window.kind == Kind::HoleInUpload {
            self.shape(window.lead);
            self.client.tell(command::UPLOAD)?;
        }
        Ok(())
    }

    /// A fault begins
    pub(crate) fn begin(&mut self, window: &Window) -> Result<()> {
        self.link.shape(Way::Out, window.out);
        self.link.shape(Way::Back, window.back);
        match window.kind {
            Kind::Bloat => self.client.tell(command::UPLOAD),
            Kind::Renumber => self.host.renumber(),
            Kind::Unplug | Kind::Flap => self.host.unplug(),
            Kind::Kill => self.host.reset(SocketAddr::from((Host::v4_of(SERVER.1), PORT))),
            Kind::Refuse => self.near.refuse(&self.host),
            Kind::StopClient | Kind::PauseClient => self.client.stop(),
            Kind::StopServer | Kind::PauseServer => self.server.stop(),
            Kind::Jump => self.clock.jump(settings::JUMP),
            _ => Ok(()),
        }
    }

    /// And is over
    pub(crate) fn end(&mut self, window: &Window, calm: Shape) -> Result<()> {
        match window.kind {
            Kind::Unplug | Kind::Flap => self.host.restore()?,
            Kind::Refuse => self.near.repair()?,
            Kind::StopClient | Kind::PauseClient => self.client.resume()?,
            Kind::StopServer | Kind::PauseServer => self.server.resume()?,
            _ => {}
        }
        self.shape(calm);
        if window.quiet {
            self.client.tell(command::TALK)?;
        }
        Ok(())
    }

    /// By how much the link was late since this was last asked
    pub(crate) fn lateness(&self) -> std::time::Duration {
        self.link.take_lateness()
    }

    /// How many packets passed the link, and how many were lost on it
    pub(crate) fn packets(&self) -> (u64, u64) {
        let counts = Way::BOTH.map(|way| self.link.counts(way));
        let arrived = counts.iter().map(|counts| counts.arrived).sum();
        (arrived, counts.iter().map(|counts| counts.hole + counts.chance + counts.queue).sum())
    }
}

/// This program, on a host; in a time of its own if it is asked for
fn process(host: &Host, elsewhen: bool) -> Result<Command> {
    let program = std::env::current_exe().context("where are we?")?;
    if !elsewhen {
        return Ok(host.place().command(program));
    }
    let mut command = host.place().command("unshare");
    command.args(["--time", "--monotonic", SINCE.0, "--boottime", SINCE.1, "--"]).arg(program);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_seeds_have_a_client_of_each_runtime_meet_a_server_of_each() {
        let setups = [1, 2, 3].map(Setup::all).concat();
        let mut pairs = setups.iter().map(|setup| setup.runtimes).collect::<Vec<_>>();
        pairs.sort();
        pairs.dedup();
        assert_eq!(pairs.len(), 9);
        for run in setups.chunks(3) {
            assert_eq!(run.iter().filter(|setup| setup.watches).count(), 1);
            assert_eq!(run.iter().filter(|setup| setup.elsewhen).count(), 1);
            let both = |setup: &&Setup| setup.clocked.1 == Clocks::Both;
            assert!(run.iter().any(|setup| both(&setup)));
            for Setup { runtimes, clocked, .. } in run.iter().filter(both) {
                let of = if clocked.0 == Side::Client { runtimes.0 } else { runtimes.1 };
                assert_eq!(of, Runtime::Tokio, "on another runtime std's waits would never end");
            }
        }
        let mut seeds = setups.iter().map(|setup| setup.seed).collect::<Vec<_>>();
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), 9);
    }
}
