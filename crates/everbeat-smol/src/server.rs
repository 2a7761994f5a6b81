//! What belongs to a [`Server`](crate::Server): its builder, its registry, and how it accepts.

pub use everbeat_server::*;
pub use everbeat_ws::accept::{AcceptError, AcceptSettings, Facts};
pub use everbeat_ws::upgrade::RequestHead;

/// Takes connections at an address, on smol
pub type Acceptor = everbeat_ws::Acceptor<crate::Smol>;

/// What a [`Server`](crate::Server)'s handler is given
pub type Connection = everbeat_core::Connection<
    handled::Handled<crate::transport::WebSocket>,
    everbeat_core::time::Wheel<crate::transport::SmolTimer>,
>;
