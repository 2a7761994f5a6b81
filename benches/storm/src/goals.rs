//! What was aimed at, and whether it was reached: rows for machines.

use everbeat_support::rows::{row, told};
use serde_json::Value;

use crate::outcome::A_SECOND;
use crate::study::{Cell, Role, Scenario};

/// The most attempts in a second of a planned restart, in capacities
const PEAK: f64 = 1.3;
/// And how often each client tries
const ATTEMPTS: f64 = 1.2;
/// From this capacity on
const FROM: u32 = 2_000;
/// The latest that 99 of 100 are back after a crash, in times the ideal
const BACK: f64 = 1.5;
/// At this capacity and backlog, where others are not at all
const COLLAPSE: (u32, u32) = (200, 4_096);

/// Every aim of what was run, and then every figure
pub(crate) fn rows(scenarios: &[Scenario]) -> Vec<Value> {
    let mut rows = goal_rows(scenarios);
    rows.extend(scenarios.iter().flat_map(figure_rows));
    rows
}

/// The aims alone
pub(crate) fn goal_rows(scenarios: &[Scenario]) -> Vec<Value> {
    let mut rows = Vec::new();
    for scenario in scenarios {
        let Scenario { planned, capacity, backlog, .. } = *scenario;
        if planned && capacity >= FROM {
            for cell in scenario.ours() {
                let name = format!("planned, C {capacity}: {}", cell.name);
                let peak = cell.outcome.peak(A_SECOND) / f64::from(capacity);
                rows.push(at_most(&format!("{name}: peak"), Some(peak), "times C", PEAK));
                let attempts = cell.outcome.attempts_each();
                let name = format!("{name}: attempts");
                rows.push(at_most(&name, Some(attempts), "a client", ATTEMPTS));
            }
        }
        if !planned && (capacity, backlog) == COLLAPSE {
            for cell in scenario.ours() {
                let ideal = scenario.ideal();
                let back = cell.outcome.back(0.99).map(|back| back / ideal);
                let name = format!("crash, C {capacity}: {}: 99 % back", cell.name);
                rows.push(at_most(&name, back, "times ideal", BACK));
            }
            rows.push(collapsed(scenario));
        }
    }
    rows
}

/// How many of the usual policies never have 99 of 100 back
fn collapsed(scenario: &Scenario) -> Value {
    let usual = scenario.cells.iter().filter(|cell| cell.role == Role::Usual);
    let lost = usual.filter(|cell| cell.outcome.back(0.99).is_none()).count();
    let name = format!("crash, C {}: usual policies that collapse", scenario.capacity);
    told(&name, lost, "of 6")
}

fn at_most(name: &str, value: Option<f64>, unit: &str, most: f64) -> Value {
    let met = value.is_some_and(|value| value <= most);
    row(name, value.map(rounded), unit, most, met)
}

/// As many digits as mean something
pub(crate) fn rounded(value: f64) -> f64 {
    let digits = if value < 100.0 { 1_000.0 } else { 10.0 };
    (value * digits).round() / digits
}

fn figure_rows(scenario: &Scenario) -> Vec<Value> {
    scenario.cells.iter().flat_map(|cell| cell_rows(&scenario.name(), cell)).collect()
}

fn cell_rows(scenario: &str, cell: &Cell) -> Vec<Value> {
    let one = &cell.outcome;
    let figures = [
        ("peak", Some(one.peak(A_SECOND)), "a second"),
        ("peak of a tenth", Some(one.peak(1)), "a second"),
        ("attempts", Some(one.attempts_each()), "a client"),
        ("SYNs", Some(one.syns_each()), "a client"),
        ("99 % back", one.back(0.99), "s"),
        ("back at the end", Some(one.share_back()), "of all"),
        ("away, p50", one.away(0.5), "s"),
        ("away, p99", one.away(0.99), "s"),
        ("upgrades for nobody", Some(one.for_nobody as f64), ""),
        ("told to come back", Some(one.refused as f64), ""),
    ];
    let row = |(what, value, unit): (&str, Option<f64>, &str)| {
        told(&format!("{scenario}, {}: {what}", cell.name), value.map(rounded), unit)
    };
    figures.map(row).into()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::args::Options;
    use crate::outcome::Outcome;

    /// What was run, with these outcomes for what is judged
    fn scenarios(capacity: u32, outcome: &Outcome) -> Vec<Scenario> {
        let options = Options::small(100, capacity);
        let mut scenarios = crate::study::study(&options).unwrap();
        for cell in scenarios.iter_mut().flat_map(|scenario| &mut scenario.cells) {
            cell.outcome = outcome.clone();
        }
        scenarios
    }

    fn outcome(attempts: u32, back: Option<u64>) -> Outcome {
        let mut outcome = Outcome::new(100);
        for _ in 0..attempts {
            outcome.attempt(Duration::ZERO);
        }
        for _ in 0..100 {
            if let Some(back) = back {
                outcome.connected(Duration::from_millis(back), Duration::ZERO);
            }
        }
        outcome.finish();
        outcome
    }

    fn met(rows: &[Value]) -> Vec<bool> {
        rows.iter().map(|row| row["met"] == true).collect()
    }

    #[test]
    fn peaks_and_attempts_have_a_bound_from_2000_on() {
        let rows = goal_rows(&scenarios(2_000, &outcome(120, None)));
        assert_eq!(met(&rows), [true; 4], "{rows:?}");
        let rows = goal_rows(&scenarios(2_000, &outcome(121, None)));
        assert_eq!(met(&rows), [true, false, true, false]);
        let rows = goal_rows(&scenarios(2_000, &outcome(2_601, None)));
        assert_eq!(met(&rows), [false; 4]);
        assert_eq!(goal_rows(&scenarios(1_999, &outcome(2_601, None))), [] as [Value; 0]);
    }

    #[test]
    fn who_never_comes_back_misses_the_goal_of_a_crash() {
        // 99 of 100 could be back after 0.495 s
        let rows = goal_rows(&scenarios(200, &outcome(1, Some(742))));
        assert_eq!((met(&rows), &rows[1]["value"]), (vec![true, true], &Value::from(0)));
        let rows = goal_rows(&scenarios(200, &outcome(1, Some(743))));
        assert_eq!(met(&rows), [false, true]);
        let rows = goal_rows(&scenarios(200, &outcome(1, None)));
        assert_eq!((met(&rows), &rows[1]["value"]), (vec![false, true], &Value::from(6)));
    }
}
