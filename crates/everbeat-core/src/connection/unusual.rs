//! What few connections have: an end, a beat of their own, a limit on being idle; events that nobody has read, a write that failed while there was still
//! something to read, word from outside, a lateness of our own.

use core::time::Duration;

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use super::beating::Own;
use super::closing::Closing;
use crate::cause::Cause;
use crate::event::Event;
use crate::time::Instant;

/// What most connections never have, and hardly any for long
#[derive(Debug)]
pub(super) struct Unusual {
    /// Why and how it ends; `None` while it is open
    pub(super) ending: Option<Ending>,
    /// What is sent in place of Pings
    pub(super) own: Option<Own>,
    /// When a message last went either way, if that matters, and how many others had sent by then
    pub(super) last_message: Option<(Instant, u64)>,
    /// How much has come of a message that is not whole, and when the last of it did
    pub(super) unfinished: Option<(u64, Instant)>,
    /// What was read or noticed while the application was sending
    pub(super) ahead: VecDeque<Event>,
    /// Why nothing can be written any more, while what the peer had said before is being read
    pub(super) write_failed: Option<Cause>,
    /// A beat is asked for
    pub(super) probe: bool,
    /// From when on it may go out
    pub(super) probe_from: Instant,
    /// Our end's address is gone
    pub(super) address_gone: bool,
    /// How late we were for something that was due, before something was heard; zero if not worth a
    /// word
    pub(super) late: Duration,
}

/// A connection that is not open any more
#[derive(Debug)]
pub(super) enum Ending {
    Closing(Closing),
    Over(Cause),
}

impl Unusual {
    const fn new() -> Self {
        Self {
            ending: None,
            own: None,
            last_message: None,
            unfinished: None,
            ahead: VecDeque::new(),
            write_failed: None,
            probe: false,
            probe_from: Instant::ORIGIN,
            address_gone: false,
            late: Duration::ZERO,
        }
    }

    /// The connection's own, from now on if it had none
    pub(super) fn of(place: &mut Option<Box<Self>>) -> &mut Self {
        place.get_or_insert_with(|| Box::new(Self::new()))
    }

    /// Whether a message of the connection's went either way, and how many others have sent by now
    pub(super) fn note_message(&mut self, own: bool, aside: u64, now: Instant) {
        if let Some(last) = self.last_message.as_mut().filter(|last| own || last.1 != aside) {
            *last = (now, aside);
        }
    }

    pub(super) const fn closing_mut(&mut self) -> Option<&mut Closing> {
        match &mut self.ending {
            Some(Ending::Closing(closing)) => Some(closing),
            _ => None,
        }
    }

    /// Whether something is to be done or told now
    pub(super) const fn is_due(&self, now: Instant) -> bool {
        self.address_gone
            || !self.late.is_zero()
            || (self.probe && now.as_nanos() >= self.probe_from.as_nanos())
    }

    /// Whether all of it is dealt with, and nothing of it is needed any more
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.ending.is_none()
            && self.own.is_none()
            && self.last_message.is_none()
            && self.unfinished.is_none()
            && self.ahead.is_empty()
            && self.write_failed.is_none()
            && !(self.probe || self.address_gone)
            && self.late.is_zero()
            && now >= self.probe_from
    }

    /// When the beat that is asked for may go out
    pub(super) const fn probe_at(&self) -> Instant {
        if self.probe { self.probe_from } else { Instant::NEVER }
    }

    /// The oldest event that waits to be read
    pub(super) fn next(&mut self) -> Option<Event> {
        self.ahead.pop_front()
    }

    /// How many events wait to be read
    pub(super) fn unread(&self) -> usize {
        self.ahead.len()
    }

    /// Whether a message is among them
    pub(super) fn has_message(&self) -> bool {
        self.ahead.iter().any(|event| matches!(event, Event::Message(_)))
    }

    /// Keeps what happened for who reads next
    pub(super) fn stash(&mut self, event: Event) {
        let ahead = &mut self.ahead;
        if let Event::Stalled { stalled_for, slept_for } = &event {
            let earlier = ahead.iter_mut().find_map(|event| match event {
                Event::Stalled { stalled_for, slept_for } => Some((stalled_for, slept_for)),
                _ => None,
            });
            if let Some((stalled, slept)) = earlier {
                *stalled = stalled.saturating_add(*stalled_for);
                *slept = slept.saturating_add(*slept_for);
                return;
            }
        }
        // A suspicion that nobody has seen, and that is over, never was.
        if event == Event::Alive && matches!(ahead.back(), Some(Event::Suspect { .. })) {
            ahead.pop_back();
        } else {
            ahead.push_back(event);
        }
    }
}
