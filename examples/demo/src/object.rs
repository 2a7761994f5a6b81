//! The run as one JSON object, for machines: the form that all of this workspace's tools share, and
//! what the demo adds to it.

use everbeat_support::rows::{at_most, commit, millis, none, row};
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
        row(&name(what), value, "s", goal, measured.held())
    };
    let mut rows = Vec::new();
    rows.extend(outcome.noticed.map(|noticed| time("noticed after", noticed)));
    rows.extend(outcome.back.map(|back| time("back after", back)));
    rows.extend(outcome.attempts.map(|attempts| {
        at_most(&name("tries in 5 s"), attempts, "tries", settings::FLAPPING_ATTEMPTS)
    }));
    rows.extend(outcome.spread.map(|spread| {
        let (value, goal) = (spread.as_secs_f64(), settings::CROWD_SPAN.as_secs_f64());
        row(&name("first attempts span"), value, "s", goal, value >= goal)
    }));
    rows.push(none(&name("problems"), outcome.problems.len() as u64, "problems"));
    rows
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
