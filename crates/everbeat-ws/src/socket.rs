//! The socket below a WebSocket: what a runtime's byte stream adds to `futures_io`, and the counter
//! that sits directly on it.

mod adopted;
mod counted;
mod tcp;

use everbeat_core::transport::PathEvidence;
use futures_io::{AsyncRead, AsyncWrite};
use socket2::SockRef;

pub use adopted::Adopted;
pub(crate) use counted::Counted;
pub(crate) use tcp::{reset_on_drop, tune};

/// A byte stream that a WebSocket can run on
///
/// An in-memory stream needs none of the methods: `impl Socket for MyStream {}`, and
/// [`Adopted`] is that for streams of others.
///
/// # Contract
///
/// Dropping it closes it. `poll_close` shuts down the writing half only, and the reading half goes
/// on, as a TCP socket does.
pub trait Socket: AsyncRead + AsyncWrite {
    /// The TCP socket, if it is one: its options, and evidence of its road, are read and set here
    fn tcp(&self) -> Option<SockRef<'_>> {
        None
    }

    /// What the platform knows of the road; at most one system call
    fn path(&self) -> Option<PathEvidence> {
        None
    }
}
