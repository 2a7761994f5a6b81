//! The protocol: a byte that says what it is, four that say how long, and the payload.
//!
//! A message goes in parts of at most 16 KiB, so that a Ping does not have to wait for the end of a
//! large one.

use std::error::Error;
use std::fmt;
use std::io;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use everbeat_tokio::Cause;
use everbeat_tokio::core::cause::{CloseCode, Cut};

/// The longest payload of a frame
pub(crate) const PART: usize = 16 << 10;
/// The longest message
pub(crate) const MESSAGE: usize = 1 << 20;
/// Set if the message goes on in another frame
const MORE: u8 = 0x80;
const HEAD: usize = 5;

/// What a frame is
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text = 1,
    Binary = 2,
    Ping = 3,
    Pong = 4,
    Close = 5,
}

#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    pub(crate) more: bool,
    pub(crate) payload: Bytes,
}

/// Writes a frame whose payload is at most a part
pub(crate) fn put(out: &mut BytesMut, kind: Kind, more: bool, payload: &[u8]) {
    out.reserve(HEAD + payload.len());
    out.put_u8(kind as u8 | if more { MORE } else { 0 });
    out.put_u32(payload.len() as u32);
    out.put_slice(payload);
}

/// Takes a frame from what was read; `None` if it is not all there
pub(crate) fn take(read: &mut BytesMut) -> Result<Option<Frame>, WireError> {
    let Some((&[first, ref length @ ..], _)) = read.split_first_chunk::<HEAD>() else {
        return Ok(None);
    };
    let kind = match first & !MORE {
        1 => Kind::Text,
        2 => Kind::Binary,
        3 => Kind::Ping,
        4 => Kind::Pong,
        5 => Kind::Close,
        _ => return Err(WireError::Unknown(first)),
    };
    let length = u32::from_be_bytes(*length) as usize;
    if length > PART {
        return Err(WireError::TooLong { length, limit: PART });
    }
    if read.len() < HEAD + length {
        return Ok(None);
    }
    read.advance(HEAD);
    let payload = read.split_to(length).freeze();
    Ok(Some(Frame { kind, more: first & MORE != 0, payload }))
}

/// What may go wrong on the wire
#[derive(Debug)]
pub(crate) enum WireError {
    Io(io::Error),
    /// A first byte that is none
    Unknown(u8),
    TooLong {
        length: usize,
        limit: usize,
    },
    /// A text that is not UTF-8
    NotText,
    /// A message that began within another
    Mixed,
    /// The stream ended within a message
    Torn,
}

impl WireError {
    /// The error as data, from which a client decides whether to come back
    pub(crate) fn classify(&self) -> Cause {
        let code = match self {
            Self::Io(error) => {
                let how = match error.kind() {
                    io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Cut::Reset,
                    _ => Cut::Failed,
                };
                return Cause::Cut { how, detail: error.to_string().into() };
            }
            Self::Torn => return Cause::Cut { how: Cut::End, detail: self.to_string().into() },
            Self::Unknown(_) | Self::Mixed => CloseCode::PROTOCOL,
            Self::TooLong { .. } => CloseCode::TOO_BIG,
            Self::NotText => CloseCode::INVALID_DATA,
        };
        Cause::Violation { code, detail: self.to_string().into() }
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Unknown(first) => write!(f, "no frame begins with {first:#04x}"),
            Self::TooLong { length, limit } => {
                write!(f, "{length} bytes: it may be {limit} bytes long")
            }
            Self::NotText => f.write_str("a text that is not UTF-8"),
            Self::Mixed => f.write_str("a message that began within another"),
            Self::Torn => f.write_str("the stream ended within a message"),
        }
    }
}

impl Error for WireError {}

impl From<io::Error> for WireError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
