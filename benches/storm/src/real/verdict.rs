//! What was real beside what was predicted.

use everbeat_support::rows::{row, told};
use serde_json::{Value, json};

use crate::goals::rounded;
use crate::outcome::{A_SECOND, Outcome};

/// How far reality may be from the prediction, of that
const TOLERANCE: f64 = 0.25;

/// What the study says of a restart
#[derive(Clone, Copy, Debug)]
pub(super) struct Prediction {
    peak: f64,
    attempts: f64,
    back: f64,
}

impl Prediction {
    pub(super) fn new(outcomes: &[Outcome]) -> Self {
        let of = |figure: fn(&Outcome) -> f64| median(outcomes.iter().map(figure).collect());
        Self { peak: of(peak), attempts: of(Outcome::attempts_each), back: of(back) }
    }
}

fn peak(outcome: &Outcome) -> f64 {
    outcome.peak(A_SECOND)
}

fn back(outcome: &Outcome) -> f64 {
    outcome.back(0.99).unwrap_or(f64::NAN)
}

/// The median of each figure over the runs, judged by the prediction
pub(super) fn rows(runs: &[Outcome], prediction: &Prediction, invalid: usize) -> Vec<Value> {
    vec![
        compared("real: peak", runs, peak, prediction.peak, "a second"),
        compared("real: attempts", runs, Outcome::attempts_each, prediction.attempts, "a client"),
        compared("real: 99 % back", runs, back, prediction.back, "s"),
        told("runs that did not count", invalid, "runs"),
    ]
}

fn compared(
    name: &str,
    runs: &[Outcome],
    figure: fn(&Outcome) -> f64,
    predicted: f64,
    unit: &str,
) -> Value {
    let values: Vec<_> = runs.iter().map(figure).collect();
    let spread = [
        values.iter().copied().fold(f64::INFINITY, f64::min),
        values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    ];
    let value = median(values);
    // Not `>` turned round: what is no number is within nothing
    let met = (value - predicted).abs() <= TOLERANCE * predicted;
    let mut row = row(name, rounded(value), unit, rounded(predicted), met);
    row["tolerance"] = json!(TOLERANCE);
    row["spread"] = json!(spread.map(rounded));
    row["runs"] = json!(runs.len());
    row
}

/// Of an even number the lower of the two in the middle; no number of nothing
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A crowd of four that tries so often in its first second, and is back after so long
    fn outcome(attempts: u32, seconds: u64) -> Outcome {
        let mut outcome = Outcome::new(4);
        for _ in 0..attempts {
            outcome.attempt(Duration::ZERO);
        }
        for _ in 0..4 {
            outcome.connected(Duration::from_secs(seconds), Duration::ZERO);
        }
        outcome.finish();
        outcome
    }

    #[test]
    fn the_median_is_within_a_quarter_or_not() {
        let prediction = Prediction::new(&[outcome(4, 8), outcome(4, 8), outcome(40, 80)]);
        let met = |runs: &[Outcome]| {
            rows(runs, &prediction, 0).iter().map(|row| row["met"] == true).collect::<Vec<_>>()
        };
        assert_eq!(met(&[outcome(5, 10), outcome(400, 800), outcome(3, 6)]), [true; 4]);
        assert_eq!(met(&[outcome(6, 8)]), [false, false, true, true]);
        assert_eq!(met(&[outcome(4, 5)]), [true, true, false, true]);
        assert_eq!(met(&[]), [false, false, false, true], "nothing is no number");
    }
}
