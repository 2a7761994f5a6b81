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
//! `with_upgrades`. Behind TLS say so, by [`Requests::secure`](everbeat_hosted::Requests::secure): a
//! request does not.
//!
//! A WebSocket over HTTP/2 is an extended CONNECT (RFC 8441). With the feature `http2`, off by default,
//! it is taken like any other; the HTTP server has to say that it takes them
//! (`http2().enable_connect_protocol()`). Without the feature it is answered 405. Below such a
//! connection there is no TCP socket of its own, so that nothing is known of its road, and death is
//! noticed by the Ping alone.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod asking;
mod stream;
pub mod transport;

pub use everbeat_hosted::{Handle, Rejection, core, server};
pub use everbeat_ws::Settings;
pub use everbeat_ws::upgrade::Origins;

/// The server behind an application's routes, everbeat's own; its
/// [`upgrade`](everbeat_hosted::Sockets::upgrade) takes a `&mut Request` or `&mut Parts`, and a
/// `SocketAddr` among the extensions of either is the peer's address
pub type Sockets<P = ()> = everbeat_hosted::Sockets<transport::Stream, P>;

/// How such a server is set up
///
/// ```
/// use std::time::Duration;
/// use everbeat_hyper::server::{Expire, Limits};
/// use everbeat_hyper::{Origins, Requests, Settings, Sockets};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Requests::new()
///     .websocket(Settings::default().max_message(1 << 20))
///     .origins(Origins::only(["https://app.example.com"])?)
///     .server()?
///     .expire(Expire::default().silent(Duration::from_secs(30)))
///     .limits(Limits::default().connections(50_000).per_address(20))
///     .build()?
///     .on_expire(|handle, rule| println!("{} {rule}", handle.facts().peer()));
/// let sockets: Sockets = Sockets::over(server)?;
/// # drop(sockets);
/// # Ok(())
/// # }
/// ```
pub type Requests<P = ()> = everbeat_hosted::Requests<transport::Stream, P>;

/// A good request for an upgrade
pub type Upgrade<P = ()> = everbeat_hosted::Upgrade<transport::Stream, P>;

/// What a handler is given
pub type Connection = everbeat_hosted::Connection<transport::Stream>;
