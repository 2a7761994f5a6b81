//! What we tell the tester on our stdout: one line of JSON a note, in the words of
//! `interop/README.md`.

use std::fmt;
use std::io::{Write, stdout};
use std::time::Duration;

use anyhow::{Context, Result};
use everbeat_core::cause::Verdict;
use everbeat_core::{Cause, Message};
use serde::{Deserialize, Serialize};

use crate::wire::Seen;

/// Something that we saw
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Note {
    /// The server can be reached there
    Listening(String),
    /// A connection stands
    Connected(bool),
    /// A message came in
    Message(Payload),
    /// Nothing was heard for a while, in milliseconds
    Suspect(u128),
    /// Heard again
    Alive(bool),
    /// We did not run for so many milliseconds by the clock, and so many beside it
    Stalled { stalled: u128, slept: u128 },
    /// The connection has ended
    Closed(End),
    /// An attempt failed, or a command
    Failed(String),
    /// How late this process itself was, in milliseconds
    Late(u128),
    /// Something went over a connection that we stand in, so many microseconds after 1970 began
    Wire { at: u128, connection: u64, from: &'static str, seen: Seen },
}

/// A message as a line of text can hold it
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Payload {
    Text(String),
    /// Two hexadecimal digits a byte
    Binary(String),
    /// So many bytes, whatever they are
    Bytes(usize),
}

/// How a connection ended
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct End {
    pub(crate) how: &'static str,
    /// What a dead peer is dead by
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) verdict: Option<&'static str>,
    /// The peer's code; without one, as RFC 6455 calls it (section 7.1.5)
    pub(crate) code: u16,
    pub(crate) reason: String,
}

/// There was no Close frame
const ABNORMAL: u16 = 1006;

impl End {
    /// `sentence` is for people, where the peer gave no reason
    pub(crate) fn new(cause: &Cause, sentence: impl fmt::Display) -> Self {
        let how = match cause {
            Cause::Closed { code, reason } => {
                let reason = reason.to_string();
                return Self { how: "closed", verdict: None, code: code.0, reason };
            }
            Cause::ClosedByUs => "closed by us",
            Cause::Dead { .. } => "dead",
            Cause::Cut { .. } => "cut",
            Cause::Violation { .. } => "violation",
            _ => "other",
        };
        let verdict = match cause {
            Cause::Dead { verdict, .. } => Some(name(*verdict)),
            _ => None,
        };
        Self { how, verdict, code: ABNORMAL, reason: sentence.to_string() }
    }

    /// Dead by a rule that is not ours
    pub(crate) fn dead(sentence: String) -> Self {
        Self { how: "dead", verdict: None, code: ABNORMAL, reason: sentence }
    }
}

fn name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Silent => "silent",
        Verdict::Path => "path",
        Verdict::App => "app",
        Verdict::OneWay => "one-way",
        _ => "other",
    }
}

/// We did not run
pub(crate) const fn stalled(by_the_clock: Duration, beside_it: Duration) -> Note {
    Note::Stalled { stalled: by_the_clock.as_millis(), slept: beside_it.as_millis() }
}

impl Note {
    /// Writes the note to the tester's pipe
    ///
    /// Without a tester there is nothing to be a peer for: the process ends.
    pub(crate) fn write(&self) {
        let written = serde_json::to_vec(self).map_err(Into::into).and_then(|mut line| {
            line.push(b'\n');
            let mut out = stdout().lock();
            out.write_all(&line)?;
            out.flush()
        });
        if written.is_err() {
            std::process::exit(1);
        }
    }
}

impl Payload {
    /// The message that it stands for
    pub(crate) fn message(self) -> Result<Message> {
        match self {
            Self::Text(text) => Ok(text.into()),
            Self::Binary(digits) => Ok(bytes(&digits)?.into()),
            Self::Bytes(length) => Ok(vec![0; length].into()),
        }
    }

    /// What is told of a message
    pub(crate) fn of(message: &Message, brief: bool) -> Self {
        match (message.as_text(), brief) {
            (_, true) => Self::Bytes(message.as_bytes().len()),
            (Some(text), false) => Self::Text(text.into()),
            (None, false) => Self::Binary(digits(message.as_bytes())),
        }
    }
}

pub(crate) fn digits(bytes: &[u8]) -> String {
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves.filter_map(|half| char::from_digit(half.into(), 16)).collect()
}

fn bytes(digits: &str) -> Result<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes = pairs.map(|pair| byte(pair).filter(|_| pair.len() == 2)).collect::<Option<_>>();
    bytes.context("a binary payload is two hexadecimal digits a byte")
}

#[cfg(test)]
mod tests {
    use everbeat_core::cause::{CloseCode, Cut, Evidence};

    use super::*;

    #[test]
    fn a_note_is_one_line_of_json() {
        let line = |note: &Note| serde_json::to_string(note).unwrap();
        assert_eq!(line(&Note::Connected(true)), r#"{"connected":true}"#);
        let told = |message: &Message, brief| Note::Message(Payload::of(message, brief));
        let message = told(&Message::from(vec![0, 255]), false);
        assert_eq!(line(&message), r#"{"message":{"binary":"00ff"}}"#);
        let message = told(&Message::from("a\nb"), false);
        assert_eq!(line(&message), r#"{"message":{"text":"a\nb"}}"#);
        assert_eq!(line(&told(&Message::from("é"), true)), r#"{"message":{"bytes":2}}"#);
        let stalled = Note::Stalled { stalled: 30_000, slept: 0 };
        assert_eq!(line(&stalled), r#"{"stalled":{"stalled":30000,"slept":0}}"#);
    }

    #[test]
    fn the_end_is_told_with_the_peers_code_or_with_none() {
        let cause = Cause::Closed { code: CloseCode(4001), reason: "x".into() };
        let end = End { how: "closed", verdict: None, code: 4001, reason: "x".into() };
        assert_eq!(End::new(&cause, &cause), end);
        let cause = Cause::Cut { how: Cut::End, detail: "".into() };
        let end = End::new(&cause, "gone");
        assert_eq!((end.how, end.code, &*end.reason), ("cut", 1006, "gone"));
        let verdict = Verdict::OneWay;
        let end = End::new(&Cause::Dead { verdict, evidence: Evidence::default().into() }, "gone");
        assert_eq!((end.how, end.verdict), ("dead", Some("one-way")));
    }

    #[test]
    fn binary_payloads_are_read_as_they_are_written() {
        let message = Payload::Binary("00ff10".into()).message().unwrap();
        assert_eq!(message, Message::from(vec![0, 255, 16]));
        assert_eq!(Payload::of(&message, false), Payload::Binary("00ff10".into()));
        for wrong in ["0", "0g", "é"] {
            assert!(Payload::Binary(wrong.into()).message().is_err(), "{wrong}");
        }
    }
}
