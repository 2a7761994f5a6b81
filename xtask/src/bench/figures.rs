//! What was measured, of whom, round by round; and what it comes to.

use everbeat_drawing::told;
use serde_json::{Value, json};

use super::goals::{Against, GOALS, Goal};
use super::interval::Interval;
use crate::report::Report;
use crate::shell::{GREEN, RED, YELLOW, paint};

/// One figure of one contestant
#[derive(Debug)]
pub(super) struct Figure {
    /// What it is about, as the goals name it
    pub(super) what: String,
    pub(super) unit: &'static str,
    pub(super) peer: String,
    /// One a round
    pub(super) values: Vec<f64>,
}

/// All of them
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) all: Vec<Figure>,
    /// Rows that somebody else has judged
    pub(super) others: Vec<Value>,
    /// Who could not take part, and why
    pub(super) missing: Vec<(String, String)>,
    /// Of few connections and in few rounds: they decide nothing but what is promised of any size
    pub(super) small: bool,
}

impl Figures {
    /// One more value of what may have some already
    pub(super) fn add(&mut self, what: &str, unit: &'static str, peer: &str, value: f64) {
        match self.all.iter_mut().find(|figure| figure.what == what && figure.peer == peer) {
            Some(figure) => figure.values.push(value),
            None => {
                let (what, peer) = (what.to_owned(), peer.to_owned());
                self.all.push(Figure { what, unit, peer, values: vec![value] });
            }
        }
    }

    /// Somebody cannot take part; told once
    pub(super) fn miss(&mut self, peer: &str, why: &str) {
        if self.missing.iter().all(|(known, _)| known != peer) {
            self.missing.push((peer.to_owned(), why.to_owned()));
        }
    }

    pub(super) fn of(&self, what: &str, peer: &str) -> Option<&Figure> {
        self.all.iter().find(|figure| figure.what == what && figure.peer == peer)
    }

    /// What was measured, and in what, in its order
    pub(super) fn subjects(&self) -> Vec<(&str, &'static str)> {
        let mut subjects = Vec::new();
        for figure in &self.all {
            let subject = (&*figure.what, figure.unit);
            if !subjects.contains(&subject) {
                subjects.push(subject);
            }
        }
        subjects
    }

    /// A row for each figure and a row for each goal; the tables go to stderr
    pub(super) fn judge(&self, report: &mut Report) {
        for (what, unit) in self.subjects() {
            eprintln!("\n{what}, {unit}");
            for figure in self.all.iter().filter(|figure| figure.what == what) {
                let Some(interval) = Interval::of(&figure.values) else { continue };
                let Interval { low, median, high, .. } = interval;
                let peer = &figure.peer;
                eprintln!("  {peer:<34}{:>12}  {} to {}", told(median), told(low), told(high));
                report.cell(row(figure, interval), true);
            }
        }
        eprintln!();
        for held in self.held() {
            eprintln!("{}", held.line());
            report.cell(held.object(), !held.is_missed());
        }
        for row in &self.others {
            let met = row["met"] == true;
            let verdict = if met { paint(GREEN, "met") } else { paint(RED, "MISSED") };
            let (value, unit) = (&row["value"], row["unit"].as_str().unwrap_or_default());
            let name = row["name"].as_str().unwrap_or_default();
            eprintln!("{name:<70}{value:>16} {unit}  goal {}  {verdict}", row["goal"]);
            report.cell(row.clone(), met);
        }
        for (peer, why) in &self.missing {
            eprintln!("{peer:<36}{} {why}", paint(YELLOW, "skipped"));
            let row = json!({ "name": peer, "peer": peer, "verdict": "skipped", "detail": why });
            report.cell(row, true);
        }
    }

    /// What of the goals was measured, in their order
    pub(super) fn held(&self) -> Vec<Held> {
        GOALS.iter().filter_map(|goal| self.hold(goal)).collect()
    }

    fn hold(&self, goal: &'static Goal) -> Option<Held> {
        let ours = self.of(goal.what, goal.peer)?;
        let to = match goal.against {
            Against::Number => None,
            Against::Peer(peer) => Some((goal.what, peer)),
            Against::Itself(what) => Some((what, goal.peer)),
        };
        let (against, interval) = match to {
            None => (String::new(), Interval::of(&ours.values)?),
            Some((what, peer)) => {
                let theirs = self.of(what, peer)?;
                let against = if what == goal.what { peer } else { what };
                (against.to_owned(), Interval::of_ratios(&ours.values, &theirs.values)?)
            }
        };
        let unit = if against.is_empty() { ours.unit } else { "ratio" };
        let judged = !self.small || goal.is_of_any_size();
        Some(Held { goal, against, unit, interval, judged })
    }
}

/// A goal beside what was measured
#[derive(Debug)]
pub(super) struct Held {
    pub(super) goal: &'static Goal,
    /// What it was held against; empty, if that is the goal's own number
    against: String,
    pub(super) unit: &'static str,
    pub(super) interval: Interval,
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
}

