//! The one object that `--json` prints: rows with a value, a goal, and whether it was met.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::shell::Shell;

/// What a command found, row by row
#[derive(Debug)]
pub(crate) struct Report {
    command: &'static str,
    rows: Vec<Value>,
    all_met: bool,
    valid: bool,
    /// What else is said of the run
    notes: Map<String, Value>,
}

impl Report {
    pub(crate) fn new(command: &'static str) -> Self {
        Self { command, rows: Vec::new(), all_met: true, valid: true, notes: Map::new() }
    }

    /// A row; `goal` is null where there is none
    pub(crate) fn row(
        &mut self,
        name: impl Into<String>,
        value: impl Into<Value>,
        unit: &str,
        goal: impl Into<Value>,
        met: bool,
    ) {
        let row = json!({
            "name": name.into(), "value": value.into(), "unit": unit, "goal": goal.into(), "met": met,
        });
        self.cell(row, met);
    }

    /// A row of a matrix, which has columns of its own
    pub(crate) fn cell(&mut self, row: Value, met: bool) {
        self.all_met &= met;
        self.rows.push(row);
    }

    /// What another has found, too
    pub(crate) fn append(&mut self, other: Self) {
        self.all_met &= other.all_met;
        self.valid &= other.valid;
        self.rows.extend(other.rows);
        self.notes.extend(other.notes);
    }

    /// Says something of the run itself; a `commit` takes the place of what is there at the end
    pub(crate) fn note(&mut self, name: &str, what: impl Into<Value>) {
        self.notes.insert(name.into(), what.into());
    }

    /// The machine stalled while real-time promises were measured: the run says nothing
    pub(crate) const fn invalidate(&mut self) {
        self.valid = false;
    }

    /// The rows so far that say that they are of this part
    pub(crate) fn of_part(&self, part: &str) -> impl Iterator<Item = &Value> {
        self.rows.iter().filter(move |row| row["part"] == part)
    }

    /// Whether the machine kept up so far
    pub(crate) const fn is_valid(&self) -> bool {
        self.valid
    }

    /// Whether every row so far was met
    pub(crate) const fn all_met(&self) -> bool {
        self.all_met
    }

    /// How the process should end
    pub(crate) const fn code(&self) -> u8 {
        match (self.valid, self.all_met) {
            (false, _) => 2,
            (true, true) => 0,
            (true, false) => 1,
        }
    }

    /// Prints the object if it is wanted, and says how the process should end
    pub(crate) fn finish(self, shell: &Shell) -> ExitCode {
        let code = ExitCode::from(self.code());
        if shell.json {
            println!("{}", self.whole(shell));
        }
        code
    }

    /// The object, with the commit that it is about
    pub(crate) fn whole(&self, shell: &Shell) -> Value {
        let commit = commit(shell).unwrap_or_else(|_| "unknown".into());
        self.object(&commit, std::env::var("EVERBEAT_SEED").ok().as_deref())
    }

    fn object(&self, commit: &str, seed: Option<&str>) -> Value {
        let mut object = json!({
            "command": self.command, "commit": commit,
            "seed": seed.and_then(|seed| seed.parse::<u64>().ok()),
            "rows": self.rows, "all_met": self.all_met && self.valid, "valid": self.valid,
        });
        if let Some(object) = object.as_object_mut() {
            object.extend(self.notes.clone());
        }
        object
    }
}

/// What is in the work tree: a commit, and a mark if anything there is not of it
pub(crate) fn commit(shell: &Shell) -> Result<String> {
    let hash = shell.read(shell.program("git").args(["rev-parse", "--short=12", "HEAD"]))?;
    let changes = shell.read(shell.program("git").args(["status", "--porcelain"]))?;
    Ok(marked(&hash, &changes))
}

fn marked(hash: &str, changes: &str) -> String {
    let mark = if changes.trim().is_empty() { "" } else { "-dirty" };
    format!("{}{mark}", hash.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_row_that_is_not_met_spoils_all() {
        let mut report = Report::new("tidy");
        report.row("links", 0, "findings", 0, true);
        report.row("sizes", 2, "findings", 0, false);
        let object = report.object("abc", Some("7"));
        assert_eq!(object["all_met"], false);
        assert_eq!(object["rows"][1]["met"], false);
        assert_eq!(object["rows"][0]["goal"], 0);
        assert_eq!(object["seed"], 7);
    }

    #[test]
    fn a_run_on_a_stalled_machine_meets_nothing() {
        let mut report = Report::new("interop");
        report.cell(json!({ "verdict": "pass" }), true);
        report.invalidate();
        let object = report.object("abc", None);
        assert_eq!((&object["all_met"], &object["valid"]), (&json!(false), &json!(false)));
    }

    #[test]
    fn a_commit_with_changes_is_marked_and_a_run_may_say_which_it_began_with() {
        assert_eq!(marked("abc\n", ""), "abc");
        assert_eq!(marked("abc\n", " M README.md\n"), "abc-dirty");
        assert_eq!(marked("abc\n", "?? new.rs\n"), "abc-dirty");
        let mut report = Report::new("bench");
        report.note("commit", "abc");
        assert_eq!(report.object("abc-dirty", None)["commit"], "abc");
    }

    #[test]
    fn rows_are_found_by_their_part() {
        let mut report = Report::new("bench");
        report.cell(json!({ "part": "criterion", "name": "a" }), true);
        report.cell(json!({ "name": "b" }), true);
        let names = report.of_part("criterion").map(|row| row["name"].as_str().unwrap());
        assert_eq!(names.collect::<Vec<_>>(), ["a"]);
        assert_eq!(report.of_part("instructions").count(), 0);
    }

    #[test]
    fn no_seed_is_null() {
        assert!(Report::new("test").object("abc", None)["seed"].is_null());
    }
}
