//! What accepting ends with when it does not end with a WebSocket.

use std::error::Error;
use std::fmt;
use std::io;

use everbeat_core::Cause;
use everbeat_core::config::ConfigError;

use crate::tls::TlsError;
use crate::upgrade::UpgradeError;

/// Why binding, accepting or upgrading failed
#[derive(Debug)]
#[non_exhaustive]
pub enum AcceptError {
    /// A setting cannot be
    Config(ConfigError),
    /// The address cannot be had
    Bind {
        /// As it was given
        address: String,
        /// The operating system's error
        error: io::Error,
    },
    /// No connection could be taken; it may pass, as being out of descriptors does
    Accept(io::Error),
    /// One connection was taken, and there was no TLS
    Tls(TlsError),
    /// One connection was taken, and there was no upgrade
    Upgrade(UpgradeError),
}

impl AcceptError {
    /// The error as data
    #[must_use]
    pub fn classify(&self) -> Cause {
        match self {
            Self::Upgrade(error) => error.classify(),
            Self::Tls(error) => error.classify(),
            Self::Config(error) => Cause::unreachable(error),
            Self::Bind { .. } => Cause::unreachable(self),
            Self::Accept(error) => Cause::cut(error),
        }
    }
}

impl fmt::Display for AcceptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Bind { address, error } => write!(f, "cannot listen at {address}: {error}"),
            Self::Accept(_) => f.write_str("no connection could be taken"),
            Self::Tls(_) => f.write_str("no TLS"),
            Self::Upgrade(_) => f.write_str("no upgrade"),
        }
    }
}

impl Error for AcceptError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(match self {
            Self::Config(error) => return error.source(),
            Self::Bind { error, .. } => return error.source(),
            Self::Accept(error) => error,
            Self::Tls(error) => error,
            Self::Upgrade(error) => error,
        })
    }
}

impl From<TlsError> for AcceptError {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}

impl From<UpgradeError> for AcceptError {
    fn from(error: UpgradeError) -> Self {
        Self::Upgrade(error)
    }
}
