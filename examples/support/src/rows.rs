//! Rows of a report for machines, in the form that all of this workspace's tools share.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

/// A row that must be zero
#[must_use]
pub fn none(name: &str, value: u64, unit: &str) -> Value {
    at_most(name, value, unit, 0)
}

/// A row with an upper bound
#[must_use]
pub fn at_most(name: &str, value: u64, unit: &str, goal: u64) -> Value {
    row(name, value, unit, goal, value <= goal)
}

/// A row with a lower bound
#[must_use]
pub fn at_least(name: &str, value: u64, unit: &str, goal: u64) -> Value {
    row(name, value, unit, goal, value >= goal)
}

/// A row without a bound
#[must_use]
pub fn told(name: &str, value: impl Into<Value>, unit: &str) -> Value {
    row(name, value, unit, Value::Null, true)
}

/// A row; `goal` is null where there is none
#[must_use]
pub fn row(
    name: &str,
    value: impl Into<Value>,
    unit: &str,
    goal: impl Into<Value>,
    met: bool,
) -> Value {
    json!({ "name": name, "value": value.into(), "unit": unit, "goal": goal.into(), "met": met })
}

/// Whole milliseconds
#[must_use]
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The commit that is checked out here, if git knows
#[must_use]
pub fn commit() -> Option<String> {
    let output = Command::new("git").args(["rev-parse", "HEAD"]).output().ok()?;
    let commit = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| commit.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_met_at_its_edge_and_not_beyond() {
        let met = |row: Value| row["met"].as_bool();
        assert_eq!(met(at_most("a", 3, "ms", 3)), Some(true));
        assert_eq!(met(at_most("a", 4, "ms", 3)), Some(false));
        assert_eq!(met(at_least("a", 3, "ms", 3)), Some(true));
        assert_eq!(met(at_least("a", 2, "ms", 3)), Some(false));
        assert_eq!(met(none("a", 1, "messages")), Some(false));
        assert_eq!(told("a", 1, "s")["goal"], Value::Null);
    }
}
