//! What a child process tells its parent: one line of JSON a note, on its stdout. A note is written
//! before anything is done about what it says, so that a killed process owes nothing.

use std::fmt;
use std::io::{self, Write};
use std::net::SocketAddr;

use everbeat_core::Cause;
use everbeat_core::cause::Verdict;
use everbeat_support::Fate;
pub(crate) use everbeat_support::How;
use serde::{Deserialize, Serialize};

use crate::runtimes::Runtime;

/// Somebody on the stage
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Who {
    /// The server, killed and restarted
    Server,
    /// A client behind the proxy, by its runtime: every fault is for it
    Client(Runtime),
    /// A client with a road of its own, which must notice nothing of the others' faults
    Witness,
    /// Many clients that lose their server at one time
    Crowd,
    /// A peer that talks and never reads
    Sloth,
    /// What is between the clients and the server
    Road,
}

impl Who {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client(runtime) => runtime.name(),
            Self::Witness => "witness",
            Self::Crowd => "crowd",
            Self::Sloth => "sloth",
            Self::Road => "road",
        }
    }

    /// Somebody by his name; messages begin with it
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let others = [Self::Server, Self::Witness, Self::Crowd, Self::Sloth, Self::Road];
        let clients = Runtime::ALL.map(Self::Client);
        clients.into_iter().chain(others).find(|who| who.name() == name)
    }

    /// Whether he is a process of his own
    pub(crate) const fn is_child(self) -> bool {
        !matches!(self, Self::Sloth | Self::Road)
    }

    pub(crate) const fn is_client(self) -> bool {
        matches!(self, Self::Client(_))
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Something that a child process saw or did
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Note {
    /// The worst lateness of its own that the process has measured
    Late { millis: u64 },
    /// The ledger: this message of `from` has arrived
    Got { from: Who, id: u64 },
    /// The server can be reached
    Listening { address: SocketAddr },
    /// One of the server's connections has ended
    Ended { peer: Option<Who>, end: End },
    /// The client accepted a message from its application
    Sent { id: u64 },
    /// The client did not accept a message from its application
    Refused { why: String },
    /// All of a crowd are connected
    Gathered,
    /// When each of a crowd first tried again, since the first of them did
    TriedAgain { millis: Vec<u64> },
    /// What became of messages that the client had accepted
    Fates { fate: Fate, ids: Vec<u64> },
    /// Messages that the client gave back to its application, and as what
    HandedBack { fate: Fate, ids: Vec<u64> },
    /// An attempt begins
    Connecting { attempt: u32 },
    /// An attempt succeeded
    Connected { attempt: u32, took_micros: u64 },
    /// Nothing heard for a while
    Suspect { silent_millis: u64 },
    /// Heard again
    Alive,
    /// A connection has ended
    Disconnected { end: End },
    /// An attempt failed
    Failed { why: String, retry_millis: Option<u64> },
    /// How long the latest Ping took to be answered
    RoundTrip { micros: u64 },
    /// The client will not try again
    Over { end: End },
}

/// How a connection ended: what the demo judges, and the library's own sentence
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct End {
    pub(crate) how: How,
    /// What a dead one is dead by
    pub(crate) by: Option<By>,
    pub(crate) sentence: String,
}

/// The evidence for a death
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum By {
    /// Nothing was heard, and no kernel told why
    Silence,
    /// The path was gone
    Path,
    /// The program hung
    App,
    /// Our bytes did not get out
    OneWay,
}

impl By {
    fn of(cause: &Cause) -> Option<Self> {
        let Cause::Dead { verdict, .. } = cause else { return None };
        Some(match verdict {
            Verdict::Path => Self::Path,
            Verdict::App => Self::App,
            Verdict::OneWay => Self::OneWay,
            _ => Self::Silence,
        })
    }
}

impl End {
    pub(crate) fn closed(sentence: &str) -> Self {
        Self { how: How::Closed, by: None, sentence: sentence.into() }
    }

    pub(crate) fn new(cause: &Cause, sentence: impl fmt::Display) -> Self {
        Self { how: How::from(cause), by: By::of(cause), sentence: sentence.to_string() }
    }
}

impl Note {
    /// Writes the note to the parent's pipe, and returns once the kernel has it
    ///
    /// It blocks if the parent does not read, and that is meant: nothing is done before it is noted.
    pub(crate) fn write(&self) -> io::Result<()> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        let mut out = io::stdout().lock();
        out.write_all(&line)?;
        out.flush()
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
        let sentence = "dead: \"quoted\",\nand broken".into();
        let end = End { how: How::Dead, by: Some(By::OneWay), sentence };
        for note in [
            Note::Got { from: Who::Witness, id: 7 },
            Note::Fates { fate: Fate::Unconfirmed, ids: vec![1, 2] },
            Note::Ended { peer: None, end },
            Note::Alive,
        ] {
            let line = serde_json::to_string(&note).unwrap();
            assert!(!line.contains('\n'));
            assert_eq!(Note::read(&line).unwrap(), note);
        }
        assert!(Note::read("thread 'main' panicked").is_err());
    }
}
