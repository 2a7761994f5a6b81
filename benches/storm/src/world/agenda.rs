//! What happens when.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use everbeat_core::time::Instant;

/// What is due, the earliest first
#[derive(Default)]
pub(super) struct Agenda(BinaryHeap<Reverse<Event>>);

/// Something that happens; of two at the same time the order is by what, to whom
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Event {
    pub(super) at: Instant,
    pub(super) what: What,
    pub(super) client: u32,
    /// Of which attempt
    pub(super) attempt: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// A client hears that its connection is over
    Lost,
    /// It tries again
    Begin,
    /// A SYN arrives
    Syn,
    /// A client sends its SYN again
    SynAgain,
    /// A client hears that nobody listens
    Refused,
    /// That it is to come back later
    Busy,
    /// That it is connected
    Up,
    /// It has waited long enough
    GiveUp,
    /// The server has told somebody to come back
    Done,
    /// The server has done an upgrade
    Upgraded,
}

impl Agenda {
    pub(super) fn add(&mut self, at: Instant, what: What, client: u32, attempt: u32) {
        self.0.push(Reverse(Event { at, what, client, attempt }));
    }

    pub(super) fn next(&mut self) -> Option<Event> {
        self.0.pop().map(|Reverse(event)| event)
    }
}
