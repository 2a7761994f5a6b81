//! What ends a WebSocket of tungstenite's, and what that means for its connection.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use everbeat_core::cause::{Cause, CloseCode, Cut};
use tungstenite::error::{CapacityError, ProtocolError};

/// Why a WebSocket of tungstenite's ended, in its own words
#[derive(Debug)]
pub struct Error(tungstenite::Error);

impl Error {
    pub(crate) const fn new(error: tungstenite::Error) -> Self {
        Self(error)
    }

    /// The library's own error
    #[must_use]
    pub fn into_inner(self) -> tungstenite::Error {
        self.0
    }

    /// The error as data
    ///
    /// What the peer did against RFC 6455, or against a limit of the codec's, is a
    /// [`Cause::Violation`] with the code that it is told (section 7.4.1). All else is a
    /// [`Cause::Cut`].
    #[must_use]
    pub fn classify(&self) -> Cause {
        use tungstenite::Error as Theirs;
        let violation = |code, detail: String| Cause::Violation { code, detail: detail.into() };
        match &self.0 {
            Theirs::Io(error) => cut(error),
            Theirs::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                Cause::Cut { how: Cut::End, detail: "".into() }
            }
            Theirs::Protocol(ProtocolError::SendAfterClosing) => Cause::cut(self),
            Theirs::Protocol(error) => violation(CloseCode::PROTOCOL, error.to_string()),
            Theirs::Capacity(CapacityError::MessageTooLong { size, max_size }) => violation(
                CloseCode::TOO_BIG,
                format!(
                    "a message or frame of {size} bytes: at most {max_size} \
                     (`max_message_size`, `max_frame_size`)"
                ),
            ),
            Theirs::Utf8(_) => violation(CloseCode::INVALID_DATA, "text that is not UTF-8".into()),
            _ => Cause::cut(self),
        }
    }
}

/// What a socket's error says about how the stream ended
fn cut(error: &io::Error) -> Cause {
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
        self.0.fmt(f)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

#[cfg(test)]
mod tests {
    use tungstenite::Error as Theirs;

    use super::*;

    #[test]
    fn a_violation_has_the_code_that_the_peer_is_told() {
        let too_long = CapacityError::MessageTooLong { size: usize::MAX, max_size: usize::MAX };
        let cases = [
            (Theirs::Protocol(ProtocolError::UnmaskedFrameFromClient), 1002),
            (Theirs::Protocol(ProtocolError::InvalidOpcode(3)), 1002),
            (Theirs::Utf8("invalid".into()), 1007),
            (Theirs::Capacity(too_long), 1009),
        ];
        for (error, told) in cases {
            let Cause::Violation { code, detail } = Error::new(error).classify() else { panic!() };
            assert_eq!(code, CloseCode(told));
            // It fits a Close frame whole
            assert!(!detail.is_empty() && detail.len() <= 123, "{detail}");
        }
    }

    #[test]
    fn a_socket_that_failed_is_a_cut_and_a_close_that_is_missing_its_end() {
        let how = |error: Theirs| match Error::new(error).classify() {
            Cause::Cut { how, .. } => how,
            other => panic!("{other}"),
        };
        assert_eq!(how(Theirs::Io(io::ErrorKind::BrokenPipe.into())), Cut::Reset);
        assert_eq!(how(Theirs::Io(io::ErrorKind::UnexpectedEof.into())), Cut::End);
        assert_eq!(how(Theirs::Io(io::ErrorKind::TimedOut.into())), Cut::Failed);
        let missing = Theirs::Protocol(ProtocolError::ResetWithoutClosingHandshake);
        assert_eq!(how(missing), Cut::End);
        assert_eq!(how(Theirs::Protocol(ProtocolError::SendAfterClosing)), Cut::Failed);
        assert_eq!(how(Theirs::AlreadyClosed), Cut::Failed);
    }
}
