//! Where words go: lines for people or one JSON object a line on stdout, complaints and progress on
//! stderr, and colours on a terminal only.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use serde_json::Value;

use crate::events;
use crate::exit::Failure;

/// When to write in colours
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    Always,
    Never,
}

/// What a word is: its colour says the same as the word does
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tone {
    Good,
    Doubtful,
    Bad,
    Title,
    Faint,
}

/// Stdout and stderr of a run
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
    colored: bool,
    /// Whether stderr is a terminal, on which a line of progress can be written over
    live: bool,
    /// How long the line of progress is that is still there
    progress: usize,
}

impl Output {
    pub(crate) fn new(json: bool, color: Color) -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let colored = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => io::stdout().is_terminal() && !set("NO_COLOR") && !dumb,
        };
        Self { json, colored, live: io::stderr().is_terminal() && !dumb, progress: 0 }
    }

    /// Whether stdout is for a program
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// A line for people; nothing with `--json`
    pub(crate) fn line(&mut self, line: impl fmt::Display) -> Result<(), Failure> {
        if self.json {
            return Ok(());
        }
        self.write(format_args!("{line}"))
    }

    /// An object for a program; nothing without `--json`
    pub(crate) fn event(&mut self, event: &Value) -> Result<(), Failure> {
        debug_assert!(events::is_known(event), "an event that the page has not: {event}");
        if !self.json {
            return Ok(());
        }
        self.write(format_args!("{event}"))
    }

    /// A line as it is, for both: what somebody else has said
    pub(crate) fn raw(&mut self, line: &[u8]) -> Result<(), Failure> {
        self.wipe();
        let mut stdout = io::stdout().lock();
        stdout.write_all(line)?;
        stdout.write_all(b"\n")?;
        Ok(stdout.flush()?)
    }

    fn write(&mut self, line: fmt::Arguments<'_>) -> Result<(), Failure> {
        self.wipe();
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{line}")?;
        // A pipe that is read line by line is to see each as it happens.
        Ok(stdout.flush()?)
    }

    /// A word in its colour, if there are colours
    pub(crate) fn paint(&self, tone: Tone, word: impl fmt::Display) -> String {
        if !self.colored {
            return word.to_string();
        }
        let style = match tone {
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Doubtful => AnsiColor::Yellow.on_default(),
            Tone::Bad => AnsiColor::Red.on_default().bold(),
            Tone::Title => Style::new().bold(),
            Tone::Faint => Style::new().dimmed(),
        };
        format!("{style}{word}{style:#}")
    }

    /// A line beside the result: on stderr, in any format
    pub(crate) fn note(&mut self, line: impl fmt::Display) {
        self.wipe();
        // Who has closed our stderr wants no notes.
        _ = writeln!(io::stderr().lock(), "{line}");
    }

    /// Why nothing came of it
    pub(crate) fn complain(&mut self, failure: &Failure) {
        self.note(format_args!("everbeat: {failure}"));
    }

    /// How far it is: on a terminal one line that is written over, elsewhere nothing
    pub(crate) fn progress(&mut self, line: &str) {
        if !self.live {
            return;
        }
        self.wipe();
        self.progress = line.chars().count();
        let mut stderr = io::stderr().lock();
        _ = write!(stderr, "{line}").and_then(|()| stderr.flush());
    }

    fn wipe(&mut self) {
        if self.progress > 0 {
            _ = write!(io::stderr().lock(), "\r{:width$}\r", "", width = self.progress);
            self.progress = 0;
        }
    }
}

/// Somebody else's words in a line of ours: what would steer the terminal, or begin another line, is
/// escaped
pub(crate) fn plain(words: &str) -> String {
    words.chars().fold(String::new(), |mut said, c| {
        if c.is_control() {
            said.extend(c.escape_default());
        } else {
            said.push(c);
        }
        said
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_else_says_steers_no_terminal() {
        assert_eq!(plain("grüße, \"a\""), "grüße, \"a\"");
        assert_eq!(plain("\u{1b}[2J\r\nb"), r"\u{1b}[2J\r\nb");
    }

    #[test]
    fn no_colour_is_no_byte_more() {
        let output = |color| Output::new(false, color);
        assert_eq!(output(Color::Never).paint(Tone::Bad, "dead"), "dead");
        let painted = output(Color::Always).paint(Tone::Bad, "dead");
        assert!(painted.starts_with('\u{1b}') && painted.contains("dead"), "{painted:?}");
    }
}
