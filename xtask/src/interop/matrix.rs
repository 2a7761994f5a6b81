//! What the trials came to, cell by cell, for people and for programs.

use std::time::Duration;

use anyhow::{Result, anyhow};
use serde_json::{Value, json};

use super::peer::Expected;
use super::plan::{Trial, scheme};
use super::settings::STALLED;
use crate::shell::{GREEN, RED, YELLOW, paint};

/// What became of a trial
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Pass,
    Fail,
    /// What it needs could not be had here
    Skipped,
    /// It failed as its description says that it does, or cannot do what this needs
    Expected,
}

impl Verdict {
    const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Skipped => "skipped",
            Self::Expected => "expected",
        }
    }

    /// A trial's; what passes although its description says otherwise is a stale description
    ///
    /// What fails otherwise than its description says is a failure: an exception for one fault must
    /// not hide another.
    fn of(outcome: Result<String>, known: Option<&Expected>) -> (Self, String) {
        match (outcome, known) {
            (Ok(seen), None | Some(Expected { sometimes: true, .. })) => (Self::Pass, seen),
            (Err(error), None) => (Self::Fail, format!("{error:#}")),
            (Err(error), Some(known)) => {
                let (why, error) = (&known.why, format!("{error:#}"));
                match error.contains(&known.error) {
                    true => (Self::Expected, format!("{why} ({error})")),
                    false => (Self::Fail, format!("{error}; known is `{}`: {why}", known.error)),
                }
            }
            (Ok(seen), Some(Expected { why, .. })) => {
                (Self::Fail, format!("it holds ({seen}): take `{why}` out of the description"))
            }
        }
    }
}

/// Where documents have it
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    /// A peer's with us
    Peers,
    /// Of two foreign peers, and ours in the place of one
    Pairings,
    /// Of what stands between or refuses
    Others,
}

impl Table {
    pub(super) const ALL: [Self; 3] = [Self::Peers, Self::Pairings, Self::Others];

    const fn of(trial: &Trial<'_>) -> Self {
        match trial {
            Trial::Peer(..) => Self::Peers,
            Trial::Pairing(_) => Self::Pairings,
            Trial::Passage(..) | Trial::Refusal(..) => Self::Others,
        }
    }
}

/// One cell
#[derive(Debug)]
pub(super) struct Row {
    words: [String; 5],
    tls: bool,
    /// It is about promises on real time
    timed: bool,
    verdict: Verdict,
    detail: String,
    /// Why it is as it is known to be, without what was seen
    reason: String,
    table: Table,
    took: Duration,
    late: Duration,
}

impl Row {
    pub(super) fn new(
        trial: &Trial<'_>,
        outcome: Result<String>,
        took: Duration,
        late: Duration,
    ) -> Self {
        let (verdict, detail) = Verdict::of(outcome, trial.known());
        let reason = trial.known().map_or_else(String::new, |known| known.why.clone());
        let table = Table::of(trial);
        let words = trial.words().map(String::from);
        let (tls, timed) = (words[3] == scheme(true), trial.timed());
        Self { words, tls, timed, verdict, detail, reason, table, took, late }
    }

    /// The peer cannot do what it needs
    pub(super) fn unable(trial: &Trial<'_>, why: &str) -> Self {
        let row = Self::skipping(trial, why);
        Self { verdict: Verdict::Expected, reason: why.into(), ..row }
    }

    /// What it needs could not be had
    pub(super) fn skipping(trial: &Trial<'_>, why: &str) -> Self {
        let row = Self::new(trial, Err(anyhow!("")), Duration::ZERO, Duration::ZERO);
        Self { verdict: Verdict::Skipped, detail: why.into(), ..row }
    }

    pub(super) fn words(&self) -> [&str; 5] {
        self.words.each_ref().map(String::as_str)
    }

    pub(super) const fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Why it is as it is known to be
    pub(super) fn reason(&self) -> &str {
        &self.reason
    }

    pub(super) const fn table(&self) -> Table {
        self.table
    }

    /// What was seen, or what was wrong
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    #[cfg(test)]
    pub(super) fn of(words: [&str; 5], verdict: Verdict, reason: &str) -> Self {
        Self {
            table: match words[1] {
                "proxy" => Table::Others,
                "server" | "client" => Table::Peers,
                _ => Table::Pairings,
            },
            words: words.map(String::from),
            tls: false,
            timed: false,
            verdict,
            detail: String::new(),
            reason: reason.into(),
            took: Duration::ZERO,
            late: Duration::ZERO,
        }
    }

