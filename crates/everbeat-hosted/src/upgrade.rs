//! One good request for an upgrade, before its route has said who serves it.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;

use everbeat_ws::Socket;
use everbeat_ws::upgrade::{Handshake, RequestHead, Upgrade as Answer, UpgradeError};
use http::Response;
use tokio::sync::oneshot;

use crate::asked::{Asked, Failure};
use crate::upgrading::{Ask, Asking, Upgraded};
use crate::{Connection, Handle, Rejection, Sockets};

/// A good request for an upgrade
///
/// Nothing is answered yet: who is not to be let in is answered otherwise, by dropping this.
#[must_use = "a request is only upgraded with a handler for its connection"]
pub struct Upgrade<S: Socket + Unpin, P = ()> {
    sockets: Sockets<S, P>,
    handshake: Handshake,
    upgraded: Upgraded<S>,
    peer: Option<SocketAddr>,
    subprotocol: Option<Box<str>>,
    answer: Answer<()>,
}

impl<S: Socket + Unpin + 'static, P> Upgrade<S, P> {
    pub(crate) fn of(sockets: Sockets<S, P>, request: impl Asking<S>) -> Result<Self, Rejection> {
        let handshake = {
            let door = sockets.door();
            request.judge(door.origins.as_ref(), door.secure)?
        };
        let peer = request.peer();
        let Some(upgraded) = request.take() else {
            tracing::error!(target: "everbeat", "a request that cannot be upgraded");
            return Err(Rejection::NotUpgradable);
        };
        let answer = Answer::accept(());
        Ok(Self { sockets, handshake, upgraded, peer, subprotocol: None, answer })
    }

    /// What the peer asked for
    #[must_use]
    pub const fn head(&self) -> &RequestHead {
        self.handshake.head()
    }

    /// The address of the socket's other end, as far as it is known
    #[must_use]
    pub const fn known_peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Says the address of the socket's other end, as its accept loop was told it
    ///
    /// By default it is asked of the TCP socket once that is ours; where there is none (TLS, HTTP/2, a
    /// Unix socket) it is `0.0.0.0:0`. Who is one too many from an address that is known before is
    /// answered 429; else he is told 1013 behind the upgrade, and nobody is counted whose address is
    /// never known ([`Limits::per_address`](everbeat_server::Limits::per_address)).
    pub const fn peer(mut self, peer: SocketAddr) -> Self {
        self.peer = Some(peer);
        self
    }

    /// Chooses one of the subprotocols that were asked for (RFC 6455, section 1.9); none by default
    ///
    /// One that was not asked for is a mistake of the caller's, and is answered 500:
    /// [`RequestHead::subprotocols`] has them.
    pub fn subprotocol(mut self, subprotocol: impl Into<String>) -> Self {
        let subprotocol = subprotocol.into();
        self.subprotocol = Some(subprotocol.as_str().into());
        self.answer = self.answer.subprotocol(subprotocol);
        self
    }

    /// Upgrades, and serves the connection of this peer with `handler` in a task of its own
    ///
    /// The response is 101 once the server has taken the connection on, and its headers may be added
    /// to; or the status that says why not. Nothing else may become of a 101. If another answer is
    /// sent, its place among the [upgrades](everbeat_server::Limits::upgrades) is held until the HTTP
    /// server gives its stream up, or the `handshake_timeout`; if it hands over what is left of that
    /// connection, `handler` is called for one that ends at once.
    ///
    /// The handler is given the connection, and its handle, through which others reach it. It returns
    /// when the connection has ended, or [closes](everbeat_core::Connection::close) it. It runs in the
    /// span of the request.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, there is no upgrade.
    pub async fn on_connection_as<F, R, E>(self, principal: P, handler: F) -> Response<String>
    where
        P: 'static,
        F: FnOnce(Connection<S>, Handle<P>) -> R + Send + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let asked = Asked::new(self.head().clone(), handler);
        match self.ask(principal, asked).await {
            Ok(response) => response,
            Err(rejection) => {
                tracing::debug!(target: "everbeat", %rejection, "refused");
                rejection.into_response()
            }
        }
    }

    async fn ask(self, principal: P, asked: Asked<S, P>) -> Result<Response<String>, Rejection> {
        let Self { sockets, handshake, upgraded, peer, subprotocol, answer } = self;
        let granted = handshake.grant(&answer)?;
        let (answer, told) = oneshot::channel();
        let ask = Ask { upgraded, peer, subprotocol, principal, asked, answer };
        // Given up with this future: whose client is gone is in nobody's way
        let _place = sockets.door().bring(ask)?;
        match told.await {
            Ok(Ok(())) => Ok(granted.map(|()| String::new())),
            Ok(Err(busy)) => Err(UpgradeError::Busy(busy).into()),
            Err(_dropped) => Err(Rejection::Stopping),
        }
    }
}

impl<S: Socket + Unpin + 'static> Upgrade<S> {
    /// [`on_connection_as`](Self::on_connection_as) for whoever needs neither handle nor principal
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, there is no upgrade.
    pub async fn on_connection<F, R>(self, handler: F) -> Response<String>
    where
        F: FnOnce(Connection<S>) -> R + Send + 'static,
        R: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.on_connection_as((), move |connection, _| handler(connection)).await
    }
}

impl<S: Socket + Unpin + 'static, P> fmt::Debug for Upgrade<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade")
            .field("head", self.head())
            .field("peer", &self.peer)
            .field("answer", &self.answer)
            .finish_non_exhaustive()
    }
}
