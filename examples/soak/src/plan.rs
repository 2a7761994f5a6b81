//! What goes wrong, when, and which ends of connections it explains. Pure.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use everbeat_faults::{Direction, Fault};
use fastrand::Rng;

use crate::ends::{How, Side};
use crate::settings;

/// A kind of fault
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Reset,
    HalfClose(Direction),
    Cut(Direction),
    BlackHole(Direction),
    Stall(Direction),
    Slow,
    Delay,
}

use Direction::{Both, ToClient, ToServer};

impl Kind {
    pub(crate) const ALL: [Self; 12] = [
        Self::Reset,
        Self::HalfClose(ToServer),
        Self::HalfClose(ToClient),
        Self::Cut(ToServer),
        Self::Cut(ToClient),
        Self::BlackHole(Both),
        Self::BlackHole(ToServer),
        Self::BlackHole(ToClient),
        Self::Stall(ToServer),
        Self::Stall(ToClient),
        Self::Slow,
        Self::Delay,
    ];

    /// What is done to a whole road; a cut is done to each connection, at a byte of its own
    pub(crate) fn fault(self) -> Option<Fault> {
        Some(match self {
            Self::Reset => Fault::Reset,
            Self::HalfClose(direction) => Fault::HalfClose(direction),
            Self::Cut(_) => return None,
            Self::BlackHole(direction) => Fault::BlackHole(direction),
            Self::Stall(direction) => Fault::Stall(direction),
            Self::Slow => Fault::Rate(Both, NonZeroU32::new(settings::RATE)?),
            Self::Delay => Fault::Delay(Both, settings::DELAY),
        })
    }

    /// How long it lasts: a moment, or until a silence must have been noticed
    pub(crate) const fn length(self) -> Duration {
        match self {
            Self::Reset | Self::HalfClose(_) => Duration::ZERO,
            _ => settings::SILENCE,
        }
    }

    /// Whether connections end by it
    pub(crate) const fn breaks(self) -> bool {
        !matches!(self, Self::Slow | Self::Delay)
    }

    /// Whether `side` may say that its connection ended so
    ///
    /// A server that hears its client does not call it dead, for its clients send all the time. A
    /// server that does not asks once and falls silent, so that its client may be first to say so.
    pub(crate) const fn explains(self, side: Side, how: How) -> bool {
        match how {
            How::Cut => self.breaks(),
            How::Dead => matches!(
                (self, side),
                (Self::BlackHole(_) | Self::Stall(_), Side::Client)
                    | (
                        Self::BlackHole(Both | ToServer) | Self::Stall(Both | ToServer),
                        Side::Server
                    )
            ),
            How::Closed | How::Other => false,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reset => f.write_str("reset"),
            Self::HalfClose(direction) => write!(f, "half-close, {direction}"),
            Self::Cut(direction) => write!(f, "cut in mid-stream, {direction}"),
            Self::BlackHole(direction) => write!(f, "black hole, {direction}"),
            Self::Stall(direction) => write!(f, "stall, {direction}"),
            Self::Slow => f.write_str("slow, both ways"),
            Self::Delay => f.write_str("delay, both ways"),
        }
    }
}

/// A fault, and when it begins
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) kind: Kind,
    pub(crate) begin: Duration,
    /// Whether the road is a long one by then
    pub(crate) long: bool,
}

/// Roads to each server on which there are faults; each begins with a kind of its own, so that
/// every server meets every kind
pub(crate) const FAULTY: usize = Kind::ALL.len();
/// Roads to each server on which nothing ever happens; the clients on the last one stay until the
/// server shuts down
pub(crate) const CALM: usize = 2;
pub(crate) const ROADS: usize = FAULTY + CALM;

/// What happens on the `road`th road to a server, in this time
pub(crate) fn plan(road: usize, length: Duration, rng: &mut Rng) -> Vec<Window> {
    let mut windows = Vec::new();
    let Some(&first) = Kind::ALL.get(road) else { return windows };
    let mut kind = first;
    let mut begin = settings::LEAD + Duration::from_millis(rng.u64(0..1_000));
    while begin + kind.length() <= length {
        windows.push(Window { kind, begin, long: rng.bool() });
        begin += kind.length() + settings::BACK + Duration::from_millis(rng.u64(0..1_000));
        kind = Kind::ALL[rng.usize(0..Kind::ALL.len())];
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_meets_every_kind_even_in_the_shortest_run() {
        for length in [settings::WARM_UP, Duration::from_secs(8)] {
            let mut rng = Rng::with_seed(7);
            let first = |road| plan(road, length, &mut rng).first().map(|window| window.kind);
            let met: Vec<_> = (0..ROADS).filter_map(first).collect();
            assert_eq!(met, Kind::ALL);
        }
    }

    #[test]
    fn between_two_faults_everybody_can_come_back_and_all_end_in_time() {
        let length = Duration::from_secs(60);
        for seed in 0..50 {
            for road in 0..ROADS {
                let windows = plan(road, length, &mut Rng::with_seed(seed));
                let end = |window: &Window| window.begin + window.kind.length();
                assert!(windows.is_sorted_by(|a, b| end(a) + settings::BACK <= b.begin));
                assert!(windows.iter().all(|window| window.begin >= settings::LEAD));
                assert!(windows.iter().all(|window| end(window) <= length));
                assert_eq!(windows.is_empty(), road >= FAULTY);
            }
        }
    }

    #[test]
    fn a_server_that_hears_its_client_may_not_say_dead() {
        let (deaf, dumb) = (Kind::BlackHole(ToServer), Kind::BlackHole(ToClient));
        assert!(deaf.explains(Side::Server, How::Dead) && !dumb.explains(Side::Server, How::Dead));
        assert!(deaf.explains(Side::Client, How::Dead) && dumb.explains(Side::Client, How::Dead));
        assert!(dumb.explains(Side::Server, How::Cut));
        assert!(Kind::Stall(Both).explains(Side::Client, How::Dead));
        assert!(!Kind::Reset.explains(Side::Client, How::Dead));
        for how in [How::Dead, How::Cut, How::Closed, How::Other] {
            assert!(!Kind::Slow.explains(Side::Client, how));
            assert!(!Kind::Delay.explains(Side::Server, how));
        }
    }
}
