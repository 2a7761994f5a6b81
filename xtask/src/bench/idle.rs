//! `bench idle`: what a connection holds that has nothing to say, what bursts leave of it, and what a
//! beat costs.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::contestants::{Contestant, Kind};
use super::figures::Figures;
use super::goals::{AFTER_LARGE, AFTER_SMALL, BEATS, RESIDENT};
use super::stage::{Crowd, Pair, TOO_LATE, Theatre, beats};
use super::{TICK, Wanted};
use crate::program::number;

const CONNECTIONS: u64 = 10_000;
const FEW_CONNECTIONS: u64 = 2_000;

/// So often all of them beat
const BEAT: Duration = Duration::from_secs(1);

/// Behind the last upgrade and behind a burst: a few beats, in which what was used is given back
const SETTLE: Duration = Duration::from_secs(3);
/// How long beats are counted
const WINDOW: Duration = Duration::from_secs(5);
/// A server's first seconds, in which everybody's first beat comes at a random time
const UPGRADES: Duration = Duration::from_secs(12);

/// Messages of everybody in a burst
const SMALL: &str = "echo 64 times 10";
const LARGE: &str = "echo 65536 times 3";

/// Whole processes come and go in each of these; more would take hours with all peers
const MOST_ROUNDS: usize = 6;

pub(super) fn play(
    theatre: &mut Theatre<'_>,
    wanted: &Wanted,
    all: &[Contestant],
    figures: &mut Figures,
) -> Result<()> {
    let connections = wanted.connections(FEW_CONNECTIONS, CONNECTIONS);
    let rounds = if wanted.small { 1 } else { wanted.rounds.min(MOST_ROUNDS) };
    for _ in 0..rounds {
        for who in all.iter().filter(|who| who.is_web()) {
            if let Err(why) = &who.line {
                figures.miss(&who.name, why);
                continue;
            }
            if let Err(error) = one(theatre, wanted, who, connections, figures) {
                theatre.fault(&who.name, &error);
            }
        }
    }
    Ok(())
}

/// One life of a server
fn one(
    theatre: &Theatre<'_>,
    wanted: &Wanted,
    who: &Contestant,
    connections: u64,
    figures: &mut Figures,
) -> Result<()> {
    let crowd = Crowd { connections, beat: Some(BEAT), ..Crowd::default() };
    let mut pair = Pair::start(theatre, who, &crowd)?;
    pair.wait(theatre, if wanted.small { SETTLE } else { UPGRADES })?;
    figures.add(RESIDENT, "bytes", &who.name, pair.resident(connections)?);
    // What came while thousands connected is not what is asked.
    pair.load.order("forget")?;
    pair.load.object("done")?;
    let seconds = beats(theatre, std::slice::from_mut(&mut pair), WINDOW)?;
    figures.add(BEATS, "s", &who.name, seconds);
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
