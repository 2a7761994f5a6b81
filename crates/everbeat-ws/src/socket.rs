//! The socket below a WebSocket: what a runtime's byte stream adds to `futures_io`, and the counter
//! that sits directly on it.

mod adopted;
mod counted;
mod road;
mod tcp;

use everbeat_core::transport::Hatch;
use futures_io::{AsyncRead, AsyncWrite};
use socket2::SockRef;

pub use adopted::Adopted;
pub(crate) use counted::Counted;
pub(crate) use tcp::{local_address, reset_on_drop, tune_stream};

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
    /// The TCP socket, if it is one: its options are set here, and here its kernel is asked for our
    /// own address and for what it knows of the road
    ///
    /// Each byte that this stream takes must be one of that socket's, and nobody else may write to it:
    /// what is acknowledged is compared with what was written here, unless
    /// [`tells_road`](Self::tells_road) is `false`. A stream with TLS inside is none.
    fn tcp<R>(&self, look: impl FnOnce(&SockRef<'_>) -> R) -> Option<R> {
        _ = look;
        None
    }

    /// Whether that socket has each byte once this stream has taken it; `true` by default
    ///
    /// A stream of which somebody else writes what it has taken says `false`. Its socket has its options
    /// and its address, but is not asked about the road: bytes that wait elsewhere would seem to be lost
    /// there.
    fn tells_road(&self) -> bool {
        true
    }

    /// Where others may write to it, while its WebSocket says that they may
    fn hatch(&self) -> Option<Hatch> {
        None
    }
}
