//! `bench echo`: what a message costs that is received and sent back, and how soon it is.

use std::time::Duration;

use anyhow::Result;

use super::Wanted;
use super::contestants::Contestant;
use super::figures::Figures;
use super::goals::{SIZES, echo};
use super::stage::{Crowd, Pair, Theatre};
use crate::program::number;

/// Who talks at once: one, whose time is the road's and the wake-ups', and a crowd
const CROWDS: [u64; 2] = [1, 64];

/// How long one of them has its turn
const SLICE: Duration = Duration::from_millis(300);
const SMALL_SLICE: Duration = Duration::from_millis(120);

pub(super) fn play(
    theatre: &mut Theatre<'_>,
    wanted: &Wanted,
    all: &[Contestant],
    figures: &mut Figures,
) -> Result<()> {
    let slice = if wanted.small { SMALL_SLICE } else { SLICE }.as_millis();
    for crowd in CROWDS {
        let crowd = wanted.connections.unwrap_or(crowd);
        let mut pairs = theatre.enter(all, figures, crowd);
        // The first round warms up: pools fill, pages come, branches are learnt.
        for round in 0..=wanted.rounds {
            // Each is the first one once, so that nobody always comes behind the same neighbour.
            let begin = round % pairs.len().max(1);
            pairs.rotate_left(begin);
            for (name, place) in &mut pairs {
                for (bytes, size) in SIZES {
                    let order = format!("echo {bytes} for {slice}");
                    let Some(pair) = place else { continue };
                    match pair.order(theatre, &order) {
                        Ok(_) if round == 0 => {}
                        Ok((done, [seconds, load])) => {
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
                        Err(error) => {
                            theatre.fault(name, &error);
                            *place = None;
                        }
                    }
                }
            }
            pairs.rotate_right(begin);
        }
        if wanted.connections.is_some() {
            break;
        }
    }
    Ok(())
}

impl Theatre<'_> {
    /// Everybody with a load of so many connections; who cannot be had is missed
    pub(super) fn enter(
        &mut self,
        all: &[Contestant],
        figures: &mut Figures,
        connections: u64,
    ) -> Vec<(String, Option<Pair>)> {
        let mut pairs = Vec::new();
        for who in all {
            if let Err(why) = &who.line {
                figures.miss(&who.name, why);
                continue;
            }
            match Pair::start(self, who, &Crowd { connections, ..Crowd::default() }) {
                Ok(pair) => pairs.push((who.name.clone(), Some(pair))),
                Err(error) => self.fault(&who.name, &error),
            }
        }
        pairs
    }
}
