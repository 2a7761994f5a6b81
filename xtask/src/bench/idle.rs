//! `bench idle`: what a connection holds that has nothing to say, what bursts leave of it, and what a
//! beat costs.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::contestants::{Contestant, Kind, ours};
use super::figures::Figures;
use super::goals::{AFTER_LARGE, AFTER_SMALL, BEATS, LIVE, RESIDENT, live_after};
use super::rounds::Life;
use super::stage::{Crowd, Pair, TOO_LATE, Theatre, beats};
use super::{TICK, Wanted};
use crate::memory;
use crate::program::number;

const CONNECTIONS: u64 = 10_000;
const FEW_CONNECTIONS: u64 = 2_000;

/// So often all of them beat
const BEAT: Duration = Duration::from_secs(1);

/// Behind a burst: two beats, in which what was used is given back
const SETTLE: Duration = Duration::from_secs(2);
/// How long beats are counted
const WINDOW: Duration = Duration::from_secs(5);
/// Behind the last upgrade, until everybody's first beat has come, at its random time; with the time in
/// which beats are counted it is more than an upgrade's deadline, of which nothing is left then
const UPGRADES: Duration = Duration::from_secs(6);

/// Messages of everybody in a burst
const SMALL: &str = "echo 64 times 10";
const LARGE: &str = "echo 65536 times 3";

/// Whole processes come and go in each of these: as many as an interval of 95 % needs
const MOST_ROUNDS: usize = 6;
/// Of whom nothing is promised, and who are many
const PEERS_ROUNDS: usize = 1;

pub(super) fn play(
    theatre: &mut Theatre<'_>,
    wanted: &Wanted,
    all: &[Contestant],
    figures: &mut Figures,
) -> Result<()> {
    let connections = wanted.connections(FEW_CONNECTIONS, CONNECTIONS);
    let most = if wanted.small { 1 } else { MOST_ROUNDS };
    let lives = all.iter().filter(|who| who.is_web()).map(|who| {
        let most = if who.kind == Kind::Peer { PEERS_ROUNDS } else { most };
        Life { who, connections, rounds: wanted.rounds.min(most) }
    });
    let lives = lives.collect::<Vec<_>>();
    // Counted by the program that CI holds us by, with an allocator that counts.
    for memory::Live { runtime, left, bytes } in memory::servers(theatre.shell)? {
        let what = left.map_or_else(|| LIVE.to_owned(), live_after);
        figures.add(&what, "bytes", &ours(&runtime), bytes);
    }
    theatre.lives(&lives, figures, |theatre, life, figures| one(theatre, wanted, life, figures));
    Ok(())
}

/// One life of a server
fn one(
    theatre: &Theatre<'_>,
    wanted: &Wanted,
    life: &Life<'_>,
    figures: &mut Figures,
) -> Result<()> {
    let Life { who, connections, .. } = *life;
    let crowd = Crowd { connections, beat: Some(BEAT), ..Crowd::default() };
    let mut pair = Pair::start(theatre, who, &crowd)?;
    pair.wait(theatre, if wanted.small { SETTLE } else { UPGRADES })?;
    // What came while thousands connected is not what is asked.
    pair.load.order("forget")?;
    pair.load.object("done")?;
    let seconds = beats(theatre, std::slice::from_mut(&mut pair), WINDOW)?;
    figures.add(BEATS, "s", &who.name, seconds);
    figures.add(RESIDENT, "bytes", &who.name, pair.resident(connections)?);
    let worst = number(pair.load.told(), "worst_ms").max(number(pair.load.told(), "gap_ms"));
    figures.add("longest without a Ping", "ms", &who.name, worst);
    if who.kind == Kind::Ours {
        let promise = BEAT + TICK + theatre.late().min(TOO_LATE);
        ensure!(worst <= promise.as_secs_f64() * 1e3, "somebody was without a Ping for {worst} ms");
    }
    for (what, order) in [(AFTER_SMALL, SMALL), (AFTER_LARGE, LARGE)] {
        pair.order(theatre, order).context("a burst")?;
        pair.wait(theatre, SETTLE)?;
        figures.add(what, "bytes", &who.name, pair.resident(connections)?);
    }
    Ok(())
}
