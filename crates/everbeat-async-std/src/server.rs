//! What belongs to a [`Server`](crate::Server): its builder, its registry, and how it accepts.

pub use everbeat_server::*;
pub use everbeat_ws::accept::{AcceptError, AcceptSettings, Facts};
pub use everbeat_ws::upgrade::{
    AcceptAll, Hook, Origins, Reject, RequestHead, Upgrade, UpgradeRequest,
};

/// Takes connections at an address, on async-std
pub type Acceptor<H = AcceptAll> = everbeat_ws::Acceptor<crate::AsyncStd, H>;

/// What a [`Server`](crate::Server)'s handler is given
pub type Connection = everbeat_core::Connection<
    handled::Handled<crate::transport::WebSocket>,
    everbeat_core::time::Wheel<crate::transport::AsyncStdTimer>,
>;

/// What comes with a connection of this [`Server`](crate::Server): its handle, what is known of the
/// peer, with the hook's principal as `P`, and once what it asked for
pub type Accepted<P = ()> = everbeat_server::Accepted<Facts<P>, RequestHead>;
