//! What goes wrong with a pipe and with an attempt to connect, and what it means as a [`Cause`].

use std::error::Error;
use std::fmt;
use std::time::Duration;

use everbeat_core::Cause;
use everbeat_core::cause::{CloseCode, CloseFrame, Cut};

/// Why a pipe, or its use, failed
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PipeError {
    /// The connection was reset: by a fault, or by an end that was dropped with bytes unread
    Reset,
    /// The peer's host did not answer for so long that the kernel gave up, after about a quarter of
    /// an hour
    TimedOut,
    /// The other end went away before the upgrade was over
    Ended,
    /// This end has been closed or aborted
    Closed,
    /// The peer broke the protocol: what [`Link::violate`](super::Link::violate) injects
    Violation {
        /// The close code that says so
        code: CloseCode,
        /// What was wrong
        detail: String,
    },
    /// The caller gave a message before `poll_ready` had returned `Ready(Ok)`
    NotReady,
    /// The caller gave something to send after a Close
    AfterClose,
}

impl PipeError {
    pub(crate) fn cause(&self) -> Cause {
        let how = match self {
            Self::Violation { code, detail } => {
                return Cause::Violation { code: *code, detail: detail.as_str().into() };
            }
            Self::Reset => Cut::Reset,
            Self::Ended => Cut::End,
            Self::TimedOut | Self::Closed | Self::NotReady | Self::AfterClose => Cut::Failed,
        };
        Cause::Cut { how, detail: self.to_string().into() }
    }
}

impl fmt::Display for PipeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reset => f.write_str("connection reset"),
            Self::TimedOut => f.write_str("connection timed out: the peer's host does not answer"),
            Self::Ended => f.write_str("connection ended before the upgrade"),
            Self::Closed => f.write_str("this end is closed"),
            Self::Violation { code, detail } => write!(f, "protocol violation ({code}): {detail}"),
            Self::NotReady => f.write_str("a message was given before the pipe was ready for one"),
            Self::AfterClose => f.write_str("nothing may be sent after a Close"),
        }
    }
}

impl Error for PipeError {}

/// Why an attempt to connect failed
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectError {
    /// Nobody listens there, or the host refuses
    Refused,
    /// The server answered the upgrade with another status than 101
    Rejected {
        /// The HTTP status
        status: u16,
        /// The `Retry-After` header's delay
        retry_after: Option<Duration>,
    },
    /// The connection broke during the upgrade
    Broken(PipeError),
}

impl ConnectError {
    pub(crate) fn cause(&self) -> Cause {
        match self {
            Self::Refused => Cause::unreachable(self),
            Self::Rejected { status, retry_after } => {
                Cause::Rejected { status: *status, retry_after: *retry_after }
            }
            Self::Broken(error) => error.cause(),
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("connection refused"),
            Self::Rejected { status, .. } => write!(f, "rejected with status {status}"),
            Self::Broken(_) => f.write_str("the connection broke during the upgrade"),
        }
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Broken(error) => Some(error),
            Self::Refused | Self::Rejected { .. } => None,
        }
    }
}

/// What a violation is told to the peer as
pub(crate) fn violation(frame: CloseFrame) -> PipeError {
    PipeError::Violation { code: frame.code, detail: frame.reason.to_string() }
}
