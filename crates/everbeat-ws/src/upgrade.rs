//! From a byte stream to a WebSocket (RFC 6455, section 4), both roles, through async-tungstenite's
//! generic entry points. Here is what they leave open: a bound on the head, no byte behind it lost,
//! errors as data, and a proper answer to a bad request. Time is the caller's to bound.

mod client;
mod error;
mod head;
mod hook;
mod hosted;
mod limit;
mod retry_after;
mod server;

use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use async_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::connect::Request;
use crate::settings::Settings;
use crate::socket::{Counted, Socket};
use crate::tls::{self, Layered};
use crate::websocket::WebSocket;

pub(crate) use client::upgrade as client;
pub use error::UpgradeError;
pub(crate) use hook::Gate;
pub use hook::{AcceptAll, Hook, Origins, Reject, RequestHead, Upgrade, UpgradeRequest};
pub use hosted::Handshake;
pub(crate) use limit::{COURTESY, within};
#[cfg(feature = "tls")]
pub(crate) use server::part;
pub(crate) use server::{Granted, turn_away, upgrade as server};

impl<S: Socket + Unpin + Send> WebSocket<S> {
    /// Asks for the upgrade over a stream that is connected already, and speaks on it as it is
    ///
    /// For a `wss` request the stream must be secure already; with feature `tls`, `connect_tls`
    /// makes it so.
    ///
    /// # Errors
    ///
    /// The stream ended or failed, the answer is not HTTP or too long, its status is not 101, or it
    /// does not fit the request.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the stream.
    pub async fn connect(
        stream: S,
        request: &Request,
        settings: Settings,
    ) -> Result<Self, UpgradeError> {
        client(tls::plain(Counted::new(stream)), request, &settings).await
    }

    /// Grants the upgrade that the peer asks for, and says what it asked
    ///
    /// # Errors
    ///
    /// The stream ended or failed, or the request is not a good one; the peer was told so with an
    /// HTTP status.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the stream.
    pub async fn accept(
        stream: S,
        settings: Settings,
    ) -> Result<(Self, RequestHead), UpgradeError> {
        open(tls::plain(Counted::new(stream)), &settings).await
    }
}

/// Grants every good request
pub(crate) async fn open<S: Socket + Unpin + Send>(
    socket: Layered<S>,
    settings: &Settings,
) -> Result<(WebSocket<S>, RequestHead), UpgradeError> {
    let gate = Gate {
        hook: &AcceptAll,
        hook_timeout: Duration::MAX,
        origins: None,
        cookies: false,
        secure: false,
        peer: SocketAddr::from(([0, 0, 0, 0], 0)),
        sleep: |_| pending(),
    };
    let granted = server(socket, settings, gate).await?;
    Ok((granted.websocket, granted.request))
}

/// The codec that comes with the upgrade is thrown away: it gets no buffer
fn config() -> WebSocketConfig {
    WebSocketConfig::default().read_buffer_size(0)
}
