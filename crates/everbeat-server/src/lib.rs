//! A WebSocket server that expires silent connections by Ping, on any runtime.
//!
//! [`Server`] accepts, upgrades each socket in a task of its own, and hands every connection to a
//! handler. All of them beat on one [`Wheel`](everbeat_core::time::Wheel). The [`Registry`] knows
//! the live ones, for whoever wants to send to them or end them.
//!
//! This crate names no runtime and opens no socket: an
//! [`Accept`](everbeat_core::transport::Accept), a [`Timer`](everbeat_core::time::Timer) and a
//! [`Spawn`](everbeat_core::Spawn) are lent to it. The runtime crates do that and re-export what is
//! here.
//!
//! Silent (no answer to a Ping) is on by default and idle (no message either way) is off: an idle
//! connection that answers its Pings is what a WebSocket is for.

#![forbid(unsafe_code)]

mod accepting;
mod admission;
pub mod builder;
mod draining;
mod expire;
pub mod handled;
mod handler;
mod limits;
pub mod registry;
mod served;
mod server;
mod stop;
pub mod storm;
pub mod tasks;
#[cfg(test)]
mod testing;
mod upgrades;

pub use builder::ServerBuilder;
pub use expire::Expire;
pub use handler::{Accepted, Handler};
pub use limits::Limits;
pub use registry::{ConnectionHandle, Registry};
pub use served::Served;
pub use server::Server;
pub use stop::ServerHandle;
