//! Peers by hand: bytes, and no WebSocket library, so that what is measured is the other side. Frames,
//! upgrades and payloads are for any kind of socket; [`crowd`] is thousands of them on one epoll.

#![expect(clippy::disallowed_methods, reason = "it times real sockets")]

pub mod counts;
pub mod crowd;
pub mod ears;
pub mod frames;
pub mod latency;
pub mod order;
pub mod payload;
mod peer;
pub mod source;
mod talk;
pub mod upgrade;
