//! What was aimed at, and whether it was reached: rows for machines. Ratios are to Socket.IO's
//! figures of the same run, or to websockets' where both ends watch.

use everbeat_support::rows::{row, told};
use serde_json::{Value, json};

use crate::contenders::{EVERBEAT, SOCKET_IO, WEBSOCKETS};
use crate::figures::poisson_upper;
use crate::study::{Cell, Measured};

/// One aim
enum Goal {
    /// The most that the time of half of the deaths may be of the other's
    P50(f64),
    /// And that of 99 of 100
    P99(f64),
    /// The most that Pings may be of the other's
    Pings(f64),
    /// The most false alarms a day
    Alarms(f64),
    /// The longest that anything may take, in seconds
    Within(f64),
    /// Not one living connection is given up
    NoneKilled,
}

use Goal::{Alarms, NoneKilled, P50, P99, Pings, Within};

/// By scenario: who is judged, and by whom he is measured
const GOALS: &[(&str, &str, &str, &[Goal])] = &[
    ("lan", EVERBEAT, SOCKET_IO, &[P50(0.72), P99(0.80), Pings(1.06)]),
    ("wan", EVERBEAT, SOCKET_IO, &[P50(0.72), P99(0.80), Pings(1.06)]),
    ("wan", "everbeat, within 5 s", SOCKET_IO, &[Within(5.0)]),
    ("wan", "everbeat, within 15 s", SOCKET_IO, &[Within(15.0)]),
    ("wan", "everbeat, within 60 s", SOCKET_IO, &[Within(60.0)]),
    ("upload", EVERBEAT, SOCKET_IO, &[Alarms(0.01)]),
    ("download", EVERBEAT, SOCKET_IO, &[Alarms(0.01)]),
    ("local-stall", EVERBEAT, SOCKET_IO, &[Alarms(0.01)]),
    ("peer-gc", EVERBEAT, SOCKET_IO, &[Alarms(0.01)]),
    ("roam", EVERBEAT, SOCKET_IO, &[Alarms(0.05)]),
    ("slow", EVERBEAT, SOCKET_IO, &[Alarms(0.1)]),
    ("chatty", EVERBEAT, SOCKET_IO, &[P50(0.45), Pings(0.5)]),
    ("one-way", "everbeat, within 15 s", SOCKET_IO, &[Within(15.0)]),
    ("both-ends", EVERBEAT, WEBSOCKETS, &[P50(0.85), Pings(0.55)]),
    ("resume-dead-stops", EVERBEAT, SOCKET_IO, &[Within(10.5)]),
    ("resume-dead-runs", EVERBEAT, SOCKET_IO, &[Within(10.5)]),
    ("resume-alive-stops", EVERBEAT, SOCKET_IO, &[Within(10.5), NoneKilled]),
    ("resume-alive-runs", EVERBEAT, SOCKET_IO, &[Within(10.5), NoneKilled]),
];

/// Every aim of the scenarios that were run, and then every figure
pub(crate) fn rows(measured: &[Measured]) -> Vec<Value> {
    let mut rows = goal_rows(measured);
    rows.extend(measured.iter().flat_map(figure_rows));
    rows
}

/// The aims alone
pub(crate) fn goal_rows(measured: &[Measured]) -> Vec<Value> {
    let mut rows = Vec::new();
    for (name, judged, other, goals) in GOALS {
        let Some(found) = measured.iter().find(|found| found.scenario.name == *name) else {
            continue;
        };
        let cell = |name: &str| found.cells.iter().find(|cell| cell.contender == name);
        let (Some(ours), Some(theirs)) = (cell(judged), cell(other)) else { continue };
        rows.extend(goals.iter().map(|goal| goal.row(name, ours, theirs)));
    }
    rows
}

impl Goal {
    fn row(&self, scenario: &str, ours: &Cell, theirs: &Cell) -> Value {
        let other = theirs.contender;
        let of_the_time = |name: &str, share, most| {
            let ratio = ratio(ours.decided(share), theirs.decided(share));
            bound(&format!("{scenario}: {name} of {other}'s"), ratio, "times", most)
        };
        match *self {
            P50(most) => of_the_time("p50", 0.5, most),
            P99(most) => of_the_time("p99", 0.99, most),
            Pings(most) => {
                let ratio = ratio(ours.pings_an_hour(), theirs.pings_an_hour());
                bound(&format!("{scenario}: Pings of {other}'s"), ratio, "times", most)
            }
            Alarms(most) => {
                let name = format!("{scenario}: false alarms");
                let mut row = bound(&name, ours.alarms_a_day(), "a day", most);
                row["at_most"] = json!(rounded(upper_a_day(ours)));
                row["days"] = json!(ours.tally.days);
                row
            }
            Within(most) => {
                let promise = ours.contender.strip_prefix(EVERBEAT).unwrap_or_default();
                let name = format!("{scenario}{promise}: the latest");
                bound(&name, ours.decided(1.0), "s", most)
            }
            NoneKilled => {
                let killed = ours.tally.killed;
                row(&format!("{scenario}: false alarms"), killed, "of all", 0, killed == 0)
            }
        }
    }
}

