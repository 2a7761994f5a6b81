//! Clock and sockets of `async-io`, the reactor that async-std and smol share.
//!
//! `everbeat-async-std` and `everbeat-smol` add what differs between the two: where a task runs.
//! Use one of them; this crate is their common part.

#![forbid(unsafe_code)]

mod listener;
mod nest;
mod net;
mod stream;
mod timer;

pub use listener::Listener;
pub use nest::nest;
pub use net::{dial, resolve};
pub use stream::{Stream, adopt};
pub use timer::{Sleep, Timer};
