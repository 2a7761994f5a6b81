//! What the plays came to, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

use serde_json::{Value, json};

use super::TOO_LATE;
use super::case::Case;
use super::index::Behaviour;
use super::play::Cast;
use super::suite::VERSION;
use crate::shell::{GREEN, RED, YELLOW, paint};

/// A peer in a role, in all cases
#[derive(Debug)]
pub(super) struct Row {
    pub(super) cast: Cast,
    pub(super) patterns: String,
    /// In which cases how, the worse of the case and its end
    pub(super) behaved: BTreeMap<Behaviour, Vec<Case>>,
    /// What is wrong, by case
    pub(super) faults: BTreeMap<Case, String>,
    pub(super) took: Duration,
    pub(super) late: Duration,
}

impl Row {
    pub(super) fn met(&self) -> bool {
        self.faults.is_empty()
    }

    /// Whether it says something: the machine kept up, or all went well nevertheless
    pub(super) fn counts(&self) -> bool {
        self.late <= TOO_LATE || self.met()
    }

    pub(super) fn line(&self) -> String {
        let (colour, verdict) = match (self.counts(), self.met()) {
            (false, _) => (YELLOW, "stalled"),
            (true, true) => (GREEN, "pass"),
            (true, false) => (RED, "FAIL"),
        };
        // Padded before it is painted: colours have no width.
        let verdict = paint(colour, &format!("{verdict:<8}"));
        let (peer, role) = (self.cast.peer(), self.cast.role.name());
        let took = self.took.as_secs_f64();
        let mut line = format!("{verdict} {peer:<11} as {role} {took:>6.1} s ");
        for (behaviour, cases) in &self.behaved {
            line += &format!("  {} {}", cases.len(), behaviour.name());
        }
        line
    }

    /// In which cases it could be better, and in which it must
    fn details(&self) -> String {
        let mut details = BTreeMap::<_, Vec<_>>::new();
        for (behaviour, cases) in self.behaved.range(Behaviour::NonStrict..) {
            for case in cases.iter().filter(|case| !self.faults.contains_key(case)) {
                details.entry((false, behaviour.name())).or_default().push(case);
            }
        }
        for (case, fault) in &self.faults {
            details.entry((true, fault)).or_default().push(case);
        }
        let line = |((wrong, what), cases): (_, Vec<_>)| {
            let line = format!("{what}: {}", list(&cases));
            format!("             {}\n", if wrong { paint(RED, &line) } else { line })
        };
        details.into_iter().map(line).collect()
    }

    pub(super) fn object(&self) -> Value {
        let behaved = self.behaved.iter();
        let counts = behaved.map(|(behaviour, cases)| (behaviour.name().to_owned(), cases.len()));
        let less = self.behaved.range(Behaviour::NonStrict..);
        let less = less.map(|(behaviour, cases)| (behaviour.name().to_owned(), list(cases)));
        let faults = self.faults.iter().map(|(case, fault)| (case.to_string(), fault.clone()));
        let mut row = words(self.cast, &self.patterns);
        row["verdict"] = json!(if self.met() { "pass" } else { "fail" });
        row["counts"] = json!(counts.collect::<BTreeMap<_, _>>());
        row["not_ok"] = json!(less.collect::<BTreeMap<_, _>>());
        row["faults"] = json!(faults.collect::<BTreeMap<_, _>>());
        row["seconds"] = json!(self.took.as_secs_f64());
        row["late"] = json!(self.late.as_secs_f64());
        row["valid"] = json!(self.counts());
        row
    }
}

/// A row that could not be tried
pub(super) fn skipped(cast: Cast, patterns: &str, why: &str) -> Value {
    let mut row = words(cast, patterns);
    row["verdict"] = json!("skipped");
    row["detail"] = json!(why);
    row
}

fn words(cast: Cast, patterns: &str) -> Value {
    json!({
        "peer": format!("autobahn {VERSION}"), "role": cast.role.name(), "runtime": cast.peer(),
        "scenario": patterns,
    })
}

/// Each row, and below it what is not as it could be
pub(super) fn of(rows: &[Row]) -> String {
    let mut table = String::from("\n");
    for row in rows {
        table += &format!("{}\n{}", row.line(), row.details());
    }
    table
}

fn list(cases: &[impl Display]) -> String {
    cases.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::play::Role;
    use super::*;

    fn row(fault: Option<&str>, late: Duration) -> Row {
        let case = || "6.4.3".parse::<Case>().unwrap();
        Row {
            cast: Cast { role: Role::Server, runtime: Some("smol") },
            patterns: "6.*".into(),
            behaved: BTreeMap::from([(Behaviour::NonStrict, vec![case()])]),
            faults: fault.map(|fault| (case(), fault.into())).into_iter().collect(),
            took: late,
            late,
        }
    }

    #[test]
    fn a_fault_on_a_machine_that_stalled_says_nothing() {
        assert!(row(None, TOO_LATE * 2).counts() && row(Some("FAILED"), TOO_LATE).counts());
        assert!(!row(Some("FAILED"), TOO_LATE * 2).counts());
    }

    #[test]
    fn what_is_not_ok_is_named_and_what_is_a_fault_fails() {
        let table = of(&[row(None, TOO_LATE)]);
        assert!(table.contains("pass") && table.contains("NON-STRICT: 6.4.3"), "{table}");
        let table = of(&[row(Some("FAILED"), TOO_LATE)]);
        assert!(table.contains("FAIL ") && table.contains("FAILED: 6.4.3"), "{table}");
        let object = row(Some("FAILED"), TOO_LATE).object();
        assert_eq!(
            (&object["verdict"], &object["counts"]["NON-STRICT"]),
            (&json!("fail"), &json!(1))
        );
        assert_eq!(row(None, TOO_LATE).object()["verdict"], "pass");
    }
}
