//! Frames, as our tracker and reader take them apart and as tungstenite alone does: the same
//! messages, each whole at the same byte, and the same class of error no later than there.
//!
//! The first byte chooses the role and the limits, the rest is what the peer sends.

use std::fmt;

use async_tungstenite::tungstenite::error::ProtocolError as TheirProtocolError;
use async_tungstenite::tungstenite::protocol::{
    CloseFrame as TheirCloseFrame, Role as TheirRole, WebSocketConfig, WebSocketContext,
};
use async_tungstenite::tungstenite::{Error as TheirError, Message as Theirs};
use everbeat_core::Message;
use everbeat_core::cause::{CloseCode, CloseFrame};
use everbeat_core::transport::Incoming;
use everbeat_ws::{Error, ProtocolError, Role, Settings, WebSocket};

use crate::run::{Said, read_all};
use crate::wire::{Cuts, Wire};

/// Lets a WebSocket read `data`, and tungstenite too
///
/// # Panics
///
/// A property does not hold.
pub fn frames(data: &[u8]) {
    let Some((&choice, bytes)) = data.split_first() else {
        return;
    };
    let role = if choice & 1 == 0 { Role::Server } else { Role::Client };
    // At least what a control frame may have: to tungstenite it is a frame like any other
    let limits = [(125, 300), (300, 125), (1_000, 3_000), (1 << 20, 1 << 20)];
    let (frame, message) = limits[usize::from(choice >> 1 & 3)];
    let settings = Settings::default().max_frame(frame).max_message(message);

    let cut = Cuts::ALL.map(|cuts| {
        let wire = Wire::new(bytes, cuts);
        let mut websocket = WebSocket::from_upgraded(wire.clone(), role, settings, Vec::new());
        let said = read_all(&mut websocket);
        answered(&said, role, &wire.written());
        (cuts, said)
    });
    let [(_, whole), (_, by_byte), (_, drawn)] = &cut;
    assert_eq!(whole.whole(), by_byte.whole());
    assert_eq!(whole.whole(), drawn.whole());
    // What was read with the head already is read alike
    let (early, later) = bytes.split_at(bytes.len() / 2);
    let wire = Wire::new(later, Cuts::Whole);
    let mut websocket = WebSocket::from_upgraded(wire, role, settings, early.to_vec());
    assert_eq!(whole.whole(), read_all(&mut websocket).whole());

    agree(by_byte, &theirs(bytes, role, frame, message));
}

/// The reason that tungstenite puts in place of a code that is never sent
const VIOLATION: &str = "Protocol violation";

/// How reading ended, as the peer is told
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Stream,
    Close,
    Code(CloseCode),
}

struct Their {
    incoming: Vec<(Incoming, u64)>,
    end: End,
    /// How many bytes were read when it ended
    at: u64,
}

/// Reads a byte at a time, so that how far it has read says where a message ends
fn theirs(bytes: &[u8], role: Role, frame: usize, message: usize) -> Their {
    let config = WebSocketConfig::default()
        .read_buffer_size(64)
        .max_frame_size(Some(frame))
        .max_message_size(Some(message));
    let mut wire = Wire::new(bytes, Cuts::Bytes);
    let mut context = WebSocketContext::new(their(role), Some(config));
    let mut incoming = Vec::new();
    loop {
        let end = match context.read(&mut wire) {
            Ok(message) => {
                let close = message.is_close();
                incoming.push((ours(message), wire.read() as u64));
                if !close {
                    continue;
                }
                End::Close
            }
            Err(error) => end_of(&error),
        };
        return Their { incoming, end, at: wire.read() as u64 };
    }
}

const fn their(role: Role) -> TheirRole {
    match role {
        Role::Client => TheirRole::Client,
        Role::Server => TheirRole::Server,
    }
}

fn end_of(error: &TheirError) -> End {
    match error {
        TheirError::Protocol(TheirProtocolError::ResetWithoutClosingHandshake) => End::Stream,
        TheirError::Protocol(_) => End::Code(CloseCode::PROTOCOL),
        TheirError::Capacity(_) => End::Code(CloseCode::TOO_BIG),
        TheirError::Utf8(_) => End::Code(CloseCode::INVALID_DATA),
        other => panic!("tungstenite ends with {other}"),
    }
}