impl Held {
    /// The better end: whoever cannot be told from one who keeps it is not said to break it
    pub(super) fn verdict(&self) -> Verdict {
        match (self.judged, self.interval.low <= self.goal.most) {
            (false, _) => Verdict::Open,
            (true, true) => Verdict::Met,
            (true, false) => Verdict::Missed,
        }
    }

    pub(super) fn is_missed(&self) -> bool {
        self.verdict() == Verdict::Missed
    }

    pub(super) fn name(&self) -> String {
        let Goal { what, peer, .. } = self.goal;
        let to = if self.against.is_empty() { "" } else { " / " };
        format!("{what}: {peer}{to}{}", self.against)
    }

    /// Its median and its interval, in words
    pub(super) fn told(&self) -> String {
        let Interval { low, median, high, .. } = self.interval;
        format!("{} ({} to {})", told(median), told(low), told(high))
    }

    fn line(&self) -> String {
        let verdict = match (self.verdict(), self.goal.hard) {
            (Verdict::Met, _) => paint(GREEN, "met"),
            (Verdict::Missed, true) => paint(RED, "MISSED, hard"),
            (Verdict::Missed, false) => paint(RED, "MISSED"),
            (Verdict::Open, _) => "not judged by a small run".into(),
        };
        let (name, seen, most) = (self.name(), self.told(), self.goal.most);
        format!("{name:<70}{seen:>26}  goal {most:<6}{verdict}")
    }

    fn object(&self) -> Value {
        let Interval { low, median, high, confidence } = self.interval;
        let against = (!self.against.is_empty()).then_some(&self.against);
        let met = match self.verdict() {
            Verdict::Met => json!(true),
            Verdict::Missed => json!(false),
            Verdict::Open => Value::Null,
        };
        json!({
            "name": self.name(), "what": self.goal.what, "peer": self.goal.peer,
            "against": against, "value": median, "low": low, "high": high,
            "confidence": confidence, "unit": self.unit,
            "goal": self.goal.most, "hard": self.goal.hard, "met": met,
        })
    }
}

fn row(figure: &Figure, interval: Interval) -> Value {
    let Interval { low, median, high, confidence } = interval;
    json!({
        "name": format!("{}: {}", figure.what, figure.peer), "what": figure.what,
        "peer": figure.peer, "unit": figure.unit, "value": median, "low": low, "high": high,
        "confidence": confidence, "rounds": figure.values, "goal": null, "met": true,
    })
}

#[cfg(test)]
mod tests {
    use super::super::contestants::{RAW_EPOLL, ours};
    use super::super::goals;
    use super::*;

    /// How a process ends that measured these figures of everbeat on tokio and of the raw epoll
    fn code(what: &str, ours_: &[f64], raw: &[f64]) -> u8 {
        code_of(Figures::default(), what, ours_, raw)
    }

    fn code_of(mut figures: Figures, what: &str, ours_: &[f64], raw: &[f64]) -> u8 {
        for (peer, values) in [(&*ours("tokio"), ours_), (RAW_EPOLL, raw)] {
            values.iter().for_each(|value| figures.add(what, "us", peer, *value));
        }
        let mut report = Report::new("bench");
        figures.judge(&mut report);
        report.code()
    }

    #[test]
    fn a_goal_is_met_when_the_better_end_of_its_interval_is() {
        let raw = [10.0; 6];
        assert_eq!(code(goals::BEATS, &[12.5, 11.9, 12.5, 12.5, 12.5, 12.5], &raw), 0);
        assert_eq!(code(goals::BEATS, &[12.5, 12.1, 12.5, 12.5, 12.5, 12.5], &raw), 1);
        assert_eq!(code(goals::BEATS, &[99.0; 6], &[]), 0, "against nobody");
    }

    #[test]
    fn a_number_is_a_goal_of_its_own() {
        assert_eq!(code(goals::RESIDENT, &[1_000.0; 3], &[]), 0);
        assert_eq!(code(goals::RESIDENT, &[1_001.0; 3], &[]), 1);
    }

    #[test]
    fn a_small_run_decides_what_is_promised_of_any_size_and_no_cost() {
        let small = || Figures { small: true, ..Figures::default() };
        assert_eq!(code_of(small(), goals::RESIDENT, &[1_001.0; 3], &[]), 0);
        assert_eq!(code_of(small(), goals::BEATS, &[99.0; 3], &[1.0; 3]), 0);
        assert_eq!(code_of(small(), goals::MILLION_PINGED, &[1.0], &[]), 1);
        assert_eq!(code_of(small(), goals::UNKEPT, &[0.1], &[]), 1);
    }

    #[test]
    fn who_is_missing_is_told_once_and_is_no_failure() {
        let mut figures = Figures::default();
        figures.miss("npm-ws", "there is no `node` on this machine");
        figures.miss("npm-ws", "there is no `node` on this machine");
        let mut report = Report::new("bench");
        figures.judge(&mut report);
        assert_eq!((figures.missing.len(), report.code()), (1, 0));
    }
}
