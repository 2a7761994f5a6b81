//! What an acceptor is told: a WebSocket's limits, and TLS.

use everbeat_core::config::ConfigError;

use crate::settings::{Settings, forward_limits};
use crate::tls::ServerTls;

/// What an acceptor is told: a WebSocket's limits, and TLS if it speaks it
///
/// A [`Settings`] is one, of an acceptor that speaks no TLS.
#[derive(Clone, Debug, Default)]
pub struct AcceptSettings {
    pub(super) limits: Settings,
    /// `None` speaks no TLS
    pub(crate) tls: Option<ServerTls>,
}

impl AcceptSettings {
    forward_limits!(limits);

    /// Whether the values can be
    ///
    /// # Errors
    ///
    /// See [`Settings::check`].
    pub fn check(&self) -> Result<(), ConfigError> {
        self.limits.check()
    }
}

impl From<Settings> for AcceptSettings {
    fn from(limits: Settings) -> Self {
        Self { limits, tls: None }
    }
}
