//! Heartbeat, reconnect and connection policy for WebSockets, without a runtime, a socket or a
//! clock.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

pub mod cause;
pub mod config;
mod event;
mod message;
pub mod outcome;
mod spawn;
pub mod time;
pub mod transport;

pub use cause::Cause;
pub use event::Event;
pub use message::Message;
pub use spawn::Spawn;
