//! What ends a WebSocket from below: the peer broke the protocol or a limit, or the socket failed.
//! What each means for the connection is [`Error::classify`]'s to say.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use everbeat_core::cause::{Cause, CloseCode, Cut};

/// Why a [`WebSocket`](crate::WebSocket) ended
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The peer broke RFC 6455, or a limit of ours
    Protocol(ProtocolError),
    /// The byte stream ended without a Close frame
    End,
    /// The socket failed
    Io(io::Error),
    /// The socket is closed already, or a Close was sent: nothing more can be
    Closed,
}

impl Error {
    /// The error as data
    #[must_use]
    pub fn classify(&self) -> Cause {
        match self {
            Self::Protocol(error) => {
                Cause::Violation { code: error.code(), detail: error.to_string().into() }
            }
            Self::End => Cause::Cut { how: Cut::End, detail: "".into() },
            Self::Io(error) => cut(error),
            Self::Closed => Cause::cut(self),
        }
    }
}

/// What a socket's error says about how the stream ended
pub(crate) fn cut(error: &io::Error) -> Cause {
    let how = match error.kind() {
        io::ErrorKind::UnexpectedEof => Cut::End,
        // A write into a connection that was reset is a broken pipe
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => Cut::Reset,
        _ => Cut::Failed,
    };
    Cause::Cut { how, detail: error.to_string().into() }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Protocol(_) => "the peer broke the protocol",
            Self::End => "the stream ended without a Close",
            Self::Io(_) => "the socket failed",
            Self::Closed => "the WebSocket is closed",
        })
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Protocol(error) => Some(error),
            Self::Io(error) => Some(error),
            Self::End | Self::Closed => None,
        }
    }
}

impl From<ProtocolError> for Error {
    fn from(error: ProtocolError) -> Self {
        Self::Protocol(error)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// How the peer broke RFC 6455, or a limit of ours
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProtocolError {
    /// A reserved bit is set, and no extension was agreed on (section 5.2)
    ReservedBit,
    /// An opcode that RFC 6455 does not know (section 5.2)
    Opcode(u8),
    /// A length in more bytes than it needs (section 5.2)
    OverlongLength(u64),
    /// A length of 64 bits with its most significant bit set (section 5.2)
    LengthBit,
    /// A client's frame without a mask (section 5.1)
    Unmasked,
    /// A server's frame with a mask (section 5.1)
    Masked,
    /// A control frame in fragments (section 5.5)
    FragmentedControl,
    /// A control frame of more than 125 bytes (section 5.5)
    LongControl(u64),
    /// A continuation without a beginning (section 5.4)
    Continuation,
    /// A new message in the middle of a fragmented one (section 5.4)
    Interleaved,
    /// A Close frame of one byte (section 5.5.1)
    CloseLength,
    /// A Close frame with a code that is never sent (section 7.4)
    Code(CloseCode),
    /// A text message, or a Close frame's reason, that is not UTF-8 (section 8.1)
    Utf8,
    /// A frame over the limit
    FrameTooLong {
        /// Its length, in bytes of payload
        bytes: u64,
        /// The limit
        max: usize,
    },
    /// A message over the limit, whole or as the sum of its fragments so far
    MessageTooLong {
        /// Its length so far, in bytes
        bytes: u64,
        /// The limit
        max: usize,
    },
    /// Something that only the codec saw
    Codec,
}

impl ProtocolError {
    /// The code that the peer is told (RFC 6455, section 7.4.1)
    #[must_use]
    pub const fn code(self) -> CloseCode {
        match self {
            Self::Utf8 => CloseCode::INVALID_DATA,
            Self::FrameTooLong { .. } | Self::MessageTooLong { .. } => CloseCode::TOO_BIG,
            _ => CloseCode::PROTOCOL,
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReservedBit => f.write_str("a frame with a reserved bit"),
            Self::Opcode(opcode) => write!(f, "a frame with unknown opcode {opcode}"),
            Self::OverlongLength(bytes) => {
                write!(f, "a frame whose length, {bytes}, is in more bytes than it needs")
            }
            Self::LengthBit => f.write_str("a frame whose length has its top bit set"),
            Self::Unmasked => f.write_str("a frame without mask from a client"),
            Self::Masked => f.write_str("a frame with mask from a server"),
            Self::FragmentedControl => f.write_str("a control frame in fragments"),
            Self::LongControl(bytes) => {
                write!(f, "a control frame of {bytes} bytes: at most 125")
            }
            Self::Continuation => f.write_str("a continuation without a beginning"),
            Self::Interleaved => f.write_str("a new message inside a fragmented one"),
            Self::CloseLength => f.write_str("a Close frame of one byte"),
            Self::Code(code) => write!(f, "a Close frame with code {code}, which is never sent"),
            Self::Utf8 => f.write_str("text that is not UTF-8"),
            Self::FrameTooLong { bytes, max } => {
                write!(f, "a frame of {bytes} bytes: at most {max} (`max_frame`)")
            }
            Self::MessageTooLong { bytes, max } => {
                write!(f, "a message of {bytes} bytes or more: at most {max} (`max_message`)")
            }
            Self::Codec => f.write_str("a frame that the codec refused"),
        }
    }
}

impl StdError for ProtocolError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_names_its_setting_and_fits_a_close_frame() {
        let errors = [
            ProtocolError::FrameTooLong { bytes: u64::MAX, max: usize::MAX },
            ProtocolError::MessageTooLong { bytes: u64::MAX, max: usize::MAX },
        ];
        for (error, setting) in errors.into_iter().zip(["`max_frame`", "`max_message`"]) {
            let text = error.to_string();
            assert!(text.contains(setting) && text.len() <= 123, "{text}");
        }
    }

    #[test]
    fn socket_errors_are_told_apart() {
        let how = |kind| match Error::Io(io::Error::from(kind)).classify() {
            Cause::Cut { how, .. } => how,
            other => panic!("{other}"),
        };
        assert_eq!(how(io::ErrorKind::BrokenPipe), Cut::Reset);
        assert_eq!(how(io::ErrorKind::ConnectionReset), Cut::Reset);
        assert_eq!(how(io::ErrorKind::UnexpectedEof), Cut::End);
        assert_eq!(how(io::ErrorKind::TimedOut), Cut::Failed);
    }
}
