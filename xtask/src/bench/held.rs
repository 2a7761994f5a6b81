//! A goal beside what was measured, or why nothing was: every goal has a row in every run.

use everbeat_drawing::told;
use serde_json::{Value, json};

use super::absent;
use super::figures::Figures;
use super::goals::Goal;
use super::interval::Interval;
use crate::shell::{GREEN, RED, YELLOW, paint};

/// A goal beside what was measured
#[derive(Debug)]
pub(super) struct Held {
    pub(super) goal: &'static Goal,
    /// In what; empty if nothing was measured that says so
    pub(super) unit: &'static str,
    /// What was measured, or why nothing was
    seen: Result<Interval, String>,
    /// Whether this run decides it
    judged: bool,
}

/// Whether a goal is met
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Met,
    Missed,
    /// The run was too small for it
    Open,
    /// There is no figure
    Unmeasured,
}

impl Held {
    pub(super) fn of(goal: &'static Goal, figures: &Figures) -> Self {
        let ours = figures.of(goal.what, goal.peer);
        let seen = match goal.other() {
            None => ours.and_then(|ours| Interval::of(&ours.values)),
            Some((what, peer)) => ours
                .zip(figures.of(what, peer))
                .and_then(|(ours, theirs)| Interval::of_ratios(&ours.values, &theirs.values)),
        };
        let unit = if goal.is_number() { ours.map_or("", |ours| ours.unit) } else { "ratio" };
        let judged = !figures.run.small || goal.is_of_any_size();
        Self { goal, unit, seen: seen.ok_or_else(|| absent::why(goal, figures)), judged }
    }

    /// The better end: whoever cannot be told from one who keeps it is not said to break it
    pub(super) fn verdict(&self) -> Verdict {
        match (&self.seen, self.judged) {
            (Err(_), _) => Verdict::Unmeasured,
            (Ok(_), false) => Verdict::Open,
            (Ok(interval), true) if interval.low <= self.goal.most => Verdict::Met,
            (Ok(_), true) => Verdict::Missed,
        }
    }

    pub(super) fn is_missed(&self) -> bool {
        self.verdict() == Verdict::Missed
    }

    /// Why it was not judged, and who does; `None` if it was
    pub(super) fn why(&self) -> Option<String> {
        match (&self.seen, self.judged) {
            (Err(why), _) => Some(why.clone()),
            (Ok(_), false) => {
                let part = self.goal.part();
                Some(format!("not judged by a small run: `cargo xtask bench {part}` or `all`"))
            }
            (Ok(_), true) => None,
        }
    }

    pub(super) fn name(&self) -> String {
        let Goal { what, peer, .. } = self.goal;
        let to = self.goal.against().map_or_else(String::new, |other| format!(" / {other}"));
        format!("{what}: {peer}{to}")
    }

    /// Its median and its interval, in words
    pub(super) fn told(&self) -> String {
        match &self.seen {
            Ok(Interval { low, median, high, .. }) => {
                format!("{} ({} to {})", told(*median), told(*low), told(*high))
            }
            Err(_) => "not measured".into(),
        }
    }

    /// For a terminal
    pub(super) fn line(&self) -> String {
        let verdict = match (self.verdict(), self.goal.hard) {
            (Verdict::Met, _) => paint(GREEN, "met"),
            (Verdict::Missed, true) => paint(RED, "MISSED, hard"),
            (Verdict::Missed, false) => paint(RED, "MISSED"),
            (Verdict::Open, _) => self.why().unwrap_or_default(),
            (Verdict::Unmeasured, _) => paint(YELLOW, &self.why().unwrap_or_default()),
        };
        let (name, seen, most) = (self.name(), self.told(), self.goal.most);
        format!("{name:<70}{seen:>26}  goal {most:<6}{verdict}")
    }

    /// For the report: a row of the same keys whether it was measured or not
    pub(super) fn object(&self) -> Value {
        let seen = self.seen.as_ref().ok();
        let number = |of: fn(&Interval) -> f64| seen.map(of);
        let met = match self.verdict() {
            Verdict::Met => Some(true),
            Verdict::Missed => Some(false),
            Verdict::Open | Verdict::Unmeasured => None,
        };
        json!({
            "name": self.name(), "what": self.goal.what, "peer": self.goal.peer,
            "against": self.goal.against(), "value": number(|seen| seen.median),
            "low": number(|seen| seen.low), "high": number(|seen| seen.high),
            "confidence": number(|seen| seen.confidence), "unit": self.unit,
            "goal": self.goal.most, "hard": self.goal.hard, "met": met, "why": self.why(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::contestants::{RAW_TCP, ours};
    use super::super::figures::Run;
    use super::super::goals::{GOALS, RESIDENT, UNKEPT};
    use super::*;

    fn figures(small: bool) -> Figures {
        let parts = vec!["idle", "echo", "detect"];
        Figures { run: Run { parts, small, ..Run::default() }, ..Figures::default() }
    }

    #[test]
    fn every_goal_has_a_row_in_every_run_and_says_why_it_has_no_value() {
        let mut figures = figures(false);
        figures.add(RESIDENT, "bytes", &ours("tokio"), 900.0);
        let held = figures.held();
        assert_eq!(held.len(), GOALS.len());
        for (held, goal) in held.iter().zip(GOALS) {
            let object = held.object();
            let measured = goal.what == RESIDENT;
            assert_eq!(object["value"].is_null(), !measured, "{object}");
            assert_eq!(object["met"].is_null(), !measured, "{object}");
            assert_eq!(object["why"].is_null(), measured, "{object}");
            assert_eq!(held.told() == "not measured", !measured);
            assert!(measured || held.line().contains(object["why"].as_str().unwrap()));
            for key in ["name", "what", "peer", "unit", "goal", "hard"] {
                assert!(!object[key].is_null(), "{key} of {object}");
            }
        }
    }

    #[test]
    fn a_small_run_says_who_judges_what_it_does_not() {
        let what = "echo of 64 B, 64 at once: CPU";
        let mut small = figures(true);
        [(&*ours("tokio"), 9.0), (RAW_TCP, 1.0)]
            .iter()
            .for_each(|(peer, value)| small.add(what, "us", peer, *value));
        small.add(UNKEPT, "s", &ours("tokio"), 0.0);
        let of = |what: &str| {
            let held = small.held().into_iter().find(|held| held.goal.what == what).unwrap();
            (held.verdict(), held.object())
        };
        let (verdict, object) = of(what);
        assert_eq!((verdict, &object["met"]), (Verdict::Open, &Value::Null));
        assert_eq!((&object["value"], &object["against"]), (&json!(9.0), &json!(RAW_TCP)));
        assert!(object["why"].as_str().unwrap().contains("`cargo xtask bench echo` or `all`"));
        let (verdict, object) = of(UNKEPT);
        assert_eq!((verdict, &object["why"]), (Verdict::Met, &Value::Null));
    }
}
