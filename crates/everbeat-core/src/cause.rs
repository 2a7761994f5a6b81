//! Why a connection ended, as data: tests match on it, verdicts are made from it, and it prints as
//! a sentence.

mod close;
mod evidence;
mod retry_window;

use core::error::Error;
use core::fmt::{self, Write as _};
use core::time::Duration;

use alloc::boxed::Box;
use alloc::string::ToString;
use bytestring::ByteString;

pub use close::{CloseCode, CloseFrame};
pub use evidence::Evidence;
pub(crate) use evidence::Span;
pub use retry_window::RetryWindow;

/// Why a connection ended, or why an attempt at one failed
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Cause {
    /// The peer sent a Close frame (RFC 6455, section 7.1.5); 1005 if it named no code
    Closed {
        /// The peer's code
        code: CloseCode,
        /// The peer's reason
        reason: ByteString,
    },
    /// We closed: the application asked for it
    ClosedByUs,
    /// The heartbeat's verdict: the peer is gone, or cannot be reached
    Dead {
        /// What is gone
        verdict: Verdict,
        /// What that rests on; boxed, for it is rare and large
        evidence: Box<Evidence>,
    },
    /// The byte stream ended without a Close frame (1006 in RFC 6455, section 7.1.5)
    Cut {
        /// Whether it ended, or was reset
        how: Cut,
        /// The operating system's words; may be empty
        detail: ByteString,
    },
    /// The peer broke the protocol, or a limit of ours; it was told so with this code
    Violation {
        /// The code that the peer was sent
        code: CloseCode,
        /// What was wrong, the limit, and the setting that moves it
        detail: ByteString,
    },
    /// An attempt reached no server: no address, refused, no route, or none that could prove by a
    /// certificate that it is the right one
    Unreachable {
        /// The operating system's words, or what is wrong with the certificate
        detail: ByteString,
    },
    /// An attempt took longer than this, its limit
    TimedOut {
        /// The limit
        limit: Duration,
    },
    /// The server answered the upgrade with another status than 101 (RFC 6455, section 4.1)
    Rejected {
        /// The HTTP status
        status: u16,
        /// The `Retry-After` header's delay (RFC 9110, section 10.2.3)
        retry_after: Option<Duration>,
    },
    /// What answered does not speak WebSocket: a wrong accept key, not HTTP, a head too long
    NotWebSocket {
        /// What was wrong
        detail: ByteString,
    },
    /// A server's own rule ended it
    Expired(Expired),
}

/// What the detector says is gone
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// No answer to a Ping, and nothing else heard; the platform gave no evidence of where
    Silent,
    /// The road: our bytes are not acknowledged
    Path,
    /// The program: its kernel acknowledges, it does not answer
    App,
    /// Our bytes do not get out, although the peer's come in
    OneWay,
}

/// How a byte stream ended without a Close frame
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cut {
    /// End of stream: the other side shut its half or exited
    End,
    /// Reset
    Reset,
    /// Another error of the operating system or the transport
    Failed,
}

/// Which of a server's rules ended a connection
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Expired {
    /// No answer to a Ping; the connection's own cause is [`Cause::Dead`], and nobody is told
    Silent,
    /// No message either way for the idle time (`idle`); the peer is told 1001
    Idle,
    /// A message that the peer had begun made no progress (`unfinished`); the peer is told 1008
    Unfinished,
    /// The peer did not authenticate in time; it is told 3000
    Unauthenticated,
    /// The peer's authentication is too old and was not refreshed; it is told 3000
    Stale,
    /// The connection has lived as long as it may, so that peers spread over a fleet anew; the peer
    /// is told 1012
    TooOld,
    /// The peer reads too slowly: too much waits for it, or a write is stuck; it is told 1013, if
    /// it reads that far
    TooSlow,
    /// The server shuts down; the peer is told 1001, or what the server was set to say
    ShuttingDown,
    /// The server's own code asked for it, through a handle; the peer is told 1008
    Evicted,
}

impl Cause {
    /// A byte stream that failed with this error
    #[must_use]
    pub fn cut(error: &dyn Error) -> Self {
        Self::Cut { how: Cut::Failed, detail: error.to_string().into() }
    }

    /// An attempt that failed with this error before it reached a server
    #[must_use]
    pub fn unreachable(error: &dyn Error) -> Self {
        Self::Unreachable { detail: error.to_string().into() }
    }

    /// Whether the connection ended as agreed: closed by us, by the peer with 1000, 1001 or no
    /// code, or by the server's rule
    ///
    /// ```
    /// use everbeat_core::cause::{Cause, CloseCode};
    ///
    /// assert!(Cause::Closed { code: CloseCode::NORMAL, reason: "bye".into() }.is_polite());
    /// assert!(!Cause::Closed { code: CloseCode::POLICY, reason: "".into() }.is_polite());
    /// ```
    #[must_use]
    pub fn is_polite(&self) -> bool {
        match self {
            Self::ClosedByUs | Self::Expired(_) => true,
            Self::Closed { code, .. } => {
                matches!(*code, CloseCode::NORMAL | CloseCode::GOING_AWAY | CloseCode::NO_STATUS)
            }
            _ => false,
        }
    }

