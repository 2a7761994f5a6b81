//! RFC 6455 transports for everbeat, over any `futures_io` byte stream.
//!
//! A runtime crate such as `everbeat-tokio` lends sockets by [`Runtime`]; this crate upgrades them,
//! frames messages, and keeps nothing in memory between them.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(unsafe_code)]

pub mod accept;
pub mod clock;
pub mod connect;
mod error;
mod frame;
mod pool;
mod read;
mod reviewed;
mod role;
mod runtime;
mod settings;
mod socket;
pub mod tls;
mod underway;
pub mod upgrade;
mod websocket;
mod write;

pub use accept::Acceptor;
pub use connect::Connector;
pub use error::{Error, ProtocolError};
pub use role::Role;
pub use runtime::Runtime;
pub use settings::Settings;
pub use socket::{Adopted, Socket};
pub use websocket::WebSocket;
