//! `bench echo`: what a message costs that is received and sent back, and how soon it is.

use std::time::Duration;

use anyhow::Result;

use super::Wanted;
use super::contestants::Contestant;
use super::figures::Figures;
use super::goals::{SIZES, echo};
use super::stage::Theatre;
use crate::program::number;

/// Who talks at once: one, whose time is the road's and the wake-ups', and a crowd
const CROWDS: [u64; 2] = [1, 64];

/// How long one of them has its turn
const SLICE: Duration = Duration::from_millis(200);
const SMALL_SLICE: Duration = Duration::from_millis(120);

pub(super) fn play(
    theatre: &mut Theatre<'_>,
    wanted: &Wanted,
    all: &[Contestant],
    figures: &mut Figures,
) -> Result<()> {
    let slice = if wanted.small { SMALL_SLICE } else { SLICE }.as_millis();
    let only = wanted.connections.map(|connections| [connections]);
    for &crowd in only.as_ref().map_or(&CROWDS[..], |only| &only[..]) {
        theatre.turns(all, crowd, wanted.rounds, figures, |theatre, name, pair, figures| {
            for (bytes, size) in SIZES {
                let order = format!("echo {bytes} for {slice}");
                let (done, [seconds, load]) = pair.order(theatre, &order)?;
                let messages = number(&done, "messages").max(1.0);
                let mut add = |of, unit, value| {
                    figures.add(&echo(size, crowd, of), unit, name, value);
                };
                add("CPU", "us a message", seconds * 1e6 / messages);
                add("CPU of the load", "us a message", load * 1e6 / messages);
                add("rate", "messages/s", messages / number(&done, "seconds"));
                add("p50", "us", number(&done, "p50_us"));
                add("p99", "us", number(&done, "p99_us"));
            }
            Ok(())
        });
    }
    Ok(())
}
