//! Supervised WebSockets inside a hyper server: a request becomes a connection that beats, is expired
//! when its peer falls silent, is known to a registry, and is told when the server stops.
//!
//! ```
//! use everbeat_hyper::{Connection, Sockets};
//! use hyper::body::Incoming;
//! use hyper::{Request, Response};
//!
//! async fn echo(mut connection: Connection) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//!     while let Some(message) = connection.recv().await? { connection.send(message).await?; }
//!     Ok(())
//! }
//!
//! async fn service(mut request: Request<Incoming>, sockets: Sockets) -> Response<String> {
//!     sockets.accept(&mut request, echo).await // 101, or the status that says why not
//! }
//! # _ = service;
//! ```
//!
//! [`Sockets`] is the server behind it, everbeat's own: the same heartbeat, rules, limits, registry and
//! drain as in `everbeat-tokio`, of which this crate takes the clock and the tasks. What is hyper's
//! stays hyper's: its connections, its limits on heads, its TLS. The connection must be served
//! `with_upgrades`.
//!
//! A WebSocket over HTTP/2 is an extended CONNECT (RFC 8441). With the feature `http2`, off by default,
//! it is taken like any other; the HTTP server has to say that it takes them
//! (`http2().enable_connect_protocol()`). Without the feature it is answered 405. Below such a
//! connection there is no TCP socket of its own, so that nothing is known of its road, and death is
//! noticed by the Ping alone.

#![forbid(unsafe_code)]

mod asked;
mod rejection;
mod requests;
mod sockets;
mod stream;
pub mod transport;
mod upgrade;
mod upgrading;

pub use everbeat_server as server;
pub use everbeat_tokio::core;
pub use everbeat_ws::Settings;
pub use everbeat_ws::upgrade::Origins;

pub use rejection::Rejection;
pub use requests::Requests;
pub use sockets::Sockets;
pub use upgrade::Upgrade;

/// What a handler is given
pub type Connection = everbeat_core::Connection<
    server::handled::Handled<transport::WebSocket>,
    everbeat_core::time::Wheel<transport::TokioTimer>,
>;

/// A connection as it is known from anywhere: to send to it, to tag it, to end it; `P` is who it is
pub type Handle<P = ()> = server::ConnectionHandle<transport::Facts<P>>;
