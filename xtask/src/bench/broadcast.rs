//! `bench broadcast`: a message to everybody, against as many bare writes.

use anyhow::{Context, Result};

use super::Wanted;
use super::contestants::Contestant;
use super::figures::Figures;
use super::goals::BROADCAST;
use super::stage::{Pair, Theatre};
use crate::process;
use crate::program::number;

const CONNECTIONS: u64 = 10_000;
const FEW_CONNECTIONS: u64 = 2_000;
const BYTES: usize = 1_024;
/// Broadcasts of a turn, one after the other
const TIMES: u32 = 4;

pub(super) fn play(
    theatre: &mut Theatre<'_>,
    wanted: &Wanted,
    all: &[Contestant],
    figures: &mut Figures,
) -> Result<()> {
    let connections = wanted.connections(FEW_CONNECTIONS, CONNECTIONS);
    let those = all.iter().filter(|who| who.broadcasts()).cloned().collect::<Vec<_>>();
    theatre.turns(&those, connections, wanted.rounds, figures, |theatre, name, pair, figures| {
        let (seconds, took) = say(theatre, pair)?;
        let each = seconds * 1e6 / connections as f64;
        figures.add(BROADCAST, "us a connection", name, each);
        figures.add("broadcast of 1 KiB until the last has it", "ms", name, took * 1e3);
        Ok(())
    });
    Ok(())
}

/// The server's seconds for one, and how long it took until all had it
fn say(theatre: &Theatre<'_>, pair: &mut Pair) -> Result<(f64, f64)> {
    let before = process::seconds(pair.server.id())?;
    let mut took = 0.0;
    for _ in 0..TIMES {
        pair.load.order(&format!("hear {BYTES} times 1"))?;
        pair.load.object("begun").context("the load")?;
        pair.server.order(&format!("broadcast {BYTES}"))?;
        let done = pair.load.object("done").context("not everybody was reached")?;
        took += number(&done, "seconds");
    }
    pair.server.is_well().context("the server")?;
    theatre.note(pair.load.told());
    let times = f64::from(TIMES);
    Ok(((process::seconds(pair.server.id())? - before) / times, took / times))
}
