//! One cell of the matrix: performed until the machine did not stall meanwhile.

use std::path::Path;
use std::time::Instant;

use super::matrix::Row;
use super::plan::Trial;
use super::settings::TRIES;
use super::stage::{Stage, Theatre};
use crate::lateness::Lateness;

pub(super) fn perform(
    theatre: &Theatre,
    home: &Path,
    trial: &Trial<'_>,
    machine: &Lateness,
) -> Row {
    let mut tries = 0;
    loop {
        tries += 1;
        let (begun, lateness) = (Instant::now(), machine.of_trial());
        let outcome = Stage::open(theatre, trial.cast, home, &lateness, trial.scenario.beating)
            .and_then(|mut stage| (trial.scenario.play)(&mut stage));
        let row = Row::new(trial, outcome, begun.elapsed(), lateness.worst_since(begun));
        if row.counts() || tries == TRIES {
            return row;
        }
        eprintln!("{}; again", row.line());
    }
}
