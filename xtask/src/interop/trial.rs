//! One cell of the matrix: performed until the machine did not stall meanwhile.

use std::path::Path;
use std::time::Instant;

use super::lateness::Lateness;
use super::matrix::Row;
use super::plan::Trial;
use super::settings::{STALLED, TRIES};
use super::stage::{Stage, Theatre};

pub(super) fn perform(
    theatre: &Theatre,
    home: &Path,
    trial: &Trial<'_>,
    lateness: &Lateness,
) -> Row {
    let mut repeated = 0;
    loop {
        let begun = Instant::now();
        let outcome = Stage::open(theatre, trial.cast, home, lateness, trial.scenario.beating)
            .and_then(|mut stage| (trial.scenario.play)(&mut stage));
        let (took, late) = (begun.elapsed(), lateness.worst_since(begun));
        repeated += 1;
        if late <= STALLED || repeated == TRIES {
            return Row::new(trial, outcome, took, late);
        }
        eprintln!(
            "again: the machine stood still for {late:.2?} during {}",
            trial.words().join(" ")
        );
    }
}
