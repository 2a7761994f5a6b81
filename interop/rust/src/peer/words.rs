//! What is said on stdout and obeyed from stdin: a line of JSON each.

use std::io::{BufRead, stdin};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Something that goes over the wire
#[derive(Clone, Debug)]
pub(super) enum Word {
    Text(String),
    Binary(Bytes),
    Ping(Bytes),
    Pong(Bytes),
    /// With a code and a reason, or without
    Close(Option<(u16, String)>),
}

pub(super) fn say(note: Value) {
    println!("{note}");
}

impl Word {
    /// Tells that it came in; an end is told when the connection has ended
    pub(super) fn tell(&self) {
        match self {
            Self::Text(text) => say(json!({ "message": { "text": text } })),
            Self::Binary(bytes) => say(json!({ "message": { "binary": digits(bytes) } })),
            Self::Ping(bytes) => say(json!({ "ping": digits(bytes) })),
            Self::Pong(bytes) => say(json!({ "pong": digits(bytes) })),
            Self::Close(_) => {}
        }
    }

    /// A command; none if it is not one
    fn parse(line: &str) -> Option<Self> {
        let line: Value = serde_json::from_str(line).ok()?;
        let (command, value) = line.as_object()?.iter().next()?;
        Some(match command.as_str() {
            "send" => match value["text"].as_str() {
                Some(text) => Self::Text(text.into()),
                None => Self::Binary(bytes(value["binary"].as_str()?)?),
            },
            "ping" => Self::Ping(bytes(value.as_str()?)?),
            "close" => {
                let code = u16::try_from(value["code"].as_u64()?).ok()?;
                Self::Close(Some((code, value["reason"].as_str()?.into())))
            }
            _ => return None,
        })
    }
}

/// A connection has ended, with the first Close that came in; without one it is 1006, and 1005 if that
/// says nothing
pub(super) fn say_closed(close: Option<Option<(u16, String)>>) {
    let nothing = |code| (code, String::new());
    let (code, reason) = close.map_or_else(|| nothing(1006), |end| end.unwrap_or(nothing(1005)));
    say(json!({ "closed": { "code": code, "reason": reason } }));
}

/// Commands are for the newest connection
#[derive(Clone, Debug, Default)]
pub(super) struct Commands(Arc<Mutex<Option<UnboundedSender<Word>>>>);

impl Commands {
    /// Those for a connection that begins now
    pub(super) fn of_newest(&self) -> UnboundedReceiver<Word> {
        let (sender, receiver) = unbounded_channel();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        receiver
    }

    /// Passes lines of stdin on until it ends
    pub(super) fn obey(&self) -> std::io::Result<()> {
        for line in stdin().lock().lines() {
            let line = line?;
            let newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match Word::parse(&line).zip(newest.as_ref()) {
                // One whose connection has just ended is late, and no fault.
                Some((word, newest)) => _ = newest.send(word),
                None => eprintln!("not obeyed: {}", line.chars().take(200).collect::<String>()),
            }
        }
        Ok(())
    }
}

/// Two hexadecimal digits a byte
fn digits(bytes: &[u8]) -> String {
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves.filter_map(|half| char::from_digit(half.into(), 16)).collect()
}

fn bytes(digits: &str) -> Option<Bytes> {
    let half = |digit: u8| char::from(digit).to_digit(16).and_then(|half| u8::try_from(half).ok());
    let pairs = digits.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(half(*high)? << 4 | half(*low)?),
        _ => None,
    });
    pairs.collect()
}
