//! What was measured, of whom, round by round; and what it comes to.

use std::collections::BTreeMap;

use everbeat_drawing::told;
use serde_json::{Value, json};

use super::goals::GOALS;
use super::held::Held;
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
    /// By their names, as far as somebody tells
    pub(super) versions: BTreeMap<String, String>,
    pub(super) run: Run,
}

/// What was asked for, as far as it says why there is no figure of something
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    /// What is played
    pub(super) parts: Vec<&'static str>,
    /// Of few connections and in few rounds: it decides nothing but what is promised of any size
    pub(super) small: bool,
    /// With other people's libraries
    pub(super) peers: bool,
    /// With a number of connections of the caller's choice
    pub(super) chosen: bool,
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

    /// All goals in their order, beside what was measured or why nothing was
    pub(super) fn held(&self) -> Vec<Held> {
        GOALS.iter().map(|goal| Held::of(goal, self)).collect()
    }

    /// Why it cannot take part, if somebody has found that out
    pub(super) fn missing(&self, who: &str) -> Option<&str> {
        self.missing.iter().find(|(known, _)| known == who).map(|(_, why)| &**why)
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
        let small = || {
            let run = Run { small: true, ..Run::default() };
            Figures { run, ..Figures::default() }
        };
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
