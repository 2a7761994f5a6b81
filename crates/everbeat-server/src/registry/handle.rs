//! What others may do to a connection: send to it, close it, evict it. They never touch its socket;
//! they leave word in its mailbox, and its own task acts.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use everbeat_core::cause::{CloseFrame, Expired};
use everbeat_core::time::Instant;
use everbeat_core::transport::Hatch;
use everbeat_core::{Cause, Message};

use super::aside::Corner;
use super::record::Peer;
use super::{MailboxError, Order, Record, Registry, Stats, TagError};

/// One live connection of a server, from outside
///
/// A clone is a handle to the same connection, and keeps nothing of it alive but its mailbox and what
/// is known of its peer.
/// Sending takes that connection's queue lock once; the connection's own messages take none.
pub struct ConnectionHandle<X> {
    record: Arc<Record<Peer<X>>>,
}

impl<X> ConnectionHandle<X> {
    pub(super) fn new(
        id: u64,
        facts: X,
        registry: Registry<X>,
        opened: Instant,
        hatch: Option<Hatch>,
    ) -> Self {
        Self { record: Arc::new(Record::new(id, opened, hatch, Peer { registry, facts })) }
    }

    /// Where its own tags are
    pub(super) fn corner(&self) -> &Corner {
        &self.record.corner
    }

    pub(crate) const fn record(&self) -> &Arc<Record<Peer<X>>> {
        &self.record
    }

    /// The connection's number, counted from 1 in the order in which upgrades finish
    #[must_use]
    pub fn id(&self) -> u64 {
        self.record.id
    }

    /// What the acceptor knows of the peer: its address, who it is
    #[must_use]
    pub fn facts(&self) -> &X {
        &self.record.whose.facts
    }

    /// The registry that it is in, with everybody else
    #[must_use]
    pub fn registry(&self) -> &Registry<X> {
        &self.record.whose.registry
    }

    /// Whether the connection's task is still there
    #[must_use]
    pub fn is_live(&self) -> bool {
        !self.record.has_ended()
    }

    /// Leaves a message in the mailbox; the connection sends it when its transport has room, in the
    /// order in which messages were left
    ///
    /// Accepted is not delivered: what a connection's end leaves behind, [`unsent`](Self::unsent)
    /// returns. A connection that its handler does not poll sends nothing.
    ///
    /// # Errors
    ///
    /// The mailbox has no room, or the connection has ended; the message comes back.
    pub fn send(&self, message: impl Into<Message>) -> Result<(), MailboxError> {
        self.record.put(message.into())
    }

    /// Asks the connection to close politely, with this code and reason
    ///
    /// What is in the mailbox goes first, as far as the transport has room for it; what has not gone
    /// then is [`unsent`](Self::unsent). The handler's connection ends with
    /// [`Cause::ClosedByUs`](everbeat_core::Cause::ClosedByUs). The first order counts; a connection
    /// that is closing or has ended ignores it. A handler that has not looked at its connection
    /// `close_timeout` and a second later is dropped, and the socket with it.
    pub fn close(&self, frame: CloseFrame) {
        self.record.order(Order::close(frame));
    }

    /// Asks the connection to close with 1008, as against the server's policy
    ///
    /// As [`close`](Self::close), but the cause is
    /// [`Expired::Evicted`](everbeat_core::cause::Expired::Evicted).
    pub fn evict(&self) {
        self.record.order(Order::expire(Expired::Evicted));
    }

    /// The peer has authenticated, or done so again: it is not expired as unauthenticated, and what
    /// [`Expire::authentication`](crate::Expire::authentication) allows begins now
    pub fn authenticated(&self) {
        self.authenticate(None);
    }

    /// [`authenticated`](Self::authenticated), for as long as the peer's token says
    pub fn authenticated_for(&self, time: Duration) {
        self.authenticate(Some(time));
    }

    fn authenticate(&self, time: Option<Duration>) {
        self.record.authenticate(time);
        self.record.look();
    }

    /// Gives it a tag, by which [`Registry::tagged`] finds it: a room, a topic, a user; it may have
    /// 256, of 256 bytes each
    ///
    /// # Errors
    ///
    /// It has too many, the tag is too long, or the connection has ended.
    pub fn tag(&self, tag: &str) -> Result<(), TagError> {
        self.registry().inner.tags.add(self, tag)
    }

    /// Takes a tag away; whether it had it
    pub fn untag(&self, tag: &str) -> bool {
        self.registry().inner.tags.remove(self, tag)
    }

    /// Its tags, in no order
    #[must_use]
    pub fn tags(&self) -> Vec<Arc<str>> {
        self.corner().lock().as_ref().map(|aside| aside.tags.all()).unwrap_or_default()
    }

    /// How the connection is
    ///
    /// `now` is what the server's [`wheel`](crate::Server::wheel) says.
    #[must_use]
    pub fn stats(&self, now: Instant) -> Stats {
        Stats::of(&self.record, now)
    }

    /// Why the connection ended; `None` before, and if its handler dropped it first
    #[must_use]
    pub fn cause(&self) -> Option<Cause> {
        self.record.cause()
    }

    /// Takes out the messages that the mailbox still held when the connection ended; empty before
    #[must_use]
    pub fn unsent(&self) -> Vec<Message> {
        self.record.unsent()
    }
}

impl<X> Clone for ConnectionHandle<X> {
    fn clone(&self) -> Self {
        Self { record: self.record.clone() }
    }
}

impl<X: fmt::Debug> fmt::Debug for ConnectionHandle<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionHandle")
            .field("id", &self.id())
            .field("facts", self.facts())
            .field("live", &self.is_live())
            .finish()
    }
}
