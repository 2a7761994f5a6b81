//! A nest: one registration with a runtime for all sockets that a listener takes.
//!
//! A runtime keeps a registration for each socket that it watches: 256 bytes at boundaries of 128 with
//! tokio, 245 with smol and async-std, more than anything else of a connection that waits. Here the crowd
//! has an epoll of its own, the runtime watches that one descriptor, and a socket's share is a place in
//! a table, 48 bytes. A runtime lends a task, which turns when the descriptor is readable:
//!
//! ```text
//! kernel → the runtime's reactor → the nest's task, Turns::turn → the tasks of the sockets
//! ```
//!
//! That is a system call more each time that something comes in, for whomever it is, and for a socket
//! none: readiness is edge-triggered, so nothing is armed anew.
//!
//! Nests are there on Linux. Elsewhere, and if the kernel refuses, sockets are the runtime's own. The
//! runtimes' crates use this one; a user needs only the names that they pass on.

#![forbid(unsafe_code)]

#[cfg(not(target_os = "linux"))]
mod absent;
mod listener;
#[cfg(target_os = "linux")]
mod nest;
#[cfg(target_os = "linux")]
mod nested;
#[cfg(target_os = "linux")]
mod place;
#[cfg(target_os = "linux")]
mod table;
mod tcp;
#[cfg(all(test, target_os = "linux"))]
mod testing;

#[cfg(not(target_os = "linux"))]
pub use absent::{Nest, Turns};
pub use listener::Listener;
#[cfg(target_os = "linux")]
pub use nest::{Nest, Turns};
pub use tcp::Tcp;
