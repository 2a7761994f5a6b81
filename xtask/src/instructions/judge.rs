//! Counts, held against their goals and, if they can be compared, against the baseline; the table goes
//! to stderr.

use serde_json::{Value, json};

use super::baseline::{Baseline, Drift};
use super::{Counts, Goal, PART, Row, skipped};
use crate::report::Report;
use crate::shell::{GREEN, RED, YELLOW, paint};

impl Goal {
    fn is_met(self, counts: Counts) -> bool {
        match self {
            Self::None => true,
            Self::Sum(most) => counts.ours <= most,
            Self::OverBare(most) => counts.over_bare() <= most,
            Self::TimesBare(most) => counts.times_bare() <= most,
        }
    }

    /// What is held against it, and what it is, for people
    fn shown(self, counts: Counts) -> [String; 2] {
        match self {
            Self::None => [String::new(), String::new()],
            Self::Sum(most) => [counts.ours.to_string(), most.to_string()],
            Self::OverBare(most) => [format!("{:+}", counts.over_bare()), format!("{most:+}")],
            Self::TimesBare(most) => [format!("x{:.3}", counts.times_bare()), format!("x{most}")],
        }
    }

    fn report(self, report: &mut Report, name: &str, counts: Counts) {
        let met = self.is_met(counts);
        let (sum, unit) = (format!("{name}: ours"), "instructions");
        match self {
            Self::Sum(most) => report.row(sum, counts.ours, unit, most, met),
            _ => report.row(sum, counts.ours, unit, None::<u64>, true),
        }
        if let Some(bare) = counts.bare {
            report.row(format!("{name}: bare"), bare, unit, None::<u64>, true);
        }
        match self {
            Self::OverBare(most) => {
                report.row(format!("{name}: over bare"), counts.over_bare(), unit, most, met);
            }
            Self::TimesBare(most) => {
                report.row(format!("{name}: of bare"), counts.times_bare(), "times", most, met);
            }
            Self::None | Self::Sum(_) => {}
        }
    }
}

/// What became of goals and baseline
pub(super) struct Judged {
    pub(super) report: Report,
    /// A row for each count, held against the baseline as `kept` is
    pub(super) since: Report,
    /// Nothing is over what it was or may be; a [sum](Goal::Sum) that was never reached is no failure
    /// of who changes something else: the CI asks for it from when the baseline says that it was
    pub(super) kept: bool,
}

pub(super) fn judge(baseline: &Baseline, made_with: &Value, rows: &[Row]) -> Judged {
    let otherwise = baseline.made_otherwise(made_with);
    let (mut report, mut all_kept) = (Report::new("instructions"), true);
    let mut since = Report::new("instructions");
    if !otherwise.is_empty() {
        let what = otherwise.join("; ");
        since.cell(skipped(&format!("the baseline is another's: {what}")), true);
    }
    let mut table = String::from("\n  bare   ours    judged      goal  since baseline  what\n");
    let verdict = |met, otherwise| match (met, otherwise) {
        (true, _) => GREEN,
        (false, true) => YELLOW,
        (false, false) => RED,
    };
    for Row { name, goal, counts } in rows {
        let met = goal.is_met(*counts);
        goal.report(&mut report, name, *counts);

        let drift = baseline.drift(name, *counts);
        let kept = drift.as_ref().is_some_and(|drift| drift.is_allowed());
        let reached = baseline.counts(name).is_some_and(|then| goal.is_met(then));
        let far = matches!(goal, Goal::Sum(_)) && !reached;
        let well = (met || far) && (kept || !otherwise.is_empty());
        all_kept &= well;
        since.cell(beside(name, *counts, drift.as_ref(), (well, otherwise.is_empty())), well);
        let (by, allowed) = drift.map_or((None, None), |d| (Some(d.by), Some(d.allowed)));
        let name_of_drift = format!("{name}: since the baseline");
        report.row(name_of_drift, by, "instructions", allowed, kept || !otherwise.is_empty());
        let bare = counts.bare.map_or_else(String::new, |bare| bare.to_string());
        let [judged, most] = goal.shown(*counts);
        let judged = paint(verdict(met, far), &format!("{judged:>8}"));
        let by = by.map_or_else(|| "new".to_owned(), |by| format!("{by:+}"));
        let by = paint(verdict(kept, !otherwise.is_empty()), &format!("{by:>14}"));
        let remark = match (met || far, kept, otherwise.is_empty()) {
            (false, _, _) => ": OVER the goal",
            (true, false, true) => ": NOT what the baseline says",
            _ if !met => ": not yet",
            _ => "",
        };
        let ours = counts.ours;
        table += &format!("{bare:>6} {ours:>6}  {judged}  {most:>8}  {by}  {name}{remark}\n");
    }
    eprint!("{table}");
    eprintln!("Since the baseline it may be 2 % of ours more or less.");
    if !otherwise.is_empty() {
        let what = otherwise.join("; ");
        eprintln!("{} {what}", paint(YELLOW, "The baseline is another's and was not judged:"));
    }
    if !all_kept || !otherwise.is_empty() {
        eprintln!("If it is meant: `cargo xtask instructions --bless` makes it the baseline.");
    }
    Judged { report, since, kept: all_kept }
}

