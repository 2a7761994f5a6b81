//! What the feature adds to types that are there without it.

use std::future::pending;

use super::client::handshake;
use super::{ClientTls, ServerTls, secure_server};
use crate::accept::AcceptSettings;
use crate::connect::{Connector, Request};
use crate::runtime::Runtime;
use crate::settings::Settings;
use crate::socket::{Counted, Socket};
use crate::upgrade::{self, RequestHead, UpgradeError};
use crate::websocket::WebSocket;

impl<R: Runtime, D> Connector<R, D> {
    /// Whom to trust when the URL is `wss`, and who to be; by default whom the platform trusts, and
    /// nobody
    ///
    /// Without effect on a `ws` URL.
    #[must_use]
    pub fn tls(mut self, tls: ClientTls) -> Self {
        self.custom().tls = Some(tls);
        self
    }
}

impl<H> AcceptSettings<H> {
    /// Speaks TLS, with this certificate; plain by default
    ///
    /// The handshake is a part of the upgrade: `handshake_timeout` bounds both together.
    #[must_use]
    pub fn tls(mut self, tls: ServerTls) -> Self {
        self.tls = Some(tls);
        self
    }
}

impl<S: Socket + Unpin + Send> WebSocket<S> {
    /// Asks for the upgrade over a stream that is connected and not secure yet: TLS comes first
    ///
    /// The request's URL gives the name that the server's certificate must be for. Time is the
    /// caller's to bound.
    ///
    /// # Errors
    ///
    /// The TLS handshake failed, or what [`connect`](Self::connect) says.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the stream.
    pub async fn connect_tls(
        stream: S,
        request: &Request,
        tls: ClientTls,
        settings: Settings,
    ) -> Result<Self, UpgradeError> {
        let socket = handshake(tls, request.host(), Counted::new(stream)).await?;
        upgrade::client(socket, request, &settings).await
    }

    /// Grants the upgrade that the peer asks for over TLS, and says what it asked; time is the
    /// caller's to bound
    ///
    /// # Errors
    ///
    /// The TLS handshake failed, or what [`accept`](Self::accept) says.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the stream.
    pub async fn accept_tls(
        stream: S,
        tls: ServerTls,
        settings: Settings,
    ) -> Result<(Self, RequestHead), UpgradeError> {
        let socket = secure_server(Some(tls), Counted::new(stream), |_| pending()).await?;
        upgrade::open(socket, &settings).await
    }
}
