//! Heartbeat, reconnect and connection policy for WebSockets, without a runtime, a socket or a
//! clock.

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
mod message;
pub mod outcome;
pub mod reconnect;
mod spawn;
pub mod time;
pub mod transport;

pub use cause::Cause;
pub use client::Client;
pub use connection::Connection;
pub use event::Event;
pub use message::Message;
pub use spawn::Spawn;
