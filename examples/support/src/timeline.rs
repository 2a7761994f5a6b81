//! The timeline: when, who, what, one line an event; colour only for verdicts, and only where a
//! person looks.

use std::fmt::Display;
use std::io::{IsTerminal, Write, stderr, stdout};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

/// As wide as the times, names and most sentences together
const WIDTH: usize = 88;

/// Where the timeline is printed, and since when
#[derive(Debug)]
pub struct Timeline {
    start: Instant,
    to_stderr: bool,
    colour: bool,
}

/// How a verdict is meant
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "as many as there are colours for verdicts")]
pub enum Mood {
    /// As it must be
    Good,
    /// It says nothing
    Doubt,
    /// Not as it must be
    Bad,
}

impl Mood {
    const fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Doubt => "33",
            Self::Bad => "31",
        }
    }
}

impl Timeline {
    /// Begins now, on stderr if stdout is for a machine
    #[must_use]
    pub fn new(to_stderr: bool) -> Self {
        let terminal = if to_stderr { stderr().is_terminal() } else { stdout().is_terminal() };
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { start: Instant::now(), to_stderr, colour: terminal && !refused }
    }

    /// When it began
    #[must_use]
    pub const fn start(&self) -> Instant {
        self.start
    }

    /// A line without a time
    pub fn plain(&self, text: impl Display) {
        let line = format!("{text}\n");
        // A reader who has left misses the timeline, not the verdict.
        _ = match self.to_stderr {
            true => stderr().write_all(line.as_bytes()),
            false => stdout().write_all(line.as_bytes()).and_then(|()| stdout().flush()),
        };
    }

    /// Something that happened
    pub fn event(&self, at: Instant, who: impl Display, what: impl Display) {
        self.plain(format_args!("{} {who:<9} {what}", self.time(at)));
    }

    /// A verdict: its first words, up to a colon, semicolon or bracket, are coloured
    pub fn verdict(&self, at: Instant, who: impl Display, mood: Mood, what: &str) {
        let end = what.find([':', ';', '(']).unwrap_or(what.len());
        let (verdict, rest) = what.split_at(what[..end].trim_end().len());
        self.event(at, who, format_args!("{}{rest}", self.paint(mood, verdict)));
    }

    /// A rule across the page: what begins now
    pub fn rule(&self, at: Instant, title: &str) {
        let fill = "─".repeat(WIDTH.saturating_sub(15 + title.chars().count()));
        self.plain(format_args!("{} ── {title} {fill}", self.time(at)));
    }

    /// Coloured if anything is
    #[must_use]
    pub fn paint(&self, mood: Mood, text: &str) -> String {
        match self.colour {
            true => format!("\x1b[{}m{text}\x1b[0m", mood.code()),
            false => text.to_owned(),
        }
    }

    /// A row of a report, in columns, with its verdict if it has a goal
    pub fn row(&self, row: &Value) {
        let name = row["name"].as_str().unwrap_or_default();
        let unit = row["unit"].as_str().unwrap_or_default();
        let (goal, verdict) = match (&row["goal"], row["met"] == true) {
            (Value::Null, _) => (String::new(), String::new()),
            (goal, true) => (goal.to_string(), self.paint(Mood::Good, "met")),
            (goal, false) => (goal.to_string(), self.paint(Mood::Bad, "MISSED")),
        };
        let value = row["value"].to_string();
        let line = format!("{name:<42}{value:>9} {unit:<12}{goal:>9}  {verdict}");
        self.plain(line.trim_end());
    }

    fn time(&self, at: Instant) -> String {
        format!("{:>7} s ", seconds(at.saturating_duration_since(self.start)))
    }
}

/// `6.21`
#[must_use]
pub fn seconds(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64())
}

/// `340 ms`, `2.3 s`
#[must_use]
pub fn span(duration: Duration) -> String {
    match duration.as_micros() {
        micros @ 0..1_000 => format!("{:.1} ms", micros as f64 / 1_000.0),
        micros @ 1_000..1_000_000 => format!("{} ms", micros / 1_000),
        micros => format!("{:.1} s", micros as f64 / 1_000_000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        assert_eq!(span(Duration::from_micros(213)), "0.2 ms");
        assert_eq!(span(Duration::from_millis(74)), "74 ms");
        assert_eq!(span(Duration::from_millis(2_340)), "2.3 s");
        assert_eq!(seconds(Duration::from_millis(6_214)), "6.21");
    }

    #[test]
    fn without_colour_nothing_is_painted() {
        let mut timeline = Timeline { start: Instant::now(), to_stderr: false, colour: false };
        assert_eq!(timeline.paint(Mood::Bad, "dead"), "dead");
        timeline.colour = true;
        assert_eq!(timeline.paint(Mood::Bad, "dead"), "\x1b[31mdead\x1b[0m");
    }
}
