//! What an upgrade ends with when it does not end with a WebSocket.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use async_tungstenite::tungstenite;
use async_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use everbeat_core::Cause;
use everbeat_core::cause::Cut;
use everbeat_core::transport::Busy;

use super::hook::{Refusal, Reject};
use crate::error::cut;
use crate::tls::{self, TlsError};

/// Why an upgrade failed
#[derive(Debug)]
#[non_exhaustive]
pub enum UpgradeError {
    /// The stream ended before the peer's head did
    End,
    /// The socket failed
    Io(io::Error),
    /// The TLS handshake in front of it failed
    Tls(TlsError),
    /// The peer does not speak HTTP/1.1
    NotHttp,
    /// The peer speaks TLS where plain HTTP/1.1 was to come: one side is for `wss` and the other
    /// for `ws`
    SpeaksTls,
    /// The peer's head is over the limit, in bytes
    HeadTooLong {
        /// The limit
        max: usize,
    },
    /// The peer's head has more header lines than the parser takes, which is 124
    TooManyHeaders,
    /// The server answered with another status than 101 (RFC 6455, section 4.1)
    Status {
        /// The HTTP status
        status: u16,
        /// Its `Retry-After` (RFC 9110, section 10.2.3), a day at most
        retry_after: Option<Duration>,
    },
    /// A header that an upgrade needs is missing or wrong (RFC 6455, sections 4.1 and 4.2.1), or
    /// `Host` is there more than once (RFC 9112, section 3.2)
    Header(&'static str),
    /// The server's accept key does not belong to our key (RFC 6455, section 4.1)
    AcceptKey,
    /// The server's subprotocol is none of those asked for, or it chose none of them
    Subprotocol,
    /// The server turned on an extension that was not asked for (RFC 6455, section 9.1)
    Extension,
    /// The client's method is not GET (RFC 6455, section 4.1)
    Method,
    /// A request of HTTP/2 is no extended CONNECT for version 13 (RFC 8441, section 5)
    NoExtendedConnect,
    /// The client announces content, which would be read as frames
    Content,
    /// The client sent bytes behind its request before it was granted
    EarlyBytes,
    /// The request comes from another web page than those that may connect, by its `Origin`
    Origin,
    /// The server takes on no more; the peer was told when to come back
    Busy(Busy),
    /// The hook rejected the request, or failed with an error
    Rejected(Box<Reject>),
    /// The hook took longer than this, its setting `hook_timeout`
    HookTimeout {
        /// The limit
        limit: Duration,
    },
    /// The hook panicked
    HookPanicked,
    /// What the hook wants to answer cannot be
    Answer {
        /// What is wrong with it
        what: String,
    },
    /// Something else, in the words of the handshake's own library
    Other(Box<dyn Error + Send + Sync>),
}

impl UpgradeError {
    /// The error as data
    #[must_use]
    pub fn classify(&self) -> Cause {
        match self {
            Self::End => Cause::Cut { how: Cut::End, detail: "".into() },
            Self::Io(error) => cut(error),
            Self::Tls(error) => error.classify(),
            &Self::Status { status, retry_after } => Cause::Rejected { status, retry_after },
            Self::Origin => rejected(403),
            Self::Busy(Busy::PerAddress) => rejected(429),
            Self::Busy(_) | Self::HookTimeout { .. } => rejected(503),
            Self::Rejected(reject) => rejected(reject.status),
            Self::HookPanicked | Self::Answer { .. } => rejected(500),
            other => Cause::NotWebSocket { detail: other.to_string().into() },
        }
    }

    /// The answer to a request that ends with this, for whoever's HTTP it is: the status and the
    /// headers that an acceptor of ours would say; `None` if there is nobody to answer
    ///
    /// | why | status |
    /// |---|---|
    /// | the method | 405, with `Allow` |
    /// | `Connection`, `Upgrade`, `Sec-WebSocket-Version` | 426, with the version that is taken (RFC 6455, section 4.4) |
    /// | HTTP/2 without an extended CONNECT for that version | 426, without `Connection` and `Upgrade`, which HTTP/2 does not have (RFC 9113, section 8.2.2) |
    /// | every other header, content | 400 |
    /// | the page's origin | 403 |
    /// | too many connections or upgrades, too many from one address | 503, 429, with `Retry-After` |
    /// | an answer that cannot be, a hook that failed | 500 |
    #[must_use]
    pub fn response(&self) -> Option<http::Response<String>> {
        Refusal::of(self).map(Refusal::into_response)
    }

