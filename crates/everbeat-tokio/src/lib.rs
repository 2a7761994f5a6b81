//! WebSockets that stay alive, on tokio: they beat, notice a peer that is gone, and come back.
//!
//! ```no_run
//! use everbeat_tokio::{Client, Event};
//!
//! # async fn feed() -> Result<(), Box<dyn std::error::Error>> {
//! let mut client = Client::connect("ws://127.0.0.1:9001/feed").await?;
//! while let Some(event) = client.next().await {
//!     match event {
//!         Event::Connected { .. } => client.send("subscribe ticker").await?,
//!         Event::Message(message) => println!("{message}"),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Features: `server`, on by default, is the server, its registry and its expiry; `tls` is `wss`, by
//! rustls with ring as its provider. Without `tls` a `wss` URL is refused, and the error says so.
//!
//! Everything happens inside a runtime with its IO and time drivers on, as of `#[tokio::main]`.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

pub mod client;
mod nest;
mod runtime;
#[cfg(feature = "server")]
pub mod server;
mod stream;
mod timer;
pub mod transport;

pub use everbeat_core as core;
pub use everbeat_core::{Cause, Connection, Event, Message, config, outcome, reconnect};
pub use everbeat_ws::connect::Request;

pub use runtime::Tokio;

use transport::TokioTimer;

/// A client that reconnects, on tokio
pub type Client = everbeat_core::Client<client::Connector, TokioTimer>;

/// A server that expires silent connections, on tokio
#[cfg(feature = "server")]
pub type Server = everbeat_server::Server<server::Acceptor, TokioTimer, Tokio>;
