//! The ledger of one connection: what was written, what is proven, what is kept to be handed back.

use alloc::boxed::Box;
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
    /// Messages of others than the connection that have a number
    aside: u64,
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
    /// The ledger of a connection whose transport has sent so many messages before
    pub(crate) fn beside(aside: u64) -> Self {
        Self { aside, ..Self::default() }
    }

    /// Notes a message that goes to the transport, of which so many bytes may be retained; whether it
    /// has to be proven
    #[inline]
    pub(crate) fn write(&mut self, message: &Message, retain_bytes: usize) -> bool {
        self.written += 1;
        if retain_bytes == 0 {
            return false;
        }
        let retained = self.retained.get_or_insert_default();
        retained.bytes += charge(message);
        retained.entries.push_back((self.written, message.clone()));
        // The newest stay: they are the likeliest to be lost.
        while retained.bytes > retain_bytes {
            if !retained.drop_oldest() {
                break;
            }
        }
        true
    }

    /// The transport has sent so many messages for others than the connection: they are counted,
    /// and proven, like its own; whether there were more
    pub(crate) const fn note_aside(&mut self, total: u64) -> bool {
        let more = total.saturating_sub(self.aside);
        self.written += more;
        self.aside = total;
        more > 0
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
    pub(crate) fn close(&mut self) -> Unconfirmed {
        let count = self.written - self.proven;
        self.written = self.proven;
        let retained = self.retained.take().unwrap_or_default();
        let messages = retained.entries.into_iter().map(|(_, message)| message).collect();
        Unconfirmed { count, messages }
    }

    /// Gives back the room for what is retained, if nothing is
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
    use core::ops::{Deref, DerefMut};

    use super::*;

    /// A ledger with its limit
    struct Limited(Ledger, usize);

    impl Limited {
        fn write(&mut self, message: &Message) -> bool {
            self.0.write(message, self.1)
        }
    }

    impl Deref for Limited {
        type Target = Ledger;

        fn deref(&self) -> &Ledger {
            &self.0
        }
    }

    impl DerefMut for Limited {
        fn deref_mut(&mut self) -> &mut Ledger {
            &mut self.0
        }
    }

    fn ledger(retain_bytes: usize) -> Limited {
        Limited(Ledger::default(), retain_bytes)
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
        ledger.note_aside(3);
        let mark = ledger.newest();
        ledger.note_aside(4);
        ledger.write(&message("b"));
        assert_eq!((mark, ledger.newest()), (4, 6));
        ledger.prove(1);
        ledger.note_aside(4);
        assert_eq!(
            ledger.0.retained.as_ref().map_or(0, |it| it.entries.len()),
            1,
            "a is delivered, whatever came behind it"
        );
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
