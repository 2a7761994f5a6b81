//! What a child process tells: a line of JSON a note, on its stdout.

use std::io::{self, Write};
use std::time::Duration;

use everbeat_core::Cause;
use everbeat_support::How;
use everbeat_support::account::{Account, Received};
use everbeat_support::rows::millis;
use serde::{Deserialize, Serialize};

/// Something that a process saw or did
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Note {
    /// The server can be reached
    Listening,
    /// A connection stands; a server numbers them from 1, a client's are all 0
    Up(u64),
    /// And has ended
    Down(u64, End),
    /// An attempt failed
    Failed(String),
    /// Nothing was heard for so many milliseconds
    Suspect(u64),
    /// Heard again
    Alive,
    /// It has noticed itself that it did not run, for so many milliseconds by whichever clock
    Stalled(u64),
    /// By how many milliseconds one of its sleeps was too long
    Late(u64),
    /// The client's account, in the end
    Account(Box<Account>),
    /// And the server's
    Received(Received),
}

/// How a connection ended, and the library's own sentence for it
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct End {
    pub(crate) how: How,
    pub(crate) sentence: String,
}

impl End {
    pub(crate) fn new(cause: &Cause, sentence: impl ToString) -> Self {
        Self { how: How::from(cause), sentence: sentence.to_string() }
    }
}

impl Note {
    pub(crate) fn stalled(by_the_clock: Duration, beside_it: Duration) -> Self {
        Self::Stalled(millis(by_the_clock.saturating_add(beside_it)))
    }

    /// Gives it to the parent, who reads all the time; without one there is nothing to go on for
    pub(crate) fn write(&self) {
        let written = serde_json::to_vec(self).map_err(io::Error::from).and_then(|mut line| {
            line.push(b'\n');
            let mut out = io::stdout().lock();
            out.write_all(&line)?;
            out.flush()
        });
        if written.is_err() {
            std::process::exit(1);
        }
    }

    pub(crate) fn read(line: &str) -> serde_json::Result<Self> {
        serde_json::from_str(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut account = Account::default();
        account.accepted();
        let end = End { how: How::Dead, sentence: "dead: \"quoted\",\nand broken".into() };
        for note in [
            Note::Up(3),
            Note::Down(3, end),
            Note::Alive,
            Note::Account(account.into()),
            Note::Received(Received { messages: vec![(1, 1)], ..Received::default() }),
        ] {
            let line = serde_json::to_string(&note).unwrap();
            assert!(!line.contains('\n'));
            assert_eq!(format!("{:?}", Note::read(&line).unwrap()), format!("{note:?}"));
        }
        assert!(Note::read("thread 'main' panicked").is_err());
    }
}
