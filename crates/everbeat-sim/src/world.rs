//! The state that everything in a simulation shares: the clock, the agenda, chance, the network
//! and the trace. Wakers are woken after its lock is released, never under it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

use everbeat_core::time::Instant;

use crate::agenda::{Agenda, Due};
use crate::machine::{HostId, Machines};
use crate::net::Network;
use crate::sleeps::Sleeps;
use crate::trace::{Happening, Trace};

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) now: Instant,
    pub(crate) rng: fastrand::Rng,
    pub(crate) agenda: Agenda,
    pub(crate) sleeps: Sleeps,
    pub(crate) machines: Machines,
    pub(crate) net: Network,
    pub(crate) trace: Trace,
    /// Who is to be woken once the lock is released; mostly one, for whom nothing is allocated
    wakes: (Option<Waker>, Vec<Waker>),
}

/// How far the world got
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Something happened at the present instant
    Happened,
    /// Time went on, and something happened
    Moved,
    /// A host's stall is over, and time may have gone on
    Thawed { host: HostId, moved: bool },
    /// Nothing more happens before the limit; it is the present now
    Reached,
    /// Nothing more happens at all
    Idle,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            seed,
            now: Instant::ORIGIN,
            rng: fastrand::Rng::with_seed(seed),
            agenda: Agenda::default(),
            sleeps: Sleeps::default(),
            machines: Machines::default(),
            net: Network::default(),
            trace: Trace::new(),
            wakes: (None, Vec::new()),
        }
    }

    /// Lets the next thing happen, if it is due by `limit`
    pub(crate) fn step(&mut self, limit: Instant) -> Step {
        let Some(next) = self.agenda.next() else {
            return Step::Idle;
        };
        if next > limit {
            self.now = self.now.max(limit);
            return Step::Reached;
        }
        let moved = next > self.now;
        self.now = self.now.max(next);
        match self.agenda.pop_due(self.now) {
            Some(Due::Sleep(id)) => self.ring(id),
            Some(Due::Timeout { wire, toward }) => self.handle_timeout(wire, toward),
            Some(Due::Thaw(host)) if self.machines.get(host).stalled(self.now).is_none() => {
                return Step::Thawed { host, moved };
            }
            Some(Due::Arrival { wire, toward }) => self.handle_arrival(wire, toward),
            Some(Due::Thaw(_)) | None => {}
        }
        if moved { Step::Moved } else { Step::Happened }
    }

    /// Nothing is scheduled before `instant`: it becomes the present
    pub(crate) fn jump(&mut self, instant: Instant) {
        self.now = self.now.max(instant);
    }

    /// A host goes on then, unless it stalls anew
    pub(crate) fn thaw_at(&mut self, until: Instant, host: HostId) {
        self.agenda.enter(until, Due::Thaw(host));
    }

    /// Whether a task may be polled, which is recorded then
    pub(crate) fn may_poll(&mut self, host: HostId, task: u64) -> bool {
        let runs = self.machines.get(host).stalled(self.now).is_none();
        if runs {
            self.record(Happening::Poll { task });
        }
        runs
    }

    pub(crate) fn record(&mut self, happening: Happening) {
        self.trace.record(self.now, happening);
    }

    pub(crate) fn wake(&mut self, waker: Option<Waker>) {
        match &mut self.wakes {
            (first @ None, _) => *first = waker,
            (_, more) => more.extend(waker),
        }
    }
}

/// The world behind its lock
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<World>>);

impl Shared {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(World::new(seed))))
    }

    /// Works on the world, then wakes whom that concerns
    ///
    /// A waker may run foreign code, which may come back here: it must not find the lock taken.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut World) -> R) -> R {
        let mut world = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let result = work(&mut world);
        let Some(first) = world.wakes.0.take() else {
            return result;
        };
        let more = std::mem::take(&mut world.wakes.1);
        drop(world);
        first.wake();
        more.into_iter().for_each(Waker::wake);
        result
    }
}

/// Its present, for a lock in a derived `Debug` could be one that is held
impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("World");
        if let Ok(world) = self.0.try_lock() {
            shown.field("seed", &world.seed).field("now", &world.now);
        }
        shown.finish_non_exhaustive()
    }
}
