//! What a row came to: a figure, what was allowed, and the library's own sentence for it.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::stage::Stack;
use super::table::Fault;
use crate::interop::settings::STALLED;
use crate::shell::{GREEN, RED, YELLOW, paint};

/// What was seen of a fault
#[derive(Debug)]
pub(super) struct Seen {
    /// The row's figure
    pub(super) figure: Duration,
    /// What it may be
    pub(super) goal: Goal,
    /// In words, the evidence of a verdict among them
    pub(super) told: String,
    /// What was not as it must be, beside the figure
    pub(super) problem: Option<String>,
}

/// What a figure may be
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// No more, but for the machine's own lateness
    Within(Duration),
    /// No less
    AtLeast(Duration),
    /// Whatever it is
    Any,
}

/// A row that was played
#[derive(Debug)]
pub(super) struct Row {
    fault: &'static Fault,
    seen: Result<Seen>,
    late: Duration,
}

impl Row {
    pub(super) const fn new(fault: &'static Fault, seen: Result<Seen>, late: Duration) -> Self {
        Self { fault, seen, late }
    }

    /// Whether it says something: the machine kept up
    pub(super) fn counts(&self) -> bool {
        self.late <= STALLED
    }

    pub(super) fn met(&self) -> bool {
        let Ok(seen) = &self.seen else { return false };
        let held = match seen.goal {
            Goal::Within(most) => seen.figure <= most + self.late,
            Goal::AtLeast(least) => seen.figure >= least,
            Goal::Any => true,
        };
        held && seen.problem.is_none()
    }

    fn told(&self) -> String {
        match &self.seen {
            Ok(Seen { told, problem: None, .. }) => told.clone(),
            Ok(Seen { told, problem: Some(problem), .. }) => format!("{problem}; {told}"),
            Err(error) => format!("{error:#}"),
        }
    }

    fn goal(&self) -> Option<f64> {
        match self.seen.as_ref().ok()?.goal {
            Goal::Within(goal) | Goal::AtLeast(goal) => Some(goal.as_secs_f64()),
            Goal::Any => None,
        }
    }

    pub(super) fn object(&self, stack: Stack, time: u32) -> Value {
        let figure = self.seen.as_ref().ok().map(|seen| seen.figure.as_secs_f64());
        json!({
            "name": self.fault.name, "what": self.fault.figure,
            "runtime": stack.runtime, "tls": stack.tls, "time": time,
            "value": figure, "unit": "s", "goal": self.goal(), "met": self.met(),
            "told": self.told(), "late": self.late.as_secs_f64(), "valid": self.counts(),
        })
    }

    pub(super) fn line(&self) -> String {
        let (colour, verdict) = match (self.counts(), self.met()) {
            (false, _) => (YELLOW, "stalled"),
            (true, true) => (GREEN, "met"),
            (true, false) => (RED, "MISSED"),
        };
        // Padded before it is painted: colours have no width.
        let verdict = paint(colour, &format!("{verdict:<8}"));
        let figure = match &self.seen {
            Ok(Seen { figure, goal, .. }) => {
                let goal = match goal {
                    Goal::Within(most) => format!("of {:.1}", most.as_secs_f64()),
                    Goal::AtLeast(least) => format!("from {:.1}", least.as_secs_f64()),
                    Goal::Any => String::new(),
                };
                format!("{:>6.2} s {goal:<9}", figure.as_secs_f64())
            }
            Err(_) => format!("{:>6} {:<11}", "-", ""),
        };
        let Fault { name, figure: what, .. } = self.fault;
        format!("{verdict} {name:<47} {figure} {what:<16} {}", self.told())
    }
}

/// A row that could not be played here
pub(super) fn skipped(fault: &Fault, stack: Stack, why: &str) -> Value {
    json!({
        "name": fault.name, "what": fault.figure, "runtime": stack.runtime, "tls": stack.tls,
        "value": null, "unit": "s", "goal": null, "met": false, "verdict": "skipped", "told": why,
    })
}

/// The sum, for people: the rows were shown as they ended
pub(super) fn summary(rows: &[Row], took: Duration) -> String {
    let met = rows.iter().filter(|row| row.met()).count();
    let late = rows.iter().map(|row| row.late).max().unwrap_or_default();
    let mut sum =
        format!("{met} of {} rows met in {took:.0?}; {late:.0?} late at worst", rows.len());
    if !rows.iter().all(Row::counts) {
        sum += &paint(YELLOW, ", INVALID: the machine was too late for all rows to count");
    }
    for row in rows.iter().filter(|row| !row.met()) {
        sum += &format!("\n{}", row.line());
    }
    sum
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;
    use crate::chaos::table::TABLE;

    const SECOND: Duration = Duration::from_secs(1);

    fn row(figure: Duration, goal: Goal, problem: Option<&str>, late: Duration) -> Row {
        let seen = Seen { figure, goal, told: "told".into(), problem: problem.map(String::from) };
        Row::new(&TABLE[0], Ok(seen), late)
    }

    #[test]
    fn a_promise_is_held_but_for_our_own_lateness() {
        let late = STALLED / 2;
        let within = Goal::Within(SECOND);
        assert!(row(SECOND, within, None, Duration::ZERO).met());
        assert!(!row(SECOND + late, within, None, Duration::ZERO).met());
        assert!(row(SECOND + late, within, None, late).met());
        assert!(!row(SECOND, within, Some("the wrong verdict"), late).met());
        assert!(!row(SECOND, Goal::AtLeast(SECOND * 2), None, late).met());
        assert!(!row(SECOND, Goal::Any, None, STALLED * 2).counts());
    }

    #[test]
    fn what_could_not_be_played_has_no_figure_and_is_not_met() {
        let row = Row::new(&TABLE[0], (|| bail!("it broke"))(), Duration::ZERO);
        let object = row.object(Stack { runtime: "tokio", tls: false }, 1);
        assert_eq!((&object["value"], &object["met"]), (&Value::Null, &json!(false)));
        assert!(row.line().contains("MISSED") && row.line().contains("it broke"));
    }
}
