//! The simulator's TCP against this machine's: every case is written once and played in both.

mod case;
#[cfg_attr(not(target_os = "linux"), path = "tcp/elsewhere.rs")]
mod real;
mod simulated;
mod world;

use anyhow::{Context, Result};

use crate::report::{Centre, Found, Row};
use crate::tcp::case::{CASES, Case, Measure};

/// Connections that play each case for real, all at one time
const RUNS: usize = 3;
/// Simulations of each case
const SEEDS: u64 = 3;

/// What playing for real came to
enum Real {
    /// What was measured, case by case and run by run
    Played(Vec<Vec<Vec<Measure>>>),
    /// And why
    Unable(String),
}

/// Every case's rows
pub(crate) async fn rows(verbose: bool) -> Result<Vec<Row>> {
    let real = match real::play(CASES, RUNS, verbose).await? {
        Real::Played(real) => real,
        Real::Unable(why) => {
            let skipped = |case: &Case| {
                let found = Found::Skipped(why.clone());
                Row { name: case.name.into(), found }
            };
            return Ok(CASES.iter().map(skipped).collect());
        }
    };
    let mut rows = Vec::new();
    for (case, real) in CASES.iter().zip(real) {
        let simulated = (1..=SEEDS).map(|seed| simulated::play(case, seed));
        let simulated = simulated.collect::<Result<Vec<_>>>();
        let simulated = simulated.with_context(|| format!("{}, simulated", case.name))?;
        rows.extend(pair_up(case.name, &real, &simulated));
    }
    Ok(rows)
}

/// A row for each thing that a case measures
fn pair_up(case: &str, real: &[Vec<Measure>], simulated: &[Vec<Measure>]) -> Vec<Row> {
    let first = real.first().into_iter().flatten();
    let of = |runs: &[Vec<Measure>], what| {
        let all = runs.iter().flatten().filter(|measure| measure.what == what);
        all.map(|measure| measure.value).collect()
    };
    let row = |&Measure { what, unit, tolerance, .. }: &Measure| Row {
        name: format!("{case}: {what}"),
        found: Found::Both {
            real: of(real, what),
            simulated: of(simulated, what),
            unit,
            by: Centre::Median,
            tolerance,
        },
    };
    first.map(row).collect()
}
