//! The ledger of one connection: what was written, what is proven, what is kept to be handed back.

use alloc::collections::VecDeque;

use super::Unconfirmed;
use crate::message::Message;

/// The ledger of one connection: what was written and is not proven
///
/// Messages are numbered from 1 as they are written. A Ping is told the number of the newest one
/// before it; its Pong proves all up to that number.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    written: u64,
    proven: u64,
    retain_bytes: usize,
    retained_bytes: usize,
    /// Clones of the newest unproven messages; allocates on first use
    retained: VecDeque<Message>,
}

impl Ledger {
    pub(crate) const fn new(retain_bytes: usize) -> Self {
        Self { written: 0, proven: 0, retain_bytes, retained_bytes: 0, retained: VecDeque::new() }
    }

    /// Notes a message that goes to the transport; whether it has to be proven
    pub(crate) fn write(&mut self, message: &Message) -> bool {
        self.written += 1;
        if self.retain_bytes == 0 {
            return false;
        }
        self.retained_bytes += message.len();
        self.retained.push_back(message.clone());
        // The newest stay: they are the likeliest to be lost.
        while self.retained_bytes > self.retain_bytes {
            let Some(oldest) = self.retained.pop_front() else {
                break;
            };
            self.retained_bytes -= oldest.len();
        }
        true
    }

    /// The number of the newest message written
    pub(crate) const fn newest(&self) -> u64 {
        self.written
    }

    /// A Pong proves every message up to this number
    pub(crate) fn prove(&mut self, through: u64) {
        let through = through.min(self.written);
        if through <= self.proven {
            return;
        }
        self.proven = through;
        let unproven = usize::try_from(self.written - through).unwrap_or(usize::MAX);
        while self.retained.len() > unproven {
            let Some(delivered) = self.retained.pop_front() else {
                break;
            };
            self.retained_bytes -= delivered.len();
        }
    }

    /// How many messages are proven to have been delivered
    pub(crate) const fn proven(&self) -> u64 {
        self.proven
    }

    /// Ends the ledger: what was written without proof
    pub(crate) fn close(&mut self) -> Unconfirmed {
        let count = self.written - self.proven;
        self.written = self.proven;
        self.retained_bytes = 0;
        Unconfirmed { count, messages: core::mem::take(&mut self.retained).into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &'static str) -> Message {
        Message::from(text)
    }

    #[test]
    fn a_proof_releases_all_before_it_and_nothing_after() {
        let mut ledger = Ledger::new(1024);
        for text in ["a", "b", "c"] {
            assert!(ledger.write(&message(text)));
        }
        let mark = ledger.newest();
        ledger.write(&message("d"));
        ledger.prove(mark);
        assert_eq!(ledger.proven(), 3);
        let left = ledger.close();
        assert_eq!((left.count, left.messages), (1, alloc::vec![message("d")]));
    }

    #[test]
    fn beyond_the_limit_the_newest_are_kept_and_all_are_counted() {
        let mut ledger = Ledger::new(10);
        for text in ["aaaa", "bbbb", "cccc"] {
            ledger.write(&message(text));
        }
        let left = ledger.close();
        assert_eq!(left.count, 3);
        assert_eq!(left.messages, [message("bbbb"), message("cccc")]);
    }

    #[test]
    fn without_retention_messages_are_counted_only() {
        let mut ledger = Ledger::new(0);
        assert!(!ledger.write(&message("a")));
        let left = ledger.close();
        assert_eq!((left.count, left.messages.len()), (1, 0));
    }

    #[test]
    fn a_stale_or_foreign_mark_proves_nothing_new() {
        let mut ledger = Ledger::new(64);
        ledger.write(&message("a"));
        ledger.prove(1);
        ledger.write(&message("b"));
        ledger.prove(1);
        ledger.prove(0);
        assert_eq!(ledger.close().count, 1);
        ledger.prove(99);
        assert_eq!(ledger.close().count, 0);
    }
}