fn ours(message: Theirs) -> Incoming {
    match message {
        Theirs::Text(text) => Incoming::Message(Message::from(text.as_str().to_owned())),
        Theirs::Binary(bytes) => Incoming::Message(Message::Binary(bytes)),
        Theirs::Ping(payload) => Incoming::Ping(payload),
        Theirs::Pong(payload) => Incoming::Pong(payload),
        Theirs::Close(frame) => Incoming::Close(frame.map(|TheirCloseFrame { code, reason }| {
            CloseFrame::new(CloseCode(code.into()), reason.as_str().to_owned())
        })),
        Theirs::Frame(_) => panic!("tungstenite reads no raw frames"),
    }
}

/// Tungstenite takes 1014, which the IANA has registered since, for a violation
fn as_theirs(incoming: &Incoming) -> Incoming {
    match incoming {
        Incoming::Close(Some(frame)) if frame.code == CloseCode::BAD_GATEWAY => {
            Incoming::Close(Some(CloseFrame::new(CloseCode::PROTOCOL, VIOLATION)))
        }
        other => other.clone(),
    }
}

fn agree(ours: &Said, theirs: &Their) {
    let common = ours.incoming.len().min(theirs.incoming.len());
    for ((ours, end), (theirs, their_end)) in ours.incoming.iter().zip(&theirs.incoming) {
        assert_eq!((&as_theirs(ours), end), (theirs, their_end));
    }
    let more = &theirs.incoming[common..];
    assert_eq!(ours.incoming.len(), common, "tungstenite says less, and ends with {theirs}");
    let end = match &ours.error {
        None => End::Close,
        Some(Error::End) => End::Stream,
        Some(Error::Protocol(error)) => {
            // The peer's fault, seen from the header: no later than tungstenite, which waits for
            // the whole of it, or of the frame
            assert!(ours.at <= theirs.at || !more.is_empty(), "{error}: later than {theirs}");
            match error {
                // Tungstenite does not mind (RFC 6455, section 5.2, does)
                ProtocolError::OverlongLength(_) => return,
                // Tungstenite looks at the reason first, and hands up a code of its own instead
                ProtocolError::Code(_) => match (more, theirs.end) {
                    ([(Incoming::Close(Some(frame)), _)], End::Close) => {
                        assert_eq!(frame.reason, VIOLATION);
                        return;
                    }
                    ([], End::Code(CloseCode::INVALID_DATA)) => return,
                    _ => panic!("{error}, but tungstenite says {more:?} and {theirs}"),
                },
                ProtocolError::Codec => panic!("only the codec minded: {theirs}"),
                _ => End::Code(error.code()),
            }
        }
        Some(other) => panic!("the socket does not fail: {other}"),
    };
    assert_eq!(more, [], "ours ended with {end:?}");
    match (end, theirs.end) {
        (ours, theirs) if ours == theirs => {}
        // Refused by its header; tungstenite still waits for the rest of the frame
        (End::Code(_), End::Stream) => {}
        // A frame that is both: tungstenite looks at the length first
        (End::Code(CloseCode::PROTOCOL), End::Code(CloseCode::TOO_BIG)) => {}
        (ours, theirs) => panic!("ours ends with {ours:?}, tungstenite with {theirs:?}"),
    }
}

impl fmt::Display for Their {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {}", self.end, self.at)
    }
}

/// The newest Ping is answered, each before it at most once and in order, and a Close with its code
fn answered(said: &Said, role: Role, written: &[u8]) {
    let peer = if role == Role::Server { Role::Client } else { Role::Server };
    let mut answers = theirs(written, peer, 125, 125);
    let close = match answers.incoming.last() {
        Some((Incoming::Close(_), _)) => answers.incoming.pop(),
        _ => None,
    };
    let closed = said.incoming.iter().find(|(incoming, _)| matches!(incoming, Incoming::Close(_)));
    assert_eq!(
        close.as_ref().map(|(close, _)| close),
        closed.map(|(closed, _)| as_theirs(closed)).as_ref()
    );
    assert_eq!(answers.end, if close.is_some() { End::Close } else { End::Stream });

    // From the newest, for Pings may be alike
    let mut pings = said.incoming.iter().rev().filter_map(|(incoming, _)| match incoming {
        Incoming::Ping(payload) => Some(payload),
        _ => None,
    });
    let newest = pings.clone().next();
    for (index, (answer, _)) in answers.incoming.iter().rev().enumerate() {
        let Incoming::Pong(payload) = answer else {
            panic!("{answer:?} answers nothing");
        };
        assert!(index > 0 || Some(payload) == newest, "the newest Ping has no Pong");
        assert!(pings.any(|ping| ping == payload), "a Pong to no Ping: {payload:?}");
    }
    assert!(newest.is_none() || !answers.incoming.is_empty(), "a Ping without its Pong");
}
