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
    /// Goes through it, and tells in a few words what was seen
    pub(super) play: fn(&mut Stage<'_>) -> Result<String>,
}

const fn scenario(name: &'static str, play: fn(&mut Stage<'_>) -> Result<String>) -> Scenario {
    Scenario { name, beating: false, play }
}

pub(super) const ALL: &[Scenario] = &[
    scenario("idle", idle::only_we_beat),
    Scenario { beating: true, ..scenario("idle-both-beat", idle::both_beat) },
    scenario("echo", echo::all_kinds),
    scenario("ping", ping::is_answered),
    scenario("stop", stop::is_noticed),
    scenario("kill", kill::is_survived),
    scenario("close-by-them", close::by_them),
    scenario("close-by-us", close::by_us),
];
