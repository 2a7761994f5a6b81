//! What a TLS handshake ends with when it does not end with a secure stream.

use std::error::Error;
use std::fmt;
use std::io;

use everbeat_core::Cause;
use everbeat_core::cause::Cut;

use crate::error::cut;

type BoxError = Box<dyn Error + Send + Sync>;

/// Why a TLS handshake failed
///
/// A certificate that is not good is as if nobody were there ([`Cause::Unreachable`]): whoever runs
/// the server may renew it, so a client that reconnects tries again with patience, and its first
/// attempt fails at once.
#[derive(Debug)]
#[non_exhaustive]
pub enum TlsError {
    /// The stream ended before the handshake did
    End,
    /// The socket failed
    Io(io::Error),
    /// The peer does not speak TLS
    NotTls,
    /// The peer's certificate is not valid any more
    Expired(BoxError),
    /// The peer's certificate is not valid yet: its clock or ours may be wrong
    NotYetValid(BoxError),
    /// The server's certificate is for other names than the one connected to
    WrongName(BoxError),
    /// Nobody that is trusted here has signed the peer's certificate
    UnknownIssuer(BoxError),
    /// The peer's certificate has been revoked by its CA
    Revoked(BoxError),
    /// The client showed no certificate, and has to
    NoCertificate,
    /// The peer's certificate has another fault
    Certificate(BoxError),
    /// The peer refused: it sent this alert (RFC 8446, section 6.2)
    Refused(BoxError),
    /// The URL's host can be in no certificate
    Host(BoxError),
    /// The platform's roots cannot be had
    Roots(BoxError),
    /// The peer broke the protocol, or has no version or cipher in common with us
    Protocol(BoxError),
}

impl TlsError {
    /// The error as data
    #[must_use]
    pub fn classify(&self) -> Cause {
        match self {
            Self::End => Cause::Cut { how: Cut::End, detail: "".into() },
            Self::Io(error) => cut(error),
            Self::NotTls | Self::Protocol(_) => Cause::NotWebSocket { detail: self.told().into() },
            _ => Cause::Unreachable { detail: self.told().into() },
        }
    }

    /// Whether it is the peer's certificate that is not good, or is not there
    #[cfg(feature = "tls")]
    pub(super) const fn is_of_certificate(&self) -> bool {
        matches!(
            self,
            Self::Expired(_)
                | Self::NotYetValid(_)
                | Self::WrongName(_)
                | Self::UnknownIssuer(_)
                | Self::Revoked(_)
                | Self::NoCertificate
                | Self::Certificate(_)
        )
    }

    /// The whole of it as one sentence, for a cause has no source
    fn told(&self) -> String {
        match self.source() {
            Some(why) => format!("{self}: {why}"),
            None => self.to_string(),
        }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::End => "the stream ended during the TLS handshake",
            Self::Io(_) => "the socket failed during the TLS handshake",
            Self::NotTls => "the peer does not speak TLS: is it ws:// there, and wss:// here?",
            Self::Expired(_) => "the certificate has expired",
            Self::NotYetValid(_) => "the certificate is not valid yet",
            Self::WrongName(_) => "the certificate is for another name",
            Self::UnknownIssuer(_) => "the certificate's issuer is not known here",
            Self::Revoked(_) => "the certificate has been revoked",
            Self::NoCertificate => "the client showed no certificate",
            Self::Certificate(_) => "the certificate is not good",
            Self::Refused(_) => "the peer refused the TLS handshake",
            Self::Host(_) => "a host that no certificate can name",
            Self::Roots(_) => "the platform's root certificates cannot be had",
            Self::Protocol(_) => "the TLS handshake failed",
        })
    }
}

impl Error for TlsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::End | Self::NotTls | Self::NoCertificate => None,
            Self::Io(error) => Some(error),
            Self::Expired(error)
            | Self::NotYetValid(error)
            | Self::WrongName(error)
            | Self::UnknownIssuer(error)
            | Self::Revoked(error)
            | Self::Certificate(error)
            | Self::Refused(error)
            | Self::Host(error)
            | Self::Roots(error)
            | Self::Protocol(error) => Some(&**error),
        }
    }
}
