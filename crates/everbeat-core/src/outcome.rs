//! What became of the messages: delivered, unsent or unconfirmed. None is forgotten.

mod disconnected;
mod ledger;

use alloc::vec::Vec;

use crate::message::Message;

pub use disconnected::Disconnected;
pub(crate) use ledger::Ledger;

/// How many accepted messages met which fate
///
/// `accepted` is always the sum of the others. Fates are settled in the order of acceptance: the
/// first message without a fate is the oldest that is still `pending`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// Messages taken from the application
    pub accepted: u64,
    /// A Pong came back to a Ping that was queued behind the message
    pub delivered: u64,
    /// Never written, and returned
    pub unsent: u64,
    /// Written without proof when the connection ended; returned as clones as far as retained
    pub unconfirmed: u64,
    /// Queued, or written and not yet proven
    pub pending: u64,
}

/// Messages that were written, but nothing proves that they arrived
///
/// On a plain WebSocket nobody can know more: they may have arrived or not.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Unconfirmed {
    /// How many there are, retained or not
    pub count: u64,
    /// The newest of them, as far as `retain_bytes` reaches, oldest first
    pub messages: Vec<Message>,
}

impl Unconfirmed {
    /// Puts what an earlier connection left in front
    pub(crate) fn prepend(&mut self, mut earlier: Self) {
        self.count += earlier.count;
        earlier.messages.append(&mut self.messages);
        self.messages = earlier.messages;
    }

    /// Lets go of the oldest until what is left has at most so many bytes; they stay counted
    pub(crate) fn keep_newest(&mut self, bytes: usize) {
        let mut sum = 0;
        let kept = self.messages.iter().rev().take_while(|message| {
            sum += ledger::charge(message);
            sum <= bytes
        });
        let kept = kept.count();
        self.messages.drain(..self.messages.len() - kept);
    }
}