    /// A mistake of the hook's: that is our user's to know
    pub(super) fn answer(what: String) -> Self {
        tracing::error!(target: "everbeat", what, "the upgrade hook's answer cannot be");
        Self::Answer { what }
    }

    /// What the handshake's library says, as ours
    pub(super) fn from_library(error: tungstenite::Error) -> Self {
        use tungstenite::Error as Theirs;
        match error {
            Theirs::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => Self::End,
            Theirs::Io(error) => tls::late(error).map_or_else(Self::Io, Self::Tls),
            Theirs::Capacity(CapacityError::TooManyHeaders) => Self::TooManyHeaders,
            Theirs::Protocol(error) => match error {
                ProtocolError::HandshakeIncomplete => Self::End,
                ProtocolError::HttparseError(_) | ProtocolError::WrongHttpVersion => Self::NotHttp,
                ProtocolError::WrongHttpMethod => Self::Method,
                ProtocolError::MissingConnectionUpgradeHeader => Self::Header("Connection"),
                ProtocolError::MissingUpgradeWebSocketHeader => Self::Header("Upgrade"),
                ProtocolError::MissingSecWebSocketVersionHeader => {
                    Self::Header("Sec-WebSocket-Version")
                }
                ProtocolError::MissingSecWebSocketKey | ProtocolError::InvalidSecWebSocketKey => {
                    Self::Header("Sec-WebSocket-Key")
                }
                ProtocolError::SecWebSocketAcceptKeyMismatch => Self::AcceptKey,
                ProtocolError::SecWebSocketSubProtocolError(_) => Self::Subprotocol,
                ProtocolError::JunkAfterRequest => Self::EarlyBytes,
                other => Self::Other(Box::new(other)),
            },
            other => Self::Other(Box::new(other)),
        }
    }
}

impl fmt::Display for UpgradeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::End => f.write_str("the stream ended during the upgrade"),
            Self::Io(_) => f.write_str("the socket failed during the upgrade"),
            Self::Tls(error) => write!(f, "{error}"),
            Self::NotHttp => f.write_str("not HTTP/1.1"),
            Self::SpeaksTls => {
                f.write_str("not HTTP/1.1 but TLS: is it wss:// there, and ws:// here?")
            }
            Self::HeadTooLong { max } => {
                write!(f, "a head of more than {max} bytes (`max_head`)")
            }
            Self::TooManyHeaders => f.write_str("a head with more than 124 header lines"),
            Self::Status { status, .. } => write!(f, "status {status} instead of 101"),
            Self::Header(name) => write!(f, "header {name} is missing or wrong"),
            Self::AcceptKey => f.write_str("wrong Sec-WebSocket-Accept key"),
            Self::Subprotocol => f.write_str("no subprotocol that was asked for"),
            Self::Extension => f.write_str("an extension that was not asked for"),
            Self::Method => f.write_str("a method other than GET"),
            Self::NoExtendedConnect => {
                f.write_str("over HTTP/2, and no extended CONNECT for version 13 (RFC 8441)")
            }
            Self::Content => {
                f.write_str("a request with content (Content-Length, Transfer-Encoding)")
            }
            Self::EarlyBytes => f.write_str("bytes behind the request, before it was granted"),
            Self::Origin => f.write_str("a page of another origin (`origins`)"),
            Self::Busy(busy) => write!(f, "{busy}"),
            Self::Rejected(reject) => match &reject.error {
                Some(error) => write!(f, "the hook failed: {error}"),
                None => write!(f, "rejected with status {}", reject.status),
            },
            Self::HookTimeout { limit } => {
                write!(f, "the hook took longer than {limit:?} (`hook_timeout`)")
            }
            Self::HookPanicked => f.write_str("the hook panicked"),
            Self::Answer { what } => write!(f, "the hook's answer cannot be: {what}"),
            Self::Other(error) => write!(f, "{error}"),
        }
    }
}

fn rejected(status: u16) -> Cause {
    Cause::Rejected { status, retry_after: None }
}

impl Error for UpgradeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Tls(error) => error.source(),
            Self::Other(error) => error.source(),
            Self::Rejected(reject) => reject.error.as_ref().and_then(|error| error.source()),
            _ => None,
        }
    }
}

impl From<TlsError> for UpgradeError {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}
