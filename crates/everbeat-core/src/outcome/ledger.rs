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
    /// Clones of the newest unproven messages, by their numbers; allocates on first use
    retained: VecDeque<Entry>,
    /// Messages of others than the connection that have a number
    aside: u64,
}

type Entry = (u64, Message);

/// What a retained message is charged: without the entry's own size, empty messages were free
pub(super) fn charge(message: &Message) -> usize {
    message.len() + size_of::<Entry>()
}

impl Ledger {
    pub(crate) const fn new(retain_bytes: usize) -> Self {
        Self {
            written: 0,
            proven: 0,
            retain_bytes,
            retained_bytes: 0,
            retained: VecDeque::new(),
            aside: 0,
        }
    }

    /// Notes a message that goes to the transport; whether it has to be proven
    #[inline]
    pub(crate) fn write(&mut self, message: &Message) -> bool {
        self.written += 1;
        if self.retain_bytes == 0 {
            return false;
        }
        self.retained_bytes += charge(message);
        self.retained.push_back((self.written, message.clone()));
        // The newest stay: they are the likeliest to be lost.
        while self.retained_bytes > self.retain_bytes {
            let Some((_, oldest)) = self.retained.pop_front() else {
                break;
            };
            self.retained_bytes -= charge(&oldest);
        }
        true
    }

    /// The transport has sent so many messages for others than the connection: they are counted,
    /// and proven, like its own
    pub(crate) const fn note_aside(&mut self, total: u64) {
        self.written += total.saturating_sub(self.aside);
        self.aside = total;
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
        while self.retained.front().is_some_and(|(number, _)| *number <= through) {
            if let Some((_, delivered)) = self.retained.pop_front() {
                self.retained_bytes -= charge(&delivered);
            }
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
        let messages = self.retained.drain(..).map(|(_, message)| message).collect();
        Unconfirmed { count, messages }
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
        let mut ledger = Ledger::new(2 * charge(&message("aaaa")));
        for text in ["aaaa", "bbbb", "cccc"] {
            ledger.write(&message(text));
        }
        let left = ledger.close();
        assert_eq!(left.count, 3);
        assert_eq!(left.messages, [message("bbbb"), message("cccc")]);
    }

    #[test]
    fn an_empty_message_is_not_free() {
        let mut ledger = Ledger::new(1_000);
        (0..10_000).for_each(|_| _ = ledger.write(&message("")));
        let left = ledger.close();
        assert_eq!((left.count, left.messages.len()), (10_000, 1_000 / charge(&message(""))));
    }

    #[test]
    fn messages_of_others_are_proven_in_their_order_and_counted() {
        let mut ledger = Ledger::new(1_000);
        ledger.write(&message("a"));
        ledger.note_aside(3);
        let mark = ledger.newest();
        ledger.note_aside(4);
        ledger.write(&message("b"));
        assert_eq!((mark, ledger.newest()), (4, 6));
        ledger.prove(1);
        ledger.note_aside(4);
        assert_eq!(ledger.retained.len(), 1, "a is delivered, whatever came behind it");
        ledger.prove(mark);
        let left = ledger.close();
        assert_eq!((left.count, left.messages), (2, alloc::vec![message("b")]));
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
