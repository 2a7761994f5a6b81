//! `bench growth`: whether a connection costs the same among many as among few, in one process and in as
//! many as the descriptor limit asks for.

use std::time::Duration;

use anyhow::{Context, Result};

use super::Wanted;
use super::contestants::{Contestant, RAW_EPOLL, ours};
use super::figures::Figures;
use super::stage::{Crowd, Pair, Theatre, beats, wait};
use crate::process;
use crate::runtimes::RUNTIMES;

/// How many stand in one process, and at last in several
const STEPS: [u64; 3] = [1_000, 5_000, 19_000];
const MANY: u64 = 100_000;

/// Seldom enough that a hundred thousand leave half of a processor free
const BEAT: Duration = Duration::from_secs(5);
/// Until what upgrades left is gone
const SETTLE: Duration = Duration::from_secs(12);
const SHORT_SETTLE: Duration = Duration::from_secs(3);
/// Two beats of each
const WINDOW: Duration = Duration::from_secs(10);
const MOST_ROUNDS: usize = 3;

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
    for _ in 0..wanted.rounds.min(if wanted.small { 1 } else { MOST_ROUNDS }) {
        for who in all.iter().filter(|who| who.name == tokio || who.name == RAW_EPOLL) {
            for &connections in &steps {
                if let Err(error) = one(theatre, who, connections, settle, figures) {
                    theatre.fault(&who.name, &error.context(format!("{connections} connections")));
                }
            }
        }
    }
    Ok(())
}

fn one(
    theatre: &Theatre<'_>,
    who: &Contestant,
    connections: u64,
    settle: Duration,
    figures: &mut Figures,
) -> Result<()> {
    let mut pairs = Vec::new();
    for (first, share) in shares(connections, room()?) {
        let crowd = Crowd { connections: share, first, beat: Some(BEAT), within: None };
        pairs.push(Pair::start(theatre, who, &crowd)?);
    }
    wait(theatre, &mut pairs, settle)?;
    let seconds = beats(theatre, &mut pairs, WINDOW)?;
    figures.add(&beating(connections), "s", &who.name, seconds);
    let bytes = pairs.iter().map(|pair| {
        let now = process::resident(pair.server.id())?;
        anyhow::Ok(now as f64 - pair.alone as f64)
    });
    let bytes = bytes.sum::<Result<f64>>()?;
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
