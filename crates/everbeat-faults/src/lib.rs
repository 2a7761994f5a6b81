//! A TCP proxy that breaks connections on purpose, for tests: as a library here, as a program
//! `everbeat proxy` of everbeat-cli.
//!
//! A [`Proxy`] stands between a client and a server. [`Fault`]s are injected at any time, into all
//! connections or into one [`Relay`], at once or by a [`Schedule`]; each names its [`Direction`].
//! It works on streams, not on packets: a delay delays bytes and a black hole takes them, while the
//! kernels at both sides still acknowledge what they were sent.

#![forbid(unsafe_code)]

mod fault;
mod lane;
mod proxy;
mod relay;
mod schedule;

pub use fault::{Direction, Fault};
pub use proxy::Proxy;
pub use relay::Relay;
pub use schedule::Schedule;
