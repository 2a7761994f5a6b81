//! What was measured, of whom, round by round; and what it comes to.

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
    /// Who could not take part, and why
    pub(super) missing: Vec<(String, String)>,
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
        for goal in GOALS {
            self.hold(goal, report);
        }
        for (peer, why) in &self.missing {
            eprintln!("{peer:<36}{} {why}", paint(YELLOW, "skipped"));
            let row = json!({ "name": peer, "peer": peer, "verdict": "skipped", "detail": why });
            report.cell(row, true);
        }
    }

    /// Holds one goal against what was measured, if it was
    fn hold(&self, goal: &Goal, report: &mut Report) {
        let Some(ours) = self.of(goal.what, goal.peer) else { return };
        let (against, interval) = match goal.against {
            Against::Number => (None, Interval::of(&ours.values)),
            Against::Peer(peer) => match self.of(goal.what, peer) {
                Some(theirs) => (Some(peer), Interval::of_ratios(&ours.values, &theirs.values)),
                None => return,
            },
        };
        let Some(interval) = interval else { return };
        // The better end: whoever cannot be told from one who keeps it is not said to break it.
        let met = interval.low <= goal.most;
        let verdict = match (met, goal.hard) {
            (true, _) => paint(GREEN, "met"),
            (false, true) => paint(RED, "MISSED, hard"),
            (false, false) => paint(RED, "MISSED"),
        };
        let to = against.map_or_else(String::new, |peer| format!(" / {peer}"));
        let name = format!("{}: {}{to}", goal.what, goal.peer);
        let Interval { low, median, high, confidence } = interval;
        eprintln!(
            "{name:<68}{:>8} ({} to {})  goal {}  {verdict}",
            told(median),
            told(low),
            told(high),
            goal.most
        );
        let row = json!({
            "name": name, "what": goal.what, "peer": goal.peer, "against": against,
            "value": median, "low": low, "high": high, "confidence": confidence,
            "unit": if against.is_some() { "ratio" } else { ours.unit },
            "goal": goal.most, "hard": goal.hard, "met": met,
        });
        report.cell(row, met);
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

/// With as many digits as mean something
fn told(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::contestants::{RAW_EPOLL, ours};
    use super::super::goals;
    use super::*;

    /// How a process ends that measured these figures of everbeat on tokio and of the raw epoll
    fn code(what: &str, ours_: &[f64], raw: &[f64]) -> u8 {
        let mut figures = Figures::default();
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
    fn who_is_missing_is_told_once_and_is_no_failure() {
        let mut figures = Figures::default();
        figures.miss("npm-ws", "there is no `node` on this machine");
        figures.miss("npm-ws", "there is no `node` on this machine");
        let mut report = Report::new("bench");
        figures.judge(&mut report);
        assert_eq!((figures.missing.len(), report.code()), (1, 0));
    }
}
