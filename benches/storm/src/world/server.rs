//! The server that is there again: a backlog, and so much work for each who waits in it.

use std::collections::VecDeque;
use std::time::Duration;

use everbeat_core::time::Instant;
use everbeat_server::storm::{Slots, Turn};

use super::Setup;

pub(super) struct Server {
    /// A client and its attempt, gone or not: the kernel does not tell
    backlog: VecDeque<(u32, u32)>,
    most: usize,
    each: Duration,
    slots: Option<Slots>,
    /// Whether it has something to do before it looks into its backlog again
    busy: bool,
    /// Until when upgrades that were begun take
    begun_until: Instant,
}

impl Server {
    /// How long it takes to tell somebody to come back: to read a request and write a few lines
    pub(super) const REFUSAL: Duration = Duration::from_micros(100);

    pub(super) fn new(setup: &Setup) -> Self {
        Self {
            backlog: VecDeque::new(),
            most: setup.backlog as usize,
            each: Duration::from_secs(1) / setup.capacity,
            slots: setup.slots.then(|| Slots::new(setup.capacity)),
            busy: false,
            begun_until: Instant::ORIGIN,
        }
    }

    /// Somebody's handshake is complete; whether there is room for him
    pub(super) fn enqueue(&mut self, client: u32, attempt: u32) -> bool {
        let room = self.backlog.len() < self.most;
        if room {
            self.backlog.push_back((client, attempt));
        }
        room
    }

    /// The next from the backlog, if it is idle
    pub(super) fn take(&mut self) -> Option<(u32, u32)> {
        if self.busy { None } else { self.backlog.pop_front() }
    }

    /// What the next is told; `None` if there are no slots, and he has his upgrade
    pub(super) fn turn(&mut self, now: Instant) -> Option<Turn> {
        Some(self.slots.as_mut()?.handle_arrival(now))
    }

    /// How long an upgrade takes
    pub(super) const fn upgrade(&self) -> Duration {
        self.each
    }

    /// Begins an upgrade beside those that go on; when it is done
    pub(super) fn begin(&mut self, now: Instant) -> Instant {
        self.begun_until = self.begun_until.max(now) + self.each;
        self.begun_until
    }

    pub(super) const fn busy(&mut self) {
        self.busy = true;
    }

    pub(super) const fn idle(&mut self) {
        self.busy = false;
    }
}