    pub(super) fn met(&self) -> bool {
        self.verdict != Verdict::Fail
    }

    /// Why it was skipped, if it was
    pub(super) fn skipped(&self) -> Option<&str> {
        (self.verdict == Verdict::Skipped).then_some(&*self.detail)
    }

    /// Whether it says something: the machine kept up, or what passed is not about time
    pub(super) fn counts(&self) -> bool {
        self.late <= STALLED || !self.timed && self.met()
    }

    pub(super) fn object(&self) -> Value {
        let [peer, role, runtime, _, scenario] = &self.words;
        json!({
            "peer": peer, "role": role, "runtime": runtime, "tls": self.tls, "scenario": scenario,
            "verdict": self.verdict.name(), "detail": self.detail,
            "seconds": self.took.as_secs_f64(), "late": self.late.as_secs_f64(),
            "valid": self.counts(),
        })
    }

    pub(super) fn line(&self) -> String {
        let [peer, role, runtime, scheme, scenario] = &self.words;
        let (colour, verdict) = match (self.counts(), self.verdict) {
            (false, _) => (YELLOW, "stalled"),
            (true, Verdict::Pass) => (GREEN, "pass"),
            (true, Verdict::Fail) => (RED, "FAIL"),
            (true, other) => (YELLOW, other.name()),
        };
        // Padded before it is painted: colours have no width.
        let verdict = paint(colour, &format!("{verdict:<8}"));
        let (took, detail) = (self.took.as_secs_f64(), &self.detail);
        format!(
            "{verdict} {peer} as {role:<6} {runtime:<9} {scheme:<3} {scenario:<16} {took:>5.1} s  {detail}"
        )
    }
}

/// The sum, for people: the cells were shown as they were filled
pub(super) fn summary(rows: &[Row]) -> String {
    let count = |verdict| rows.iter().filter(|row| row.verdict == verdict).count();
    let mut sum = format!(
        "{} passed, {} failed, {} as expected, {} skipped",
        count(Verdict::Pass),
        count(Verdict::Fail),
        count(Verdict::Expected),
        count(Verdict::Skipped)
    );
    let late = rows.iter().map(|row| row.late).max().unwrap_or_default();
    sum += &format!("; the machine was {late:.2?} late at worst");
    if !rows.iter().all(Row::counts) {
        sum += &format!(", {}", paint(YELLOW, "too late for this run to prove anything"));
    }
    for row in rows.iter().filter(|row| !row.met()) {
        sum += &format!("\n{}", row.line());
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_a_machine_that_stalled_only_what_is_not_about_time_may_pass() {
        let row = |timed, verdict, late| Row { timed, late, ..Row::of([""; 5], verdict, "") };
        let (fine, stalled) = (STALLED, STALLED * 2);
        assert!(row(true, Verdict::Fail, fine).counts());
        assert!(row(true, Verdict::Pass, fine).counts());
        assert!(!row(true, Verdict::Pass, stalled).counts());
        assert!(row(false, Verdict::Pass, stalled).counts());
        assert!(!row(false, Verdict::Fail, stalled).counts());
    }

    #[test]
    fn a_known_failure_is_expected_and_a_stale_one_is_told() {
        let of = |outcome: Result<&str>, known| {
            let (verdict, detail) = Verdict::of(outcome.map(String::from), known);
            (verdict.name(), detail)
        };
        assert_eq!(of(Ok("seen"), None), ("pass", "seen".into()));
        assert_eq!(of(Err(anyhow!("bad")), None), ("fail", "bad".into()));
        let known = Expected::new("bad", "known");
        assert_eq!(of(Err(anyhow!("bad")), Some(&known)), ("expected", "known (bad)".into()));
        let (verdict, detail) = of(Ok("seen"), Some(&known));
        assert!(verdict == "fail" && detail.contains("known"), "{detail}");
        let mut dozes = Expected::new("bad", "known");
        dozes.sometimes = true;
        assert_eq!(of(Ok("seen"), Some(&dozes)), ("pass", "seen".into()));
        assert_eq!(of(Err(anyhow!("bad")), Some(&dozes)).0, "expected");
        assert_eq!(of(Err(anyhow!("worse")), Some(&dozes)).0, "fail");
        // Another fault in the same place is none that is known
        let (verdict, detail) = of(Err(anyhow!("worse")), Some(&known));
        assert!(verdict == "fail" && detail.contains("worse"), "{detail}");
    }
}
