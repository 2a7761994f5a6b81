//! What others may do to a connection: send to it, close it, evict it. They never touch its socket;
//! they leave word in its mailbox, and its own task acts.

use std::fmt;
use std::sync::Arc;

use everbeat_core::Message;
use everbeat_core::cause::CloseFrame;

use super::mailbox::{Mailbox, MailboxError, Order};

/// One live connection of a server, from outside
///
/// A clone is a handle to the same connection, and keeps nothing alive but its mailbox. Sending
/// takes that connection's queue lock once; the connection's own messages take none.
pub struct ConnectionHandle<X> {
    facts: Arc<X>,
    mailbox: Arc<Mailbox>,
}

impl<X> ConnectionHandle<X> {
    pub(super) const fn new(facts: Arc<X>, mailbox: Arc<Mailbox>) -> Self {
        Self { facts, mailbox }
    }

    pub(crate) const fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }

    /// The connection's number, counted from 1 in the order in which upgrades finish
    #[must_use]
    pub fn id(&self) -> u64 {
        self.mailbox.id()
    }

    /// What the acceptor knows of the peer: its address, its request
    #[must_use]
    pub fn facts(&self) -> &X {
        &self.facts
    }

    /// Whether the connection's task is still there
    #[must_use]
    pub fn is_live(&self) -> bool {
        !self.mailbox.has_ended()
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
        self.mailbox.put(message.into())
    }

    /// Asks the connection to close politely, with this code and reason
    ///
    /// What is in the mailbox goes first, as far as the transport has room for it; what has not gone
    /// then is [`unsent`](Self::unsent). The handler's connection ends with
    /// [`Cause::ClosedByUs`](everbeat_core::Cause::ClosedByUs). The first order counts; a connection
    /// that is closing or has ended ignores it.
    pub fn close(&self, frame: CloseFrame) {
        self.mailbox.order(Order::Close(frame));
    }

    /// Asks the connection to close with 1008, as against the server's policy
    ///
    /// As [`close`](Self::close), but the cause is
    /// [`Expired::Evicted`](everbeat_core::cause::Expired::Evicted).
    pub fn evict(&self) {
        self.mailbox.order(Order::Evict);
    }

    /// Takes out the messages that the mailbox still held when the connection ended; empty before
    #[must_use]
    pub fn unsent(&self) -> Vec<Message> {
        self.mailbox.unsent()
    }
}

impl<X> Clone for ConnectionHandle<X> {
    fn clone(&self) -> Self {
        Self { facts: self.facts.clone(), mailbox: self.mailbox.clone() }
    }
}

impl<X: fmt::Debug> fmt::Debug for ConnectionHandle<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionHandle")
            .field("id", &self.id())
            .field("facts", &self.facts)
            .field("live", &self.is_live())
            .finish()
    }
}
