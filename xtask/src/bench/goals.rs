//! What is promised of the figures, as a table.

use super::contestants::{RAW_EPOLL, RAW_TCP};
use super::detect::{SOCKET_IO, WEBSOCKETS};

pub(super) const RESIDENT: &str = "resident for an idle connection";
/// Of ours only, for its allocator counts
pub(super) const LIVE: &str = "live on the heap for an idle connection";

/// The same, of what a burst of this size has left
pub(super) fn live_after(size: &str) -> String {
    format!("live on the heap that a burst of {size} has left")
}

pub(super) const AFTER_SMALL: &str = "resident after bursts of 64 B";
pub(super) const AFTER_LARGE: &str = "resident after bursts of 64 KiB";
pub(super) const BEATS: &str = "CPU for a million beats";
pub(super) const DETECTION: &str = "a hole in the road is noticed";
pub(super) const UNKEPT: &str = "a hole in the road is noticed, beyond the promise";
pub(super) const MILLION_HELD: &str = "million: not held";
pub(super) const MILLION_PINGED: &str = "million: not pinged in time";
pub(super) const MILLION_EXPIRED: &str = "million: not expired, or wrongly";
pub(super) const MILLION_LATE: &str = "million: expired after the promise";
pub(super) const BROADCAST: &str = "CPU for a broadcast of 1 KiB";

/// Sizes of messages that are echoed, with what they are called
pub(super) const SIZES: [(usize, &str); 3] = [(64, "64 B"), (1_024, "1 KiB"), (65_536, "64 KiB")];

/// What an echo's figure is called; the goals below have it as it comes out here
pub(super) fn echo(size: &str, connections: u64, of: &str) -> String {
    format!("echo of {size}, {connections} at once: {of}")
}

/// One promise
#[derive(Debug)]
pub(super) struct Goal {
    pub(super) what: &'static str,
    pub(super) peer: &'static str,
    pub(super) against: Against,
    pub(super) most: f64,
    /// It must be met, and is not only aimed at
    pub(super) hard: bool,
}

impl Goal {
    /// Whether a small run decides it too: that nothing is lost or late is promised of any size, while
    /// what one connection or message costs is told of many, in several rounds
    pub(super) fn is_of_any_size(&self) -> bool {
        self.is_number() && self.most == 0.0
    }

    /// Whether it is a number of its own, and no ratio
    pub(super) const fn is_number(&self) -> bool {
        matches!(self.against, Against::Number)
    }

    /// The figure that it is held against, and who has it; `None` if that is its own number
    pub(super) const fn other(&self) -> Option<(&'static str, &'static str)> {
        match self.against {
            Against::Number => None,
            Against::Peer(peer) => Some((self.what, peer)),
            Against::Itself(what) => Some((what, self.peer)),
        }
    }

    /// The same in a word
    pub(super) const fn against(&self) -> Option<&'static str> {
        match self.against {
            Against::Number => None,
            Against::Peer(other) | Against::Itself(other) => Some(other),
        }
    }

    /// The part of the benchmark that measures it
    pub(super) fn part(&self) -> &'static str {
        let begins = |begin: &str| self.what.starts_with(begin);
        match self.what {
            RESIDENT | AFTER_LARGE | BEATS => "idle",
            BROADCAST => "broadcast",
            DETECTION | UNKEPT => "detect",
            _ if begins("echo ") => "echo",
            _ if begins("growth: ") => "growth",
            _ => "million",
        }
    }
}

