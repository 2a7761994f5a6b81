//! Supervised WebSockets inside an axum application: a route turns its request into a connection that
//! beats, is expired when its peer falls silent, is known to a registry, and is told when the server
//! stops.
//!
//! ```
//! use axum::{Router, response::Response, routing::any};
//! use everbeat_axum::{Connection, Sockets, Upgrade};
//!
//! async fn echo(mut connection: Connection) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//!     while let Some(message) = connection.recv().await? { connection.send(message).await?; }
//!     Ok(())
//! }
//!
//! async fn route(upgrade: Upgrade) -> Response { upgrade.on_connection(echo).await }
//!
//! fn app(sockets: Sockets) -> Router { Router::new().route("/echo", any(route)).with_state(sockets) }
//! # _ = app;
//! ```
//!
//! [`Sockets`] is everbeat's server, with the heartbeat, rules, limits, registry and drain that it has
//! everywhere; it is a part of the application's state. Who may connect is decided as for any other
//! route, by extractors and layers in front of [`Upgrade`]; what they found out is the connection's
//! principal ([`Upgrade::on_connection_as`]). The handler runs in the span of its request.
//!
//! It goes through hyper's own upgrade, so that axum's feature `ws` is not needed and brings no second
//! WebSocket along.
//!
//! # Stopping
//!
//! axum's graceful shutdown waits for requests, and for no connection that was upgraded. One signal
//! stops both, and the connections are waited for behind it:
//!
//! ```no_run
//! # async fn serve(signal: impl Future<Output = ()> + Send + 'static) -> Result<(), Box<dyn std::error::Error>> {
//! # let app = axum::Router::new();
//! let sockets: everbeat_axum::Sockets = everbeat_axum::Sockets::new()?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! axum::serve(listener, app).with_graceful_shutdown(sockets.stop_on(signal)).await?;
//! println!("{}", sockets.closed().await); // each was told 1001, and had its time
//! # Ok(())
//! # }
//! ```
//!
//! # HTTP/2
//!
//! With the feature `http2`, off by default, a WebSocket over HTTP/2 (RFC 8441) is taken like any
//! other; its route has to be [`any`](axum::routing::any), for its method is CONNECT. Without the
//! feature it is answered 405, and axum does not offer it unless its own `http2` is on.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod rejection;
mod upgrade;

pub use everbeat_hyper::{
    Connection, Handle, Origins, Requests, Settings, Sockets, core, server, transport,
};

pub use rejection::Rejection;
pub use upgrade::Upgrade;
