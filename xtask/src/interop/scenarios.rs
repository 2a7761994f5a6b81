//! What every peer has to stand, in either role. A scenario is a line in the table.

mod close;
mod echo;
mod hole;
mod idle;
mod kill;
mod known;
mod pace;
mod ping;
mod refused;
mod stop;
mod stopped;

use anyhow::Result;

use super::peer::Role;
use super::stage::{Setting, Stage};

/// Something that two connected peers go through
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) setting: Setting,
    /// It is about promises on real time, which a machine that stalls cannot hold
    pub(super) timed: bool,
    /// It takes longer than a push can wait
    pub(super) long: bool,
    /// It is for peers in this role
    pub(super) role: Option<Role>,
    /// What a peer must be able to do
    pub(super) needs: &'static [&'static str],
    /// Goes through it, and tells in a few words what was seen
    pub(super) play: fn(&mut Stage<'_>) -> Result<String>,
}

pub(super) const fn scenario(
    name: &'static str,
    play: fn(&mut Stage<'_>) -> Result<String>,
) -> Scenario {
    let (setting, role, needs) = (Setting::PLAIN, None, &[]);
    Scenario { name, setting, timed: false, long: false, role, needs, play }
}

/// A scenario about promises on real time
pub(super) const fn timed(
    name: &'static str,
    play: fn(&mut Stage<'_>) -> Result<String>,
) -> Scenario {
    Scenario { timed: true, ..scenario(name, play) }
}

const BEATING: Setting = Setting { beating: true, ..Setting::PLAIN };
const APART: Setting = Setting { apart: true, ..Setting::PLAIN };
const ONCE: Setting = Setting { once: true, ..Setting::PLAIN };

pub(super) const ALL: &[Scenario] = &[
    timed("idle", idle::only_we_beat),
    Scenario { setting: BEATING, needs: &["beat"], ..timed("idle-both-beat", idle::both_beat) },
    scenario("echo", echo::all_kinds),
    Scenario { needs: &["ping"], ..scenario("ping", ping::is_answered) },
    timed("stop", stop::is_noticed),
    Scenario { setting: APART, ..timed("hole", hole::is_noticed) },
    Scenario { setting: APART, ..timed("hole-repaired", hole::repaired_is_survived) },
    timed("kill", kill::is_survived),
    Scenario {
        setting: Setting { hindered: true, ..Setting::PLAIN },
        ..timed("we-stop", stopped::peer_is_not_blamed)
    },
    Scenario {
        setting: Setting { hindered: true, ..BEATING },
        needs: &["beat", "expire"],
        ..timed("we-stop-too-long", stopped::their_rule_fires)
    },
    Scenario { setting: ONCE, ..scenario("close-by-them", close::by_them) },
    Scenario { setting: ONCE, ..scenario("close-by-us", close::by_us) },
    Scenario {
        setting: Setting { roomy: true, ..Setting::PLAIN },
        role: Some(Role::Client),
        ..scenario("refused-by-us", refused::is_told)
    },
    Scenario {
        setting: Setting { known: true, roomy: true, ..Setting::PLAIN },
        needs: &["certificate"],
        ..scenario("client-certificate", known::strangers_are_not_let_in)
    },
];

/// For peers that are to be played at the numbers of their own examples
pub(super) const OWN_PACE: &[Scenario] = &[
    Scenario {
        // It is to live by what it asks of us alone.
        setting: Setting { own_pace: true, seldom: true, ..Setting::PLAIN },
        long: true,
        needs: &["beat"],
        ..timed("idle-own-pace", pace::is_borne)
    },
    Scenario {
        setting: Setting { own_pace: true, seldom: true, hindered: true, ..Setting::PLAIN },
        long: true,
        needs: &["beat", "expire"],
        ..timed("we-stop-own-pace", pace::is_kept)
    },
];
