//! What a connection is told to do, by a handle or by the server.

use everbeat_core::Cause;
use everbeat_core::cause::{CloseFrame, Expired};

/// An order to end, with the words for it
#[derive(Clone, Debug)]
pub(crate) struct Order {
    /// `None` closes without any of the server's rules
    rule: Option<Expired>,
    /// In place of the rule's own words
    farewell: Option<CloseFrame>,
}

impl Order {
    pub(crate) const fn close(frame: CloseFrame) -> Self {
        Self { rule: None, farewell: Some(frame) }
    }

    pub(crate) const fn expire(rule: Expired) -> Self {
        Self { rule: Some(rule), farewell: None }
    }

    pub(crate) const fn shut_down(frame: CloseFrame) -> Self {
        Self { rule: Some(Expired::ShuttingDown), farewell: Some(frame) }
    }

    /// The cause for which the connection ends
    pub(crate) const fn cause(&self) -> Cause {
        match self.rule {
            Some(rule) => Cause::Expired(rule),
            None => Cause::ClosedByUs,
        }
    }

    /// What the peer is told, if not the cause's own words
    pub(crate) const fn farewell(&self) -> Option<&CloseFrame> {
        self.farewell.as_ref()
    }

    pub(crate) const fn rule(&self) -> Option<Expired> {
        self.rule
    }

    /// Whether the connection has `close_timeout` to obey; at a shutdown the server has a deadline
    /// of its own
    pub(crate) fn is_bounded(&self) -> bool {
        self.rule != Some(Expired::ShuttingDown)
    }
}
