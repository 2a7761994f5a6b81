//! Heartbeat, reconnect and connection policy for WebSockets, without a runtime, a socket or a
//! clock.
//!
//! Most users depend on a runtime crate, such as `everbeat-tokio`, which re-exports what they need
//! of this one. This crate is for whoever writes a runtime, a transport or a loop of their own.
//!
//! Three layers, each usable without the next:
//!
//! - **Machines**: [`heartbeat::Heartbeat`] and [`reconnect::Reconnect`] take instants and inputs
//!   and return what to do. They read no clock and wait for nothing.
//! - **Seams**: [`time::Timer`], [`transport::Transport`], [`transport::Connect`],
//!   [`transport::Accept`] and [`Spawn`] are what a runtime lends. None asks for `Send`.
//! - **Drivers**: [`Connection`] is one WebSocket with its heartbeat; [`Client`] a chain of them
//!   that reconnects; [`halves`] split either for tasks of their own.
//!
//! `no_std` with `alloc` when the default feature `std` is off; then [`halves`] and the sharded
//! wheel are left out, for they need a lock.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

pub mod cause;
pub mod client;
pub mod config;
mod connection;
mod event;
#[cfg(feature = "std")]
pub mod halves;
pub mod heartbeat;
mod hint;
mod message;
pub mod outcome;
pub mod reconnect;
mod spawn;
pub mod time;
pub mod transport;
mod turn;

pub use cause::Cause;
pub use client::Client;
pub use connection::Connection;
pub use event::Event;
pub use message::Message;
pub use spawn::Spawn;
