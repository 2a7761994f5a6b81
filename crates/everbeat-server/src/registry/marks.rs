//! What the transport of a connection remembers from poll to poll: a byte, written by nobody else.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// Some of the marks below
#[derive(Default)]
pub(crate) struct Marks(AtomicU8);

/// The mailbox may hold messages
pub(crate) const MAIL: u8 = 1;
/// There was room, and nothing has been given to the transport since
pub(crate) const ROOM: u8 = 2;
/// What a handle sent is not flushed yet; the connection does not know of it
pub(crate) const UNFLUSHED: u8 = 4;
/// A message of the connection's own is held, until there is room again
pub(crate) const HELD: u8 = 8;
/// There is an order that was not told to the connection yet
pub(crate) const ORDERED: u8 = 16;
/// An order was told, or the transport is closed: nothing more goes out of the mailbox
pub(crate) const OVER: u8 = 32;
/// A Close went either way, or the transport failed: nothing more is sent at all
pub(crate) const CLOSED: u8 = 64;
/// The last write was not taken whole
pub(crate) const BLOCKED: u8 = 128;

// Looked at in each poll, from a user's crate
impl Marks {
    /// Whether one of these is set
    #[inline]
    pub(crate) fn any(&self, marks: u8) -> bool {
        self.0.load(Relaxed) & marks != 0
    }

    #[inline]
    pub(crate) fn set(&self, marks: u8) {
        self.0.store(self.0.load(Relaxed) | marks, Relaxed);
    }

    #[inline]
    pub(crate) fn clear(&self, marks: u8) {
        self.0.store(self.0.load(Relaxed) & !marks, Relaxed);
    }
}