/// The most false alarms a day that these counts allow, with 95 % confidence
pub(crate) fn upper_a_day(cell: &Cell) -> f64 {
    poisson_upper(cell.tally.alarms.bad()) / cell.tally.days
}

fn ratio(ours: Option<f64>, theirs: Option<f64>) -> Option<f64> {
    Some(ours? / theirs?)
}

/// Met if there is a value and it is within the bound
fn bound(name: &str, value: Option<f64>, unit: &str, most: f64) -> Value {
    let met = value.is_some_and(|value| value <= most);
    row(name, value.map(rounded), unit, most, met)
}

/// As many digits as mean something
fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

fn figure_rows(measured: &Measured) -> Vec<Value> {
    let mut rows = Vec::new();
    for cell in &measured.cells {
        let name = format!("{}, {}", measured.scenario.name, cell.contender);
        let mut tell = |what: &str, value: Option<f64>, unit: &str| {
            let value = value.map(rounded);
            rows.push(told(&format!("{name}: {what}"), value, unit));
        };
        tell("decided, p50", cell.decided(0.5), "s");
        tell("decided, p99", cell.decided(0.99), "s");
        tell("decided, at the latest", cell.decided(1.0), "s");
        if cell.tally.days > 0.0 {
            let a_day = |count: u64| Some(count as f64 / cell.tally.days);
            let alarms = cell.tally.alarms;
            tell("false alarms, road fine", a_day(alarms.fine), "a day");
            tell("false alarms, short outage", a_day(alarms.short), "a day");
            tell("false alarms, long outage", a_day(alarms.long), "a day");
            tell("false alarms, at most", Some(upper_a_day(cell)), "a day");
            tell("connection-days", Some(cell.tally.days), "days");
            tell("Pings", cell.pings_an_hour(), "an hour");
        } else if cell.tally.killed > 0 {
            let share = cell.tally.killed as f64 / cell.tally.trials as f64;
            tell("false alarms", Some(share), "of all");
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Parameters;
    use crate::tally::Tally;

    fn measured(name: &str, ours: Tally, theirs: Tally) -> Vec<Measured> {
        let parameters = Parameters::committed().unwrap();
        let mut scenarios = parameters.scenarios.into_iter();
        let scenario = scenarios.find(|scenario| scenario.name == name).unwrap();
        let cell = |contender, tally| Cell { contender, about: "", everbeat: false, tally };
        let cells = vec![cell(EVERBEAT, ours), cell(SOCKET_IO, theirs)];
        vec![Measured { scenario, cells }]
    }

    fn times(times: &[f64], trials: u64) -> Tally {
        Tally { decided: times.to_vec(), trials, days: 1.0, pings: 24, ..Tally::default() }
    }

    #[test]
    fn ratios_are_to_the_other_of_the_same_run() {
        let rows = goal_rows(&measured("wan", times(&[7.2], 1), times(&[10.0], 1)));
        assert_eq!((rows[0]["value"].as_f64(), rows[0]["met"].as_bool()), (Some(0.72), Some(true)));
        let rows = goal_rows(&measured("wan", times(&[7.3], 1), times(&[10.0], 1)));
        assert_eq!(
            (rows[0]["value"].as_f64(), rows[0]["met"].as_bool()),
            (Some(0.73), Some(false))
        );
    }

    #[test]
    fn a_death_that_nobody_noticed_meets_no_goal() {
        let rows = goal_rows(&measured("wan", times(&[1.0], 3), times(&[10.0], 1)));
        assert_eq!((&rows[0]["value"], rows[0]["met"].as_bool()), (&Value::Null, Some(false)));
    }

    #[test]
    fn alarms_are_judged_a_day_and_told_with_their_bound() {
        let mut ours = Tally { days: 1_000.0, ..Tally::default() };
        ours.alarms.fine = 10;
        let met = |tally: &Tally| {
            let rows = goal_rows(&measured("upload", tally.clone(), Tally::default()));
            (rows[0]["met"].as_bool(), rows[0]["at_most"].as_f64())
        };
        assert_eq!(met(&ours), (Some(true), Some(0.017)));
        ours.alarms.short = 1;
        assert_eq!(met(&ours).0, Some(false));
        ours.alarms.short = 0;
        ours.alarms.long = 100;
        assert_eq!(met(&ours).0, Some(true), "what is long may end a connection");
    }
}
