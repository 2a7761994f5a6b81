//! The way past a connection's task: what others say to many may go straight to a socket whose task
//! waits and has nothing unsaid.

use core::fmt;

use alloc::sync::Arc;
use bytes::Bytes;

use crate::message::Message;

/// Sockets that are lent to others than their tasks
///
/// Who calls it holds the socket alone: its task has [lent](super::Transport::lend) it, and takes it
/// back before it writes or lets go of it.
pub trait Hatches: Send + Sync {
    /// A message as it is written to each of these sockets; `None` if it is not for this road
    fn frame(&self, message: &Message) -> Option<Bytes>;

    /// Writes a frame, without waiting; how many of its bytes the operating system took
    ///
    /// That something failed, the task finds out as it writes.
    fn pass(&self, seat: u8, frame: &[u8]) -> usize;
}

/// Where one socket is among those that are lent
#[derive(Clone)]
#[non_exhaustive]
pub struct Hatch {
    /// All of them
    pub of: Arc<dyn Hatches>,
    /// Which it is
    pub seat: u8,
}

impl Hatch {
    /// The socket at this seat
    #[must_use]
    pub const fn new(of: Arc<dyn Hatches>, seat: u8) -> Self {
        Self { of, seat }
    }
}

impl fmt::Debug for Hatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hatch").field("seat", &self.seat).finish_non_exhaustive()
    }
}
