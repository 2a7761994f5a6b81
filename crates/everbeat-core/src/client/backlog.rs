//! What waits: messages to be sent, and events to be read. It is there only while there is some of it.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::SendError;
use super::queue::{Outbox, Queue};
use super::unread::Unread;
use crate::event::Event;
use crate::message::Message;

/// Both queues of a client; a pointer, which is null while nothing has waited for long
#[derive(Debug, Default)]
pub(super) struct Backlog(Option<Box<Queues>>);

/// A task wakes up twice or thrice for a message and its answer; an idle one twice a beat
const RESTS: u8 = 8;

#[derive(Debug, Default)]
struct Queues {
    outbox: Outbox,
    unread: Unread,
    /// How often the task may yet have nothing to do before they are let go, once they are empty
    rests: u8,
}

impl Backlog {
    /// Takes a message to be sent, if it fits
    pub(super) fn offer(&mut self, message: Message, limit: &Queue) -> Result<(), SendError> {
        self.queues().outbox.push(message, limit)
    }

    /// Takes a message to be sent, for which [`has_room`](Self::has_room) has said yes
    pub(super) fn accept(&mut self, message: Message) {
        self.queues().outbox.push_over(message);
    }

    /// Whether a message waits to be sent
    #[inline]
    pub(super) fn has_outgoing(&self) -> bool {
        self.0.as_ref().is_some_and(|queues| !queues.outbox.is_empty())
    }

    /// Whether the limit of what is to be sent is not reached yet
    pub(super) fn has_room(&self, limit: &Queue) -> bool {
        self.0.as_ref().is_none_or(|queues| queues.outbox.has_room(limit))
    }

    /// Whether a message of so many bytes, which fits into an empty queue, fits into this one
    pub(super) fn fits(&self, bytes: usize, limit: &Queue) -> bool {
        self.0.as_ref().is_none_or(|queues| queues.outbox.fits(bytes, limit))
    }

    /// The message to be sent next
    pub(super) fn next_outgoing(&mut self) -> Option<Message> {
        self.0.as_mut()?.outbox.pop()
    }

    /// All that was to be sent, and will not be
    pub(super) fn take_outgoing(&mut self) -> Vec<Message> {
        self.0.as_mut().map_or_else(Vec::new, |queues| queues.outbox.drain())
    }

    /// Takes an event that nobody reads now; what is merged away keeps at most so many bytes of
    /// unconfirmed messages
    pub(super) fn stash(&mut self, event: Event, retain_bytes: usize) {
        self.queues().unread.push(event, retain_bytes);
    }

    /// Takes back an event that was read, and will be at once: that is no use worth a memory
    pub(super) fn put_back(&mut self, event: Event) {
        self.0.get_or_insert_default().unread.push_front(event);
    }

    /// The event to be read next, if one waits
    #[inline]
    pub(super) fn next_unread(&mut self) -> Option<Event> {
        self.0.as_mut()?.unread.pop()
    }

    /// Whether a message of the peer waits to be read, so that no further one should be
    pub(super) fn has_message(&self) -> bool {
        self.0.as_ref().is_some_and(|queues| queues.unread.has_message())
    }

    /// Whether so many messages wait to be read that no further connection should bring more
    pub(super) fn is_full(&self) -> bool {
        self.0.as_ref().is_some_and(|queues| queues.unread.is_full())
    }

    /// The task has nothing to do: queues that are empty, and were so the last few times, are let go,
    /// so that a conversation allocates them once, and an idle client has none
    #[inline]
    pub(super) fn rest(&mut self) {
        if let Some(queues) = &mut self.0 {
            if queues.rests == 0 && queues.outbox.is_empty() && queues.unread.is_empty() {
                self.0 = None;
            } else {
                queues.rests = queues.rests.saturating_sub(1);
            }
        }
    }

    fn queues(&mut self) -> &mut Queues {
        let queues = self.0.get_or_insert_default();
        queues.rests = RESTS;
        queues
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_there_while_it_is_used_and_not_before_or_after() {
        let (mut backlog, limit) = (Backlog::default(), Queue::default());
        assert!(backlog.has_room(&limit) && backlog.fits(1 << 20, &limit));
        assert_eq!((backlog.next_outgoing(), backlog.next_unread()), (None, None));
        backlog.rest();
        assert!(backlog.0.is_none());

        // Whoever sends every few wake-ups has it all the time.
        for _ in 0..10 {
            backlog.offer("a message".into(), &limit).unwrap();
            assert!(backlog.has_outgoing() && backlog.next_outgoing().is_some());
            (0..RESTS).for_each(|_| backlog.rest());
            assert!(backlog.0.is_some());
        }
        backlog.rest();
        assert!(backlog.0.is_none());
    }

    #[test]
    fn what_was_put_back_and_read_leaves_nothing() {
        let mut backlog = Backlog::default();
        backlog.put_back(Event::Connecting { attempt: 1, endpoint: 0 });
        backlog.rest();
        assert_eq!(backlog.next_unread(), Some(Event::Connecting { attempt: 1, endpoint: 0 }));
        backlog.rest();
        assert!(backlog.0.is_none());
    }

    #[test]
    fn what_waits_keeps_it_however_long_it_waits() {
        let mut backlog = Backlog::default();
        backlog.accept("a message".into());
        backlog.stash(Event::Connecting { attempt: 1, endpoint: 0 }, 0);
        (0..=RESTS).for_each(|_| backlog.rest());
        assert_eq!(backlog.next_unread(), Some(Event::Connecting { attempt: 1, endpoint: 0 }));
        backlog.rest();
        assert_eq!(backlog.take_outgoing(), ["a message".into()]);
        backlog.rest();
        assert!(backlog.0.is_none());
    }
}
