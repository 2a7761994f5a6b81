//! What happened and was not read yet. Bounded, for whoever never reads must not have it pile up;
//! yet no message of the peer is dropped, and what an end left unconfirmed is told with the next.

use alloc::collections::VecDeque;

use crate::event::Event;

/// How much waits to be read before the oldest of it that only tells of the past is dropped, and
/// how many messages of the peer before no further connection is made
const LIMIT: usize = 64;

/// Events that wait to be read
#[derive(Debug, Default)]
pub(super) struct Unread {
    events: VecDeque<Event>,
    messages: usize,
}

impl Unread {
    /// Appends an event; what is merged away keeps at most so many bytes of unconfirmed messages
    pub(super) fn push(&mut self, event: Event, retain_bytes: usize) {
        if self.events.len() >= LIMIT {
            self.make_room(retain_bytes);
        }
        self.messages += usize::from(matches!(event, Event::Message(_)));
        self.events.push_back(event);
    }

    /// Puts an event that was read back to where it came from
    pub(super) fn push_front(&mut self, event: Event) {
        self.messages += usize::from(matches!(event, Event::Message(_)));
        self.events.push_front(event);
    }

    pub(super) fn pop(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        if matches!(event, Event::Message(_)) {
            self.messages -= 1;
        }
        Some(event)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Whether a message of the peer waits, so that no further one should be read
    pub(super) const fn has_message(&self) -> bool {
        self.messages > 0
    }

    /// Whether so many messages wait that no further connection should bring more
    pub(super) const fn is_full(&self) -> bool {
        self.messages >= LIMIT
    }

    /// Drops the oldest event that only tells of the past, or tells two ends as one
    fn make_room(&mut self, retain_bytes: usize) {
        let mut earlier_end = None;
        for index in 0..self.events.len() {
            match &mut self.events[index] {
                Event::Message(_) | Event::GaveUp(_) | Event::Closed(_) => {}
                Event::Disconnected(end) if end.unconfirmed.count > 0 => {
                    let Some(earlier) = earlier_end.replace(index) else {
                        continue;
                    };
                    let Some(Event::Disconnected(earlier)) = self.events.remove(earlier) else {
                        return;
                    };
                    // One was removed before it.
                    if let Some(Event::Disconnected(end)) = self.events.get_mut(index - 1) {
                        end.unconfirmed.prepend(earlier.unconfirmed);
                        end.unconfirmed.keep_newest(retain_bytes);
                    }
                    return;
                }
                _ => {
                    self.events.remove(index);
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::boxed::Box;
    use alloc::vec;

    use super::*;
    use crate::cause::Cause;
    use crate::message::Message;
    use crate::outcome::Disconnected;

    fn end(unconfirmed: &[&'static str]) -> Event {
        let mut end = Disconnected::new(Cause::ClosedByUs);
        end.unconfirmed.count = unconfirmed.len() as u64;
        end.unconfirmed.messages = unconfirmed.iter().map(|text| Message::from(*text)).collect();
        Event::Disconnected(Box::new(end))
    }

    fn left(mut unread: Unread) -> vec::Vec<Event> {
        core::iter::from_fn(|| unread.pop()).collect()
    }

    #[test]
    fn a_thousand_failed_attempts_do_not_pile_up_and_no_message_is_dropped() {
        let mut unread = Unread::default();
        unread.push(Event::Message(Message::from("first")), 100);
        for attempt in 0..1_000 {
            unread.push(Event::Connecting { attempt, endpoint: 0 }, 100);
            unread.push(end(&[]), 100);
        }
        let left = left(unread);
        assert_eq!(left.len(), LIMIT);
        assert_eq!(left[0], Event::Message(Message::from("first")));
        assert!(left.contains(&Event::Connecting { attempt: 999, endpoint: 0 }));
    }

    #[test]
    fn what_many_ends_left_unconfirmed_is_told_as_one_and_counted() {
        let mut unread = Unread::default();
        for _ in 0..1_000 {
            unread.push(end(&["four", ""]), 200);
        }
        let mut unconfirmed = 0;
        for event in left(unread) {
            let Event::Disconnected(end) = event else { panic!("{event:?}") };
            unconfirmed += end.unconfirmed.count;
            // Neither the payloads nor the mere number of messages grows.
            let retained = end.unconfirmed.messages.len();
            assert!((2..=5).contains(&retained), "{retained} messages retained");
        }
        assert_eq!(unconfirmed, 2_000);
    }

    #[test]
    fn messages_are_counted_and_hold_connections_up() {
        let mut unread = Unread::default();
        for count in 0..LIMIT {
            assert_eq!((unread.has_message(), unread.is_full()), (count > 0, false));
            unread.push(Event::Message(Message::from("more")), 0);
        }
        assert!(unread.is_full());
        unread.pop();
        assert!(!unread.is_full());
    }
}
