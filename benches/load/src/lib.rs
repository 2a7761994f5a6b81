//! Peers by hand: bytes, and no WebSocket library, so that what is measured is the other side. Frames
//! and upgrades are for any kind of socket; [`crowd`] is thousands of tokio's, which answer Pings.

#![expect(clippy::disallowed_methods, reason = "it times real sockets")]

pub mod counts;
pub mod crowd;
pub mod ears;
pub mod frames;
pub mod source;
pub mod upgrade;