/// What was counted beside what it may be by the baseline; `same` if that was made with the same
fn beside(name: &str, counts: Counts, drift: Option<&Drift>, (well, same): (bool, bool)) -> Value {
    // What the baseline allows is about the distance to bare, which is another run's.
    let most = drift.map(|drift| counts.ours as i64 - drift.by + drift.allowed as i64);
    let why = match (well, same, drift) {
        (true, false, _) => Some("the baseline is another's, and was not judged"),
        (true, true, _) => None,
        (false, _, None) => Some("the baseline has none"),
        (false, ..) => Some("over its goal, or not what the baseline says"),
    };
    json!({
        "part": PART, "name": format!("{name}: instructions"), "value": counts.ours,
        "bare": counts.bare, "unit": "instructions", "goal": most,
        "since_baseline": drift.map(|drift| drift.by), "allowed": drift.map(|drift| drift.allowed),
        "met": (same || !well).then_some(well), "why": why,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(goal: Goal, then: Counts, rustc: &str, now: Counts) -> bool {
        let row = |counts| Row { name: "text".into(), goal, counts };
        let made_with = |rustc: &str| json!({ "rustc": rustc });
        let baseline = Baseline::of(&made_with("1"), &[row(then)]);
        judge(&baseline, &made_with(rustc), &[row(now)]).kept
    }

    #[test]
    fn another_compiler_excuses_a_drift_and_never_the_goal() {
        let judged = |then, rustc, now| judged(Goal::OverBare(400), then, rustc, now);
        let counts = |ours| Counts { bare: Some(2_000), ours };
        let then = counts(2_000);
        assert!(judged(then, "1", then));
        let dearer = counts(2_041);
        assert!(!judged(then, "1", dearer));
        assert!(judged(then, "2", dearer));
        let full = counts(2_400);
        assert!(judged(full, "1", full));
        let over = counts(2_401);
        assert!(!judged(over, "1", over) && !judged(over, "2", over));
    }

    #[test]
    fn what_has_no_rival_is_held_against_the_baseline_and_a_sum_that_it_had_reached() {
        let counts = Counts::alone;
        assert!(judged(Goal::None, counts(2_000), "1", counts(2_040)));
        assert!(!judged(Goal::None, counts(2_000), "1", counts(2_041)));
        let sum = |then, now| judged(Goal::Sum(2_500), counts(then), "1", counts(now));
        assert!(sum(2_490, 2_500) && !sum(2_490, 2_501), "what was reached stays reached");
        assert!(sum(2_501, 2_551) && !sum(2_501, 2_552), "what was not is held to the baseline");
    }

    #[test]
    fn beside_the_baseline_each_count_has_a_row_and_what_is_not_judged_says_so() {
        let counts = |ours| Counts { bare: Some(2_000), ours };
        let row = |counts| Row { name: "text".into(), goal: Goal::OverBare(400), counts };
        let made_with = |rustc: &str| json!({ "rustc": rustc });
        let baseline = Baseline::of(&made_with("1"), &[row(counts(2_000))]);
        let judged = |rustc: &str, ours| {
            let since = judge(&baseline, &made_with(rustc), &[row(counts(ours))]).since;
            let rows = since.of_part(PART).cloned().collect::<Vec<_>>();
            (since.all_met(), rows)
        };
        let (met, rows) = judged("1", 2_010);
        assert!(met && rows.len() == 1);
        assert_eq!((&rows[0]["met"], &rows[0]["why"]), (&json!(true), &Value::Null));
        assert_eq!((&rows[0]["value"], &rows[0]["goal"]), (&json!(2_010), &json!(2_040)));
        assert_eq!(rows[0]["since_baseline"], 10);
        let (met, rows) = judged("1", 2_041);
        assert!(!met && rows[0]["met"] == false, "a row that is missed, and no abort");
        let (met, rows) = judged("2", 2_041);
        assert!(met && rows.len() == 2 && rows[0]["why"].as_str().unwrap().contains("rustc"));
        assert!(rows[1]["met"].is_null() && rows[1]["value"] == 2_041);
        assert!(!judged("2", 2_401).0, "another compiler excuses no goal");
        let new = judge(&Baseline::of(&json!({}), &[]), &json!({}), &[row(counts(2_000))]).since;
        assert!(!new.all_met(), "what is new wants a baseline");
    }

    #[test]
    fn a_sum_that_was_never_reached_is_not_met_and_nobodys_failure() {
        let row =
            |ours| Row { name: "beat".into(), goal: Goal::Sum(2_500), counts: Counts::alone(ours) };
        let all_met = |ours| {
            let judged = judge(&Baseline::of(&json!({}), &[row(ours)]), &json!({}), &[row(ours)]);
            (judged.report.all_met(), judged.kept)
        };
        assert_eq!((all_met(2_500), all_met(2_501)), ((true, true), (false, true)));
    }

    #[test]
    fn a_share_of_the_rivals_is_one_of_the_same_run() {
        let half = |bare, ours| {
            let counts = Counts { bare: Some(bare), ours };
            judged(Goal::TimesBare(0.5), counts, "1", counts)
        };
        assert!(half(10_000, 5_000) && !half(10_000, 5_001) && !half(9_999, 5_000));
    }
}
