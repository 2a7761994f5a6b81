//! The server behind the routes of somebody else's HTTP server, whichever that is: it takes requests
//! where a listener takes sockets, and supervises what becomes of them.
//!
//! A framework's crate adds two things: what its request says and what stream it hands over behind the
//! answer ([`Asking`]), and how its routes come by [`Sockets`]. Applications use such a crate, which
//! has this one's names for its own stream.

#![forbid(unsafe_code)]

mod asked;
mod queue;
mod rejection;
mod requests;
mod sockets;
mod upgrade;
mod upgrading;

pub use everbeat_server as server;
pub use everbeat_tokio::core;
pub use everbeat_ws::accept::Facts;

pub use asked::{Asked, Run};
pub use rejection::Rejection;
pub use requests::Requests;
pub use sockets::Sockets;
pub use upgrade::Upgrade;
pub use upgrading::{Asking, Upgraded, Upgrading};

/// What a handler is given
pub type Connection<S> = everbeat_core::Connection<
    server::handled::Handled<everbeat_ws::WebSocket<S>>,
    everbeat_core::time::Wheel<everbeat_tokio::transport::TokioTimer>,
>;

/// A connection as it is known from anywhere: to send to it, to tag it, to end it; `P` is who it is
pub type Handle<P = ()> = server::ConnectionHandle<Facts<P>>;