    /// Which of a server's rules this is, if it is one: [`Dead`](Self::Dead) is
    /// [`Expired::Silent`]
    #[must_use]
    pub const fn expired(&self) -> Option<Expired> {
        match self {
            Self::Expired(rule) => Some(*rule),
            Self::Dead { .. } => Some(Expired::Silent),
            _ => None,
        }
    }

    /// Whether what the peer still says is of no interest: it was sent away
    pub(crate) const fn silences(&self) -> bool {
        matches!(self, Self::Expired(Expired::Evicted | Expired::Unauthenticated | Expired::Stale))
    }

    /// The Close frame that tells the peer; `None` if there is nobody to tell
    #[must_use]
    pub fn farewell(&self) -> Option<CloseFrame> {
        match self {
            Self::Violation { code, detail } => Some(CloseFrame::new(*code, detail.clone())),
            Self::Expired(rule) => rule.farewell(),
            Self::ClosedByUs => Some(CloseCode::NORMAL.into()),
            _ => None,
        }
    }
}

impl Expired {
    /// What the peer is told
    fn farewell(self) -> Option<CloseFrame> {
        let (code, reason) = match self {
            Self::Silent => return None,
            Self::Idle => (CloseCode::GOING_AWAY, "idle"),
            Self::Unfinished => (CloseCode::POLICY, "a message made no progress"),
            Self::Unauthenticated => (CloseCode::UNAUTHORIZED, "not authenticated in time"),
            Self::Stale => (CloseCode::UNAUTHORIZED, "authentication too old"),
            Self::TooOld => (CloseCode::RESTART, "connection too old"),
            Self::TooSlow => (CloseCode::TRY_AGAIN, "reads too slowly"),
            Self::ShuttingDown => (CloseCode::GOING_AWAY, ""),
            Self::Evicted => (CloseCode::POLICY, ""),
        };
        Some(CloseFrame::new(code, reason))
    }
}

impl From<Option<CloseFrame>> for Cause {
    fn from(frame: Option<CloseFrame>) -> Self {
        let frame = frame.unwrap_or_else(|| CloseCode::NO_STATUS.into());
        Self::Closed { code: frame.code, reason: frame.reason }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { code, reason } if reason.is_empty() => {
                write!(f, "closed by the peer ({code})")
            }
            Self::Closed { code, reason } => {
                write!(f, "closed by the peer ({code}: {})", Words(reason))
            }
            Self::ClosedByUs => f.write_str("closed by us"),
            Self::Dead { verdict: Verdict::Silent, evidence } => write!(f, "dead: {evidence}"),
            Self::Dead { verdict, evidence } => write!(f, "dead ({verdict}): {evidence}"),
            Self::Cut { how: Cut::End, .. } => f.write_str("cut: the stream ended without a Close"),
            Self::Cut { how: Cut::Reset, .. } => f.write_str("cut: reset"),
            Self::Cut { how: Cut::Failed, detail } => write!(f, "cut: {}", Words(detail)),
            Self::Violation { code, detail } => {
                write!(f, "protocol violation ({code}): {}", Words(detail))
            }
            Self::Unreachable { detail } => write!(f, "unreachable: {}", Words(detail)),
            Self::TimedOut { limit } => write!(f, "no connection within {}", Span(*limit)),
            Self::Rejected { status, retry_after: None } => {
                write!(f, "rejected with status {status}")
            }
            Self::Rejected { status, retry_after: Some(delay) } => {
                write!(f, "rejected with status {status}, retry after {}", Span(*delay))
            }
            Self::NotWebSocket { detail } => write!(f, "not a WebSocket: {}", Words(detail)),
            Self::Expired(rule) => write!(f, "expired: {rule}"),
        }
    }
}

impl Error for Cause {}

/// Somebody else's words in a line of ours: a peer is not to steer the terminal that shows it, nor to
/// begin another line of the log
struct Words<'a>(&'a str);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c.is_control() {
            true => write!(f, "{}", c.escape_default()),
            false => f.write_char(c),
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Silent => "silent",
            Self::Path => "path",
            Self::App => "app",
            Self::OneWay => "one way",
        })
    }
}

impl fmt::Display for Expired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Silent => "silent",
            Self::Idle => "no message within the idle time",
            Self::Unfinished => "a message that was begun made no progress (`unfinished`)",
            Self::Unauthenticated => "not authenticated in time",
            Self::Stale => "authentication too old",
            Self::TooOld => "connection too old",
            Self::TooSlow => "reads too slowly",
            Self::ShuttingDown => "the server shuts down",
            Self::Evicted => "evicted",
        })
    }
}

#[test]
fn what_a_peer_says_stays_within_its_line() {
    let closed = |reason: &str| {
        Cause::Closed { code: CloseCode::GOING_AWAY, reason: reason.into() }.to_string()
    };
    assert_eq!(closed("grüße"), "closed by the peer (1001: grüße)");
    let hostile = closed("\u{1b}[2J\nclosed by us\u{9b}");
    assert_eq!(hostile, r"closed by the peer (1001: \u{1b}[2J\nclosed by us\u{9b})");
    let detail = Cause::NotWebSocket { detail: "a\r\nb".into() };
    assert_eq!(detail.to_string(), r"not a WebSocket: a\r\nb");
}
