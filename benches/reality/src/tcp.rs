//! The simulator's TCP against this machine's: every case is written once and played in both.

mod case;
mod play;
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

/// What was measured for real, case by case and run by run; or why nothing can be played here
type Real = Result<Vec<Vec<Vec<Measure>>>, String>;

/// Every case's rows
pub(crate) async fn rows(verbose: bool) -> Result<Vec<Row>> {
    let real = match real::play(CASES, RUNS, verbose).await? {
        Ok(real) => real,
        Err(why) => {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The simulator alone: what takes no road and no root
    #[test]
    fn each_case_measures_the_same_things_under_every_seed() {
        for case in CASES {
            let runs = [1, 2].map(|seed| simulated::play(case, seed).unwrap());
            let rows = pair_up(case.name, &runs, &runs);
            assert!(rows.len() >= 2, "{}", case.name);
            for row in rows {
                let Found::Both { real, simulated, .. } = &row.found else {
                    panic!("{} was skipped", row.name);
                };
                assert_eq!((real.len(), real), (2, simulated), "{}", row.name);
            }
        }
    }
}
