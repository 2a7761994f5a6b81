//! The table: which faults, and how each is played.

use anyhow::Result;

use super::play;
use super::row::Seen;
use super::stage::Scene;

/// A row of the table
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) name: &'static str,
    /// What its figure is
    pub(super) figure: &'static str,
    pub(super) play: fn(&mut Scene<'_>) -> Result<Seen>,
    /// It has no TLS
    pub(super) plain_only: bool,
}

const fn fault(
    name: &'static str,
    figure: &'static str,
    play: fn(&mut Scene<'_>) -> Result<Seen>,
) -> Fault {
    Fault { name, figure, play, plain_only: false }
}

/// The longest first, where not all of them are played at one time
pub(super) const TABLE: &[Fault] = &[
    fault("2.5 MB upload over 1 Mbit/s", "until it is there", play::upload),
    Fault {
        plain_only: true,
        ..fault("the same, by the usual recipe", "until `dead`", play::usual_upload)
    },
    fault("black hole in the middle of it", "until dead", play::hole_in_an_upload),
    fault("black hole on an idle link", "until dead", play::hole),
    fault("hole of 1.2 s, repaired", "until it answers", play::short_hole),
    fault("hole of 3 s at a promise of 15 s, repaired", "until it answers", play::longer_hole),
    fault("peer's process stopped", "until dead", play::peer_stopped),
    fault("our packets with payload dropped, peer sends", "until dead", play::payload_dropped),
    fault("all our packets dropped", "until dead", play::all_dropped),
    fault("we are stopped for 30 s, peer alive", "of it told", play::we_are_stopped),
    fault("both clocks jump an hour ahead", "until it answers", play::both_clocks_jump),
    fault("the wall clock jumps an hour ahead", "until it answers", play::wall_clock_jumps),
    fault("address removed", "until dead", play::address_removed),
    fault("address removed, watched", "until dead", play::watched_address_removed),
];
