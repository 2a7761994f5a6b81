//! Why a goal has no figure in a run, and what would give it one. Pure.

use everbeat_drawing::told;

use super::contestants::is_of_others;
use super::figures::Figures;
use super::goals::Goal;

/// It measures other people's numbers by itself, whether their servers take part or not
const WITH_OTHERS: &str = "detect";
/// It is no part of all, for nothing may run beside it
const ALONE: &str = "million";

pub(super) fn why(goal: &Goal, figures: &Figures) -> String {
    let (part, run) = (goal.part(), &figures.run);
    if !run.parts.contains(&part) {
        let alone = if part == ALONE { ", alone on the machine" } else { "" };
        return format!("no part of this run: `cargo xtask bench {part}`{alone}");
    }
    if let Some(why) = figures.missing(part) {
        return why.to_owned();
    }
    let sides = [Some((goal.what, goal.peer)), goal.other()].into_iter().flatten();
    let mut unseen = sides.filter(|(what, peer)| figures.of(what, peer).is_none());
    let Some((what, peer)) = unseen.next() else {
        return "not as many rounds of the one as of the other: see the faults".into();
    };
    if let Some(why) = figures.missing(peer) {
        return format!("the peer {peer} is missing: {why}");
    }
    if is_of_others(peer) && !run.peers && part != WITH_OTHERS {
        return format!("the peer {peer} is missing: `--peers` adds it");
    }
    if run.chosen {
        return format!("`--connections` asked for others: `cargo xtask bench {part}`");
    }
    match connections(what).filter(|_| run.small) {
        Some(connections) => {
            let connections = told(connections);
            format!(
                "a small run holds no {connections} connections: `cargo xtask bench {part}` or `all`"
            )
        }
        None => "nothing came of it: see the faults".into(),
    }
}

/// How many connections a figure is of, where that is its last word
fn connections(what: &str) -> Option<f64> {
    what.rsplit(' ').next()?.parse::<u64>().ok().map(|connections| connections as f64)
}

#[cfg(test)]
mod tests {
    use super::super::contestants::ours;
    use super::super::detect::{SOCKET_IO, WEBSOCKETS};
    use super::super::figures::Run;
    use super::super::goals::{DETECTION, GOALS, MILLION_HELD};
    use super::super::growth;
    use super::*;

    const ECHO: &str = "echo of 64 KiB, 64 at once: CPU";
    const FAST: &str = "fastwebsockets";

    fn run() -> Run {
        Run { parts: vec!["echo", "growth", "detect"], ..Run::default() }
    }

    /// Why there is nothing of this, against this peer where there are several
    fn why_of(figures: &Figures, what: &str, against: &str) -> String {
        let fits = |goal: &&Goal| {
            goal.what == what && (against.is_empty() || goal.against() == Some(against))
        };
        why(GOALS.iter().find(fits).unwrap(), figures)
    }

    fn of(run: Run) -> Figures {
        Figures { run, ..Figures::default() }
    }

    #[test]
    fn a_part_that_was_not_played_is_named() {
        let why = why_of(&of(run()), MILLION_HELD, "");
        assert_eq!(why, "no part of this run: `cargo xtask bench million`, alone on the machine");
        let why = why_of(&of(run()), super::super::goals::BROADCAST, "");
        assert_eq!(why, "no part of this run: `cargo xtask bench broadcast`");
    }

    #[test]
    fn a_small_run_has_no_large_crowd() {
        let why = |run| why_of(&of(run), &growth::resident(19_000), "");
        let expected =
            "a small run holds no 19,000 connections: `cargo xtask bench growth` or `all`";
        assert_eq!(why(Run { small: true, ..run() }), expected);
        assert!(why(Run { small: true, chosen: true, ..run() }).contains("`--connections`"));
        assert_eq!(why(run()), "nothing came of it: see the faults");
    }

    #[test]
    fn a_peer_that_is_missing_is_named_and_how_it_is_had() {
        let mut figures = of(run());
        figures.add(ECHO, "us", &ours("tokio"), 1.0);
        let why = why_of(&figures, ECHO, FAST);
        assert_eq!(why, "the peer fastwebsockets is missing: `--peers` adds it");
        figures.run.peers = true;
        figures.miss(FAST, "there is no `cargo` on this machine");
        let why = why_of(&figures, ECHO, FAST);
        assert_eq!(why, "the peer fastwebsockets is missing: there is no `cargo` on this machine");
        figures.add(ECHO, "us", FAST, 1.0);
        figures.add(ECHO, "us", FAST, 1.0);
        assert!(why_of(&figures, ECHO, FAST).contains("not as many rounds"));
    }

    #[test]
    fn what_detection_is_held_against_is_there_without_peers() {
        let mut figures = of(run());
        for against in [WEBSOCKETS, SOCKET_IO] {
            assert_eq!(why_of(&figures, DETECTION, against), "nothing came of it: see the faults");
        }
        figures.add(DETECTION, "s", &ours("tokio"), 1.0);
        figures.miss(SOCKET_IO, "there is no `python3` on this machine");
        assert!(why_of(&figures, DETECTION, SOCKET_IO).ends_with("no `python3` on this machine"));
        figures.miss("detect", "there is no root here");
        assert_eq!(why_of(&figures, DETECTION, WEBSOCKETS), "there is no root here");
    }
}
