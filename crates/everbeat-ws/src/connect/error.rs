//! What an attempt ends with when it does not end with a WebSocket.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;

use everbeat_core::Cause;
use everbeat_core::config::ConfigError;

use super::{BoxError, hook};
use crate::tls::TlsError;
use crate::upgrade::UpgradeError;

/// Why an attempt failed
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// A setting cannot be
    Config(ConfigError),
    /// The application's function made no request
    Request(BoxError),
    /// The application's function made a request for `ws`, of a connector that is for `wss`
    Downgrade,
    /// The name has no address
    Resolve {
        /// The name
        host: String,
        /// The resolver's error
        error: io::Error,
    },
    /// No address could be connected to
    Dial {
        /// The addresses that were tried, 16 at most, and the operating system's error for each
        failures: Vec<(SocketAddr, io::Error)>,
    },
    /// The application's [dial hook](super::Connector::dial) made no connection
    Hook(BoxError),
    /// The server was reached, and there was no TLS
    Tls(TlsError),
    /// The server was reached, and there was no upgrade
    Upgrade(UpgradeError),
}

impl ConnectError {
    /// The error as data
    #[must_use]
    pub fn classify(&self) -> Cause {
        match self {
            Self::Upgrade(error) => error.classify(),
            Self::Tls(error) => error.classify(),
            Self::Hook(error) => hook::classify(error),
            Self::Config(error) => Cause::unreachable(error),
            Self::Dial { .. } | Self::Downgrade => Cause::unreachable(self),
            other => {
                // A cause has no source, so its one sentence says both
                let why = other.source().map(ToString::to_string).unwrap_or_default();
                Cause::Unreachable { detail: format!("{other}: {why}").into() }
            }
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(_) => f.write_str("a setting cannot be"),
            Self::Request(_) => f.write_str("no request was made"),
            Self::Downgrade => {
                f.write_str("the request is for ws://, and the client for wss://: it stays secure")
            }
            Self::Resolve { host, .. } => write!(f, "no address of {host}"),
            Self::Dial { failures } => {
                f.write_str("no connection to ")?;
                for (index, (address, error)) in failures.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", to " };
                    write!(f, "{separator}{address}: {error}")?;
                }
                Ok(())
            }
            Self::Hook(_) => f.write_str("the dial hook made no connection"),
            Self::Tls(_) => f.write_str("no TLS"),
            Self::Upgrade(_) => f.write_str("no upgrade"),
        }
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(match self {
            Self::Config(error) => error,
            Self::Request(error) | Self::Hook(error) => &**error,
            Self::Resolve { error, .. } => error,
            // There are several, and its own words tell them all
            Self::Dial { .. } | Self::Downgrade => return None,
            Self::Tls(error) => error,
            Self::Upgrade(error) => error,
        })
    }
}

impl From<TlsError> for ConnectError {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}

impl From<UpgradeError> for ConnectError {
    fn from(error: UpgradeError) -> Self {
        match error {
            // TLS may refuse a client after its handshake
            UpgradeError::Tls(error) => Self::Tls(error),
            error => Self::Upgrade(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_told_with_its_error() {
        let failure = |address: &str, kind: io::ErrorKind| (address.parse().unwrap(), kind.into());
        let failures = vec![
            failure("[::1]:9", io::ErrorKind::ConnectionRefused),
            failure("127.0.0.1:9", io::ErrorKind::HostUnreachable),
        ];
        let told = ConnectError::Dial { failures }.classify();
        let words = "[::1]:9: connection refused, to 127.0.0.1:9: host unreachable";
        let Cause::Unreachable { detail } = told else { panic!("{told:?}") };
        assert_eq!(detail, format!("no connection to {words}"));
    }
}