/// What a figure is held against
#[derive(Debug)]
pub(super) enum Against {
    Number,
    /// This one's in the same rounds
    Peer(&'static str),
    /// Its own figure of this
    Itself(&'static str),
}

const RESIDENT_OF_1000: &str = "growth: resident for each of 1000";
const BEATS_OF_1000: &str = "growth: CPU for a million beats of 1000";

pub(super) const TOKIO: &str = "everbeat tokio";
const FASTWEBSOCKETS: &str = "fastwebsockets";

const fn goal(what: &'static str, against: Against, most: f64) -> Goal {
    Goal { what, peer: TOKIO, against, most, hard: false }
}

const fn hard(what: &'static str, against: Against, most: f64) -> Goal {
    Goal { hard: true, ..goal(what, against, most) }
}

const fn on(peer: &'static str, goal: Goal) -> Goal {
    Goal { peer, ..goal }
}

pub(super) const GOALS: &[Goal] = &[
    hard(RESIDENT, Against::Number, 1_000.0),
    hard(AFTER_LARGE, Against::Number, 1_300.0),
    goal(BEATS, Against::Peer(RAW_EPOLL), 1.2),
    on("everbeat async-std", goal(BEATS, Against::Peer(RAW_EPOLL), 1.5)),
    on("everbeat smol", goal(BEATS, Against::Peer(RAW_EPOLL), 1.5)),
    goal("echo of 64 B, 64 at once: CPU", Against::Peer(RAW_TCP), 1.2),
    goal("echo of 1 KiB, 64 at once: CPU", Against::Peer(RAW_TCP), 1.22),
    goal("echo of 64 KiB, 64 at once: CPU", Against::Peer(RAW_TCP), 1.25),
    hard("echo of 64 KiB, 64 at once: CPU", Against::Peer(FASTWEBSOCKETS), 1.0),
    hard(BROADCAST, Against::Peer(RAW_EPOLL), 1.15),
    goal("growth: resident for each of 19000", Against::Itself(RESIDENT_OF_1000), 1.1),
    goal("growth: resident for each of 100000", Against::Itself(RESIDENT_OF_1000), 1.1),
    goal("growth: CPU for a million beats of 19000", Against::Itself(BEATS_OF_1000), 1.15),
    goal("growth: CPU for a million beats of 100000", Against::Itself(BEATS_OF_1000), 1.15),
    goal(UNKEPT, Against::Number, 0.0),
    goal(DETECTION, Against::Peer(WEBSOCKETS), 0.75),
    goal(DETECTION, Against::Peer(SOCKET_IO), 0.75),
    hard(MILLION_HELD, Against::Number, 0.0),
    hard(MILLION_PINGED, Against::Number, 0.0),
    hard(MILLION_EXPIRED, Against::Number, 0.0),
    hard(MILLION_LATE, Against::Number, 0.0),
];

#[cfg(test)]
mod tests {
    use super::super::contestants::ours;
    use super::super::growth;
    use super::*;
    use crate::runtimes::RUNTIMES;

    #[test]
    fn the_goals_speak_of_what_is_measured() {
        let named = [RESIDENT, AFTER_LARGE, BEATS, BROADCAST];
        let million = [MILLION_HELD, MILLION_PINGED, MILLION_EXPIRED, MILLION_LATE];
        let named = [&named[..], &million, &[DETECTION, UNKEPT]].concat();
        let mut known = named.into_iter().map(String::from).collect::<Vec<_>>();
        known.extend(SIZES.iter().map(|(_, size)| echo(size, 64, "CPU")));
        for connections in [1_000, 19_000, 100_000] {
            known.extend([growth::resident(connections), growth::beating(connections)]);
        }
        for goal in GOALS {
            let of = |part| super::super::PARTS.iter().any(|(name, _)| *name == part);
            assert!(of(goal.part()), "{}", goal.what);
            let million = goal.what.starts_with("million: ");
            assert_eq!(goal.part() == "million", million, "{}", goal.what);
        }
        for name in [RESIDENT_OF_1000, BEATS_OF_1000] {
            assert!(known.iter().any(|what| what == name), "{name}");
        }
        let peers = RUNTIMES.iter().map(|runtime| ours(runtime)).collect::<Vec<_>>();
        for goal in GOALS {
            assert!(known.iter().any(|what| what == goal.what), "{}", goal.what);
            assert!(peers.iter().any(|peer| peer == goal.peer), "{}", goal.peer);
        }
    }
}
