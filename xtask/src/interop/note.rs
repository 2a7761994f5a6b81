//! What a peer tells, ours or theirs: one line of JSON a note, in the words of
//! `interop/README.md`.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::wire::Wire;

/// Something that a program saw
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Note {
    /// The server can be reached there
    Listening(String),
    /// A connection stands
    Connected,
    /// A message came in, in so many frames if the peer can tell
    Message(Payload, Option<u64>),
    /// A Ping came in, with this payload
    Ping(Vec<u8>),
    /// A Pong came in, with this payload
    Pong(Vec<u8>),
    /// Nothing was heard for a while; ours only
    Suspect,
    /// Heard again; ours only
    Alive,
    /// It did not run for so long, by the clock and beside it; ours only
    Stalled(Duration),
    /// The connection has ended
    Closed(End),
    /// An attempt failed, or a command; ours only
    Failed(String),
    /// How late the process itself was; ours only
    Late(Duration),
    /// Something went over the wire; our tap only
    Wire(Wire),
    /// What a page knows of itself; browsers only
    Page(Value),
}

/// A message
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Payload {
    Text(String),
    Binary(Vec<u8>),
    /// Of which only its length is told
    Bytes(usize),
}

/// How a connection ended
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    /// Ours says whether it was dead or cut; a foreign peer need not
    pub(crate) how: Option<String>,
    /// Ours says what a dead peer was dead by
    pub(crate) verdict: Option<String>,
    pub(crate) code: u64,
    pub(crate) reason: String,
}

impl Note {
    pub(crate) fn parse(line: &str) -> Result<Self> {
        let note: Value = serde_json::from_str(line)?;
        let note =
            note.as_object().filter(|note| note.len() == 1).and_then(|note| note.iter().next());
        let (what, value) = note.context("a note has one word")?;
        let text = || value.as_str().map(String::from).context("is no text");
        Ok(match what.as_str() {
            "listening" => Self::Listening(text()?),
            "connected" => Self::Connected,
            "message" => Self::Message(Payload::parse(value)?, value["frames"].as_u64()),
            "ping" => Self::Ping(bytes(&text()?)?),
            "pong" => Self::Pong(bytes(&text()?)?),
            "suspect" => Self::Suspect,
            "alive" => Self::Alive,
            "stalled" => {
                let millis = value["stalled"].as_u64().zip(value["slept"].as_u64());
                let (stalled, slept) = millis.context("is no stall")?;
                Self::Stalled(Duration::from_millis(stalled.saturating_add(slept)))
            }
            "closed" => Self::Closed(End::parse(value)?),
            "failed" => Self::Failed(text()?),
            "late" => Self::Late(Duration::from_millis(value.as_u64().context("is no number")?)),
            "wire" => Self::Wire(Wire::parse(value)?),
            "page" => Self::Page(value.clone()),
            other => bail!("`{other}` is no note"),
        })
    }
}

impl End {
    fn parse(value: &Value) -> Result<Self> {
        Ok(Self {
            how: value["how"].as_str().map(String::from),
            verdict: value["verdict"].as_str().map(String::from),
            code: value["code"].as_u64().context("an end has a code")?,
            reason: value["reason"].as_str().unwrap_or_default().to_owned(),
        })
    }
}

impl Payload {
    fn parse(value: &Value) -> Result<Self> {
        match (value["text"].as_str(), value["binary"].as_str(), value["bytes"].as_u64()) {
            (Some(text), None, None) => Ok(Self::Text(text.into())),
            (None, Some(digits), None) => Ok(Self::Binary(bytes(digits)?)),
            (None, None, Some(length)) => Ok(Self::Bytes(length.try_into()?)),
            _ => bail!("a message is text or binary"),
        }
    }

    /// As a command has it
    pub(crate) fn value(&self) -> Value {
        match self {
            Self::Text(text) => json!({ "text": text }),
            Self::Binary(bytes) => json!({ "binary": digits(bytes) }),
            Self::Bytes(length) => json!({ "bytes": length }),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
            Self::Bytes(_) => &[],
        }
    }

    /// In bytes
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Bytes(length) => *length,
            told => told.bytes().len(),
        }
    }

    /// Its kind and its size
    pub(crate) fn describe(&self) -> String {
        let kind = if matches!(self, Self::Text(_)) { "text" } else { "binary" };
        format!("{kind}, {} bytes", self.len())
    }
}

/// Few of its bytes: a megabyte helps nobody
impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let begins = self.bytes().iter().take(16).copied().collect::<Vec<_>>();
        write!(f, "{}: {}", self.describe(), begins.escape_ascii())
    }
}

/// Two hexadecimal digits a byte
pub(crate) fn digits(bytes: &[u8]) -> String {
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves.filter_map(|half| char::from_digit(half.into(), 16)).collect()
}

pub(super) fn bytes(digits: &str) -> Result<Vec<u8>> {
    let half = |digit: u8| char::from(digit).to_digit(16).and_then(|half| u8::try_from(half).ok());
    let pairs = digits.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(half(*high)? << 4 | half(*low)?),
        _ => None,
    });
    pairs.collect::<Option<_>>().context("bytes are two hexadecimal digits each")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_read() {
        let listening = r#"{"listening":"127.0.0.1:7"}"#;
        assert_eq!(Note::parse(listening).unwrap(), Note::Listening("127.0.0.1:7".into()));
        assert_eq!(Note::parse(r#"{"ping":"00ff"}"#).unwrap(), Note::Ping(vec![0, 255]));
        let message = Note::parse(r#"{"message":{"text":"a","frames":3}}"#).unwrap();
        assert_eq!(message, Note::Message(Payload::Text("a".into()), Some(3)));
        let stalled = Note::parse(r#"{"stalled":{"stalled":30000,"slept":1}}"#).unwrap();
        assert_eq!(stalled, Note::Stalled(Duration::from_millis(30_001)));
        let closed = r#"{"closed":{"code":1006,"reason":"","how":"dead","verdict":"path"}}"#;
        let closed = Note::parse(closed).unwrap();
        let [how, verdict] = ["dead", "path"].map(|word| Some(word.into()));
        let end = End { how, verdict, code: 1006, reason: String::new() };
        assert_eq!(closed, Note::Closed(end));
    }

    #[test]
    fn what_is_no_note_is_refused() {
        for line in [
            "Traceback",
            "{}",
            r#"{"connected":true,"ping":""}"#,
            r#"{"pang":""}"#,
            r#"{"ping":"0"}"#,
            r#"{"pong":"+1"}"#,
            r#"{"message":{}}"#,
            r#"{"stalled":3}"#,
            r#"{"closed":{}}"#,
        ] {
            assert!(Note::parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_message_is_told_as_it_is_commanded() {
        for payload in [
            Payload::Text("é\n".into()),
            Payload::Binary(vec![0, 15, 240, 255]),
            Payload::Bytes(2_500_000),
        ] {
            let line = json!({ "message": payload.value() }).to_string();
            assert_eq!(Note::parse(&line).unwrap(), Note::Message(payload, None));
        }
    }
}
