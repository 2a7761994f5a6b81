//! The extractor, and what it becomes.

use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::{ConnectInfo, FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::response::Response;
use everbeat_hyper::transport::RequestHead;
use everbeat_hyper::{Connection, Handle, Sockets};

use crate::Rejection;

/// A good request for an upgrade, as an extractor; others are answered by its [`Rejection`]
///
/// It wants [`Sockets`] in the application's state: as the state itself, or as a part of it by
/// [`FromRef`]. The peer's address is that of [`ConnectInfo`], if the router is served with it
/// (`into_make_service_with_connect_info`), and is else asked of the socket.
///
/// ```
/// use axum::extract::{FromRef, State};
/// use axum::http::{HeaderMap, StatusCode};
/// use axum::response::{IntoResponse, Response};
/// use everbeat_axum::{Connection, Handle, Sockets, Upgrade};
///
/// #[derive(Clone)]
/// struct App { sockets: Sockets<String>, greeting: &'static str }
///
/// impl FromRef<App> for Sockets<String> {
///     fn from_ref(app: &App) -> Self {
///         app.sockets.clone()
///     }
/// }
///
/// async fn feed(State(app): State<App>, headers: HeaderMap, upgrade: Upgrade<String>) -> Response {
///     let Some(user) = headers.get("x-user").and_then(|user| user.to_str().ok()) else {
///         return StatusCode::UNAUTHORIZED.into_response();
///     };
///     upgrade.on_connection_as(user.to_owned(), |connection, handle| greet(connection, handle, app)).await
/// }
///
/// async fn greet(mut connection: Connection, me: Handle<String>, app: App) -> Result<(), everbeat_axum::core::Cause> {
///     connection.send(format!("{}, {}", app.greeting, me.facts().principal)).await?;
///     connection.close().await;
///     Ok(())
/// }
/// # let _: axum::Router<App> = axum::Router::new().route("/feed", axum::routing::any(feed));
/// ```
#[derive(Debug)]
#[must_use = "a request is only upgraded with a handler for its connection"]
pub struct Upgrade<P = ()>(everbeat_hyper::Upgrade<P>);

impl<P, S> FromRequestParts<S> for Upgrade<P>
where
    P: Send + Sync + 'static,
    S: Send + Sync,
    Sockets<P>: FromRef<S>,
{
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let upgrade = Sockets::<P>::from_ref(state).upgrade(&mut *parts).map_err(Rejection)?;
        let told = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(match told {
            Some(ConnectInfo(peer)) => upgrade.peer(*peer),
            None => upgrade,
        }))
    }
}

impl<P> Upgrade<P> {
    /// What the peer asked for
    #[must_use]
    pub const fn head(&self) -> &RequestHead {
        self.0.head()
    }

    /// Says the peer's address, where [`ConnectInfo`] does not, or not the right one: of the proxy's
    /// header, say
    pub fn peer(self, peer: SocketAddr) -> Self {
        Self(self.0.peer(peer))
    }

    /// Chooses one of the subprotocols that were asked for (RFC 6455, section 1.9); none by default
    ///
    /// One that was not asked for is a mistake of the route's, and is answered 500.
    pub fn subprotocol(self, subprotocol: impl Into<String>) -> Self {
        Self(self.0.subprotocol(subprotocol))
    }

    /// Upgrades, and serves the connection of this peer with `handler` in a task of its own
    ///
    /// The response is 101 once the server has taken the connection on, and its headers may be added
    /// to; or the status that says why not. Nothing else may become of a 101. If another answer is
    /// sent, its place among the [upgrades](everbeat_hyper::server::Limits::upgrades) is held until its connection of HTTP is over, or the
    /// `handshake_timeout`; in the first case hyper hands over what is left of that connection, and
    /// `handler` is called for one that ends at once.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, there is no upgrade.
    pub async fn on_connection_as<F, R, E>(self, principal: P, handler: F) -> Response
    where
        P: 'static,
        F: FnOnce(Connection, Handle<P>) -> R + Send + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        self.0.on_connection_as(principal, handler).await.map(Body::from)
    }
}

impl Upgrade {
    /// [`on_connection_as`](Self::on_connection_as) for whoever needs neither handle nor principal
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, there is no upgrade.
    pub async fn on_connection<F, R>(self, handler: F) -> Response
    where
        F: FnOnce(Connection) -> R + Send + 'static,
        R: Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        self.0.on_connection(handler).await.map(Body::from)
    }
}
