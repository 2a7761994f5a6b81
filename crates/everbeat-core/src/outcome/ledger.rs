//! The ledger of one connection: what was written, what is proven, what is kept to be handed back.

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use super::Unconfirmed;
use crate::message::Message;

/// The ledger of one connection: what was written and is not proven
///
/// Messages are numbered from 1 as they are written. A Ping is told the number of the newest one
/// before it; its Pong proves all up to that number. Those that the transport sent for others than the
/// connection are numbered, and proven, like its own: `aside` is always how many there were by then.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// The connection's own
    written: u64,
    proven: u64,
    /// From the first message that is retained on
    retained: Option<Box<Retained>>,
}

/// Clones of the newest unproven messages, by their numbers
#[derive(Debug, Default)]
struct Retained {
    entries: VecDeque<Entry>,
    bytes: usize,
}

type Entry = (u64, Message);

/// What a retained message is charged: without the entry's own size, empty messages were free
pub(super) fn charge(message: &Message) -> usize {
    message.len() + size_of::<Entry>()
}

impl Ledger {
    /// Notes a message that goes to the transport, of which so many bytes may be retained; whether it
    /// has to be proven
    #[inline]
    pub(crate) fn write(&mut self, message: &Message, aside: u64, retain_bytes: usize) -> bool {
        self.written += 1;
        if retain_bytes == 0 {
            return false;
        }
        let number = self.newest(aside);
        let retained = self.retained.get_or_insert_default();
        retained.bytes += charge(message);
        retained.entries.push_back((number, message.clone()));
        // The newest stay: they are the likeliest to be lost.
        while retained.bytes > retain_bytes {
            if !retained.drop_oldest() {
                break;
            }
        }
        true
    }

    /// The number of the newest message written
    pub(crate) const fn newest(&self, aside: u64) -> u64 {
        self.written.wrapping_add(aside)
    }

    /// Whether every message written is proven
    pub(crate) const fn is_proven(&self, aside: u64) -> bool {
        self.proven >= self.newest(aside)
    }

    /// A Pong proves every message up to this number
    #[inline]
    pub(crate) fn prove(&mut self, through: u64, aside: u64) {
        let through = through.min(self.newest(aside));
        if through <= self.proven {
            return;
        }
        self.proven = through;
        let Some(retained) = &mut self.retained else {
            return;
        };
        while retained.entries.front().is_some_and(|(number, _)| *number <= through) {
            retained.drop_oldest();
        }
    }

    /// How many messages are proven to have been delivered
    pub(crate) const fn proven(&self) -> u64 {
        self.proven
    }

    /// Ends the ledger: what was written without proof
    pub(crate) fn close(&mut self, aside: u64) -> Unconfirmed {
        let count = self.newest(aside).saturating_sub(self.proven);
        // Below zero if others sent more than is proven, which `newest` makes up for.
        self.written = self.proven.wrapping_sub(aside);
        let retained = self.retained.take().unwrap_or_default();
        let messages = retained.entries.into_iter().map(|(_, message)| message).collect();
        Unconfirmed { count, messages }
    }

    /// Gives back the room for what is retained, if nothing is
    #[inline]
    pub(crate) fn shrink(&mut self) {
        if self.retained.as_ref().is_some_and(|retained| retained.entries.is_empty()) {
            self.retained = None;
        }
    }
}

impl Retained {
    /// Forgets the oldest; whether there was one
    fn drop_oldest(&mut self) -> bool {
        let oldest = self.entries.pop_front();
        if let Some((_, message)) = &oldest {
            self.bytes -= charge(message);
        }
        oldest.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ledger with its limit, and what others sent
    struct Limited {
        ledger: Ledger,
        limit: usize,
        aside: u64,
    }

    impl Limited {
        fn write(&mut self, message: &Message) -> bool {
            self.ledger.write(message, self.aside, self.limit)
        }

        fn newest(&self) -> u64 {
            self.ledger.newest(self.aside)
        }

        fn prove(&mut self, through: u64) {
            self.ledger.prove(through, self.aside);
        }

        fn proven(&self) -> u64 {
            self.ledger.proven()
        }

        fn retained(&self) -> usize {
            self.ledger.retained.as_ref().map_or(0, |retained| retained.entries.len())
        }

        fn close(&mut self) -> Unconfirmed {
            self.ledger.close(self.aside)
        }
    }

    fn ledger(retain_bytes: usize) -> Limited {
        Limited { ledger: Ledger::default(), limit: retain_bytes, aside: 0 }
    }

    fn message(text: &'static str) -> Message {
        Message::from(text)
    }

    #[test]
    fn a_proof_releases_all_before_it_and_nothing_after() {
        let mut ledger = ledger(1024);
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
        let mut ledger = ledger(2 * charge(&message("aaaa")));
        for text in ["aaaa", "bbbb", "cccc"] {
            ledger.write(&message(text));
        }
        let left = ledger.close();
        assert_eq!(left.count, 3);
        assert_eq!(left.messages, [message("bbbb"), message("cccc")]);
    }

    #[test]
    fn an_empty_message_is_not_free() {
        let mut ledger = ledger(1_000);
        (0..10_000).for_each(|_| _ = ledger.write(&message("")));
        let left = ledger.close();
        assert_eq!((left.count, left.messages.len()), (10_000, 1_000 / charge(&message(""))));
    }

    #[test]
    fn messages_of_others_are_proven_in_their_order_and_counted() {
        let mut ledger = ledger(1_000);
        ledger.write(&message("a"));
        ledger.aside = 3;
        let mark = ledger.newest();
        ledger.aside = 4;
        ledger.write(&message("b"));
        assert_eq!((mark, ledger.newest()), (4, 6));
        ledger.prove(1);
        ledger.aside = 4;
        assert_eq!(ledger.retained(), 1, "a is delivered, whatever came behind it");
        ledger.prove(mark);
        let left = ledger.close();
        assert_eq!((left.count, left.messages), (2, alloc::vec![message("b")]));
    }

    #[test]
    fn without_retention_messages_are_counted_only() {
        let mut ledger = ledger(0);
        assert!(!ledger.write(&message("a")));
        let left = ledger.close();
        assert_eq!((left.count, left.messages.len()), (1, 0));
    }

    #[test]
    fn a_stale_or_foreign_mark_proves_nothing_new() {
        let mut ledger = ledger(64);
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
