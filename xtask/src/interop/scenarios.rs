//! What every peer has to stand, in either role. A scenario is a line in the table.

mod close;
mod echo;
mod idle;
mod kill;
mod ping;
mod stop;

use anyhow::Result;

use super::stage::Stage;

/// Something that two connected peers go through
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    /// The peer is to Ping by itself
    pub(super) beating: bool,
    /// It is about promises on real time, which a machine that stalls cannot hold
    pub(super) timed: bool,
    /// Goes through it, and tells in a few words what was seen
    pub(super) play: fn(&mut Stage<'_>) -> Result<String>,
}

const fn scenario(name: &'static str, play: fn(&mut Stage<'_>) -> Result<String>) -> Scenario {
    Scenario { name, beating: false, timed: false, play }
}

/// A scenario about promises on real time
const fn timed(name: &'static str, play: fn(&mut Stage<'_>) -> Result<String>) -> Scenario {
    Scenario { timed: true, ..scenario(name, play) }
}

pub(super) const ALL: &[Scenario] = &[
    timed("idle", idle::only_we_beat),
    Scenario { beating: true, ..timed("idle-both-beat", idle::both_beat) },
    scenario("echo", echo::all_kinds),
    scenario("ping", ping::is_answered),
    timed("stop", stop::is_noticed),
    timed("kill", kill::is_survived),
    scenario("close-by-them", close::by_them),
    scenario("close-by-us", close::by_us),
];
