//! What is promised of the figures, as a table.

use super::contestants::{RAW_EPOLL, RAW_TCP};

pub(super) const RESIDENT: &str = "resident for an idle connection";
pub(super) const AFTER_SMALL: &str = "resident after bursts of 64 B";
pub(super) const AFTER_LARGE: &str = "resident after bursts of 64 KiB";
pub(super) const BEATS: &str = "CPU for a million beats";
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

/// What a figure is held against
#[derive(Debug)]
pub(super) enum Against {
    Number,
    /// This one's in the same rounds
    Peer(&'static str),
}

const TOKIO: &str = "everbeat tokio";
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
];

#[cfg(test)]
mod tests {
    use super::super::contestants::ours;
    use super::*;
    use crate::runtimes::RUNTIMES;

    #[test]
    fn the_goals_speak_of_what_is_measured() {
        let mut known =
            vec![RESIDENT.to_owned(), AFTER_LARGE.into(), BEATS.into(), BROADCAST.into()];
        known.extend(SIZES.iter().map(|(_, size)| echo(size, 64, "CPU")));
        let peers = RUNTIMES.iter().map(|runtime| ours(runtime)).collect::<Vec<_>>();
        for goal in GOALS {
            assert!(known.iter().any(|what| what == goal.what), "{}", goal.what);
            assert!(peers.iter().any(|peer| peer == goal.peer), "{}", goal.peer);
        }
    }
}
