//! The run as one JSON object, for machines: the form that all of this workspace's tools share, and
//! what the demo adds to it.

use std::process::Command;

use serde_json::{Value, json};

use crate::outcome::{Measured, Outcome};
use crate::report::Sum;
use crate::settings;

/// The whole run
pub(crate) fn object(outcomes: &[Outcome], sum: &Sum) -> Value {
    let count = |that: fn(&Outcome) -> Option<Measured>| {
        outcomes.iter().filter_map(that).filter(Measured::held).count()
    };
    let mut rows: Vec<Value> = outcomes.iter().flat_map(of_trial).collect();
    rows.push(none("messages lost", sum.counts.lost, "messages"));
    rows.push(none("other problems", sum.problems.len() as u64, "problems"));
    rows.push(at_most("lateness", millis(sum.late), "ms", millis(settings::STALLED)));
    json!({
        "command": "demo",
        "commit": commit(),
        "seed": null, // the randomness of a run is the operating system's
        "rows": rows,
        "all_met": sum.held && sum.valid,
        "valid": sum.valid,
        "faults": outcomes.len(),
        "noticed": count(|outcome| outcome.noticed),
        "false_alarms": sum.false_alarms,
        "repeated": sum.repeated,
        "reconnected": count(|outcome| outcome.back),
        "messages": {
            "sent": sum.counts.sent,
            "delivered": sum.counts.delivered,
            "unsent": sum.counts.unsent,
            "unconfirmed": sum.counts.unconfirmed,
            "lost": sum.counts.lost,
        },
    })
}

fn of_trial(outcome: &Outcome) -> Vec<Value> {
    let name = |what: &str| format!("{}: {what}", outcome.name);
    let time = |what: &str, measured: Measured| {
        let value = measured.took.map(|took| took.as_secs_f64());
        let goal = measured.allowed.as_secs_f64();
        row(&name(what), json!(value), "s", json!(goal), measured.held())
    };
    let mut rows = Vec::new();
    rows.extend(outcome.noticed.map(|noticed| time("noticed after", noticed)));
    rows.extend(outcome.back.map(|back| time("back after", back)));
    rows.extend(outcome.attempts.map(|attempts| {
        at_most(&name("tries in 5 s"), attempts, "tries", settings::FLAPPING_ATTEMPTS)
    }));
    rows.extend(outcome.spread.map(|spread| {
        let (value, goal) = (spread.as_secs_f64(), settings::CROWD_SPAN.as_secs_f64());
        row(&name("first attempts span"), json!(value), "s", json!(goal), value >= goal)
    }));
    rows.push(none(&name("problems"), outcome.problems.len() as u64, "problems"));
    rows
}

fn none(name: &str, value: u64, unit: &str) -> Value {
    at_most(name, value, unit, 0)
}

fn at_most(name: &str, value: u64, unit: &str, goal: u64) -> Value {
    row(name, json!(value), unit, json!(goal), value <= goal)
}

fn row(name: &str, value: Value, unit: &str, goal: Value, met: bool) -> Value {
    json!({ "name": name, "value": value, "unit": unit, "goal": goal, "met": met })
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The commit that is checked out here, if git knows
fn commit() -> Option<String> {
    let output = Command::new("git").args(["rev-parse", "HEAD"]).output().ok()?;
    let commit = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| commit.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_bound_is_a_row_with_its_verdict() {
        let second = Duration::from_secs(1);
        let noticed = Some(Measured { took: Some(second), allowed: second * 2 });
        let back = Some(Measured { took: None, allowed: second });
        let spread = Some(settings::CROWD_WINDOW);
        let outcome = Outcome { noticed, back, attempts: Some(9), spread, ..Outcome::new("fault") };
        let rows = of_trial(&outcome);
        let met: Vec<_> = rows.iter().map(|row| row["met"].as_bool().unwrap()).collect();
        assert_eq!(met, [true, false, false, true, true]);
        assert_eq!(rows[0]["name"], "fault: noticed after");
        assert_eq!(rows[1]["value"], Value::Null);
    }
}
