//! `bench growth`: whether a connection costs the same among many as among few, in one process and in as
//! many as the descriptor limit asks for.

use std::time::Duration;

use anyhow::{Context, Result};

use super::Wanted;
use super::contestants::{Contestant, RAW_EPOLL, ours};
use super::figures::Figures;
use super::rounds::Life;
use super::stage::{Crowd, Pair, Theatre, beats, wait};
use crate::runtimes::RUNTIMES;

/// How many stand in one process, and at last in several
const STEPS: [u64; 3] = [1_000, 5_000, 19_000];
const MANY: u64 = 100_000;

/// Seldom enough that a hundred thousand leave half of a processor free
const BEAT: Duration = Duration::from_secs(5);
/// Until everybody's first beat has come; with the time in which beats are counted it is more than an
/// upgrade's deadline
const SETTLE: Duration = Duration::from_secs(6);
const SHORT_SETTLE: Duration = Duration::from_secs(3);
/// A beat of each
const WINDOW: Duration = Duration::from_secs(5);
/// Whole processes come and go in each of these: as many as an interval of 95 % needs
const MOST_ROUNDS: usize = 6;
/// Beside them, to be looked at, and held against nothing
const ASIDE_ROUNDS: usize = 1;

/// Beside a connection's own: what a process has open anyway
const OTHER_DESCRIPTORS: u64 = 100;

/// What the figure of so many is called
pub(super) fn resident(connections: u64) -> String {
    format!("growth: resident for each of {connections}")
}

/// And that of a million beats
pub(super) fn beating(connections: u64) -> String {
    format!("growth: CPU for a million beats of {connections}")
}

pub(super) fn play(
    theatre: &mut Theatre<'_>,
    wanted: &Wanted,
    all: &[Contestant],
    figures: &mut Figures,
) -> Result<()> {
    let tokio = ours(RUNTIMES[0]);
    let steps = match (wanted.connections, wanted.small) {
        (Some(most), _) => vec![STEPS[0], most],
        (None, true) => vec![STEPS[0], STEPS[1]],
        (None, false) => [&STEPS[..], &[MANY]].concat(),
    };
    let settle = if wanted.small { SHORT_SETTLE } else { SETTLE };
    let most = wanted.rounds.min(if wanted.small { 1 } else { MOST_ROUNDS });
    let those = all.iter().filter(|who| who.name == tokio || who.name == RAW_EPOLL);
    let lives = those.flat_map(|who| {
        steps.iter().map(move |&connections| {
            let aside = who.name == RAW_EPOLL || connections == STEPS[1];
            let rounds = if aside { most.min(ASIDE_ROUNDS) } else { most };
            Life { who, connections, rounds }
        })
    });
    let lives = lives.collect::<Vec<_>>();
    theatre.lives(&lives, figures, |theatre, life, figures| one(theatre, life, settle, figures));
    Ok(())
}

fn one(
    theatre: &Theatre<'_>,
    life: &Life<'_>,
    settle: Duration,
    figures: &mut Figures,
) -> Result<()> {
    let Life { who, connections, .. } = *life;
    let mut pairs = Vec::new();
    for (first, share) in shares(connections, room()?) {
        let beat = Some(BEAT);
        let crowd = Crowd { connections: share, first, beat, ..Crowd::default() };
        pairs.push(Pair::start(theatre, who, &crowd)?);
    }
    wait(theatre, &mut pairs, settle)?;
    let seconds = beats(theatre, &mut pairs, WINDOW)?;
    figures.add(&beating(connections), "s", &who.name, seconds);
    let bytes = pairs.iter().map(Pair::grown).sum::<Result<f64>>()?;
    figures.add(&resident(connections), "bytes", &who.name, bytes / connections as f64);
    Ok(())
}

/// How many connections a process may have
pub(super) fn room() -> Result<u64> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let most = descriptors(&limits).context("another kind of /proc")?;
    Ok(most.saturating_sub(OTHER_DESCRIPTORS).max(1))
}

/// The hard limit
fn descriptors(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// So many in equal shares of at most so many: each one's first number, and how many they are
pub(super) fn shares(connections: u64, most: u64) -> Vec<(u64, u64)> {
    let parts = connections.div_ceil(most);
    let begin = |part: u64| connections * part / parts;
    (0..parts).map(|part| (begin(part), begin(part + 1) - begin(part))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_equal_and_all_of_it() {
        assert_eq!(shares(1_000, 19_900), [(0, 1_000)]);
        assert_eq!(shares(10, 4), [(0, 3), (3, 3), (6, 4)]);
        let million = shares(1_000_000, 19_900);
        assert_eq!(million.len(), 51);
        assert!(million.iter().all(|(_, share)| *share <= 19_900));
        assert_eq!(million.iter().map(|(_, share)| share).sum::<u64>(), 1_000_000);
    }

    #[test]
    fn the_hard_limit_is_what_counts() {
        let limits = "Limit  Soft Limit  Hard Limit  Units\nMax open files  1024  20000  files\n";
        assert_eq!(descriptors(limits), Some(20_000));
        assert_eq!(descriptors("Max open files"), None);
    }
}
