//! The virtual clock as a [`Timer`] and its [`Sleep`], with counters, so that a test can hold code
//! to a budget of clock reads and re-arms.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use everbeat_core::time::{Instant, Sleep, Timer};

use crate::agenda::{Due, Key};
use crate::world::Shared;

/// The simulation's clock
///
/// Clones share their counters; each call of [`SimHandle::timer`](crate::SimHandle::timer) makes a
/// timer with counters of its own, all on the same clock. It is `Send`, as a runtime's is.
///
/// ```
/// use std::time::Duration;
/// use everbeat_core::time::Timer;
/// use everbeat_sim::Sim;
///
/// let mut sim = Sim::seed(7);
/// let timer = sim.timer();
/// let deadline = timer.now() + Duration::from_secs(3_600);
/// sim.block_on(timer.sleep_until(deadline), Duration::from_secs(7_200))?;
/// assert_eq!(timer.now(), deadline);
/// assert_eq!((timer.clock_reads(), timer.arms()), (2, 1));
/// # Ok::<_, everbeat_sim::SimError>(())
/// ```
#[derive(Clone, Debug)]
pub struct SimTimer {
    world: Shared,
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    reads: AtomicU64,
    arms: AtomicU64,
}

impl SimTimer {
    pub(crate) fn new(world: Shared) -> Self {
        Self { world, counters: Arc::default() }
    }

    /// How often `now` was called
    #[must_use]
    pub fn clock_reads(&self) -> u64 {
        self.counters.reads.load(Ordering::Relaxed)
    }

    /// How often a sleep was made or moved
    #[must_use]
    pub fn arms(&self) -> u64 {
        self.counters.arms.load(Ordering::Relaxed)
    }
}

impl Timer for SimTimer {
    type Sleep = SimSleep;

    fn now(&self) -> Instant {
        self.counters.reads.fetch_add(1, Ordering::Relaxed);
        self.world.with(|world| world.now)
    }

    fn sleep_until(&self, deadline: Instant) -> SimSleep {
        self.counters.arms.fetch_add(1, Ordering::Relaxed);
        SimSleep {
            world: self.world.clone(),
            counters: self.counters.clone(),
            deadline,
            entry: None,
        }
    }
}

/// A sleep in virtual time
///
/// It is over on the nanosecond. It registers itself when it is polled; a reset while it is
/// registered moves the registration along, as a runtime's sleep does.
#[must_use = "a sleep does nothing unless polled"]
pub struct SimSleep {
    world: Shared,
    counters: Arc<Counters>,
    deadline: Instant,
    entry: Option<Key>,
}

impl Future for SimSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.world.with(|world| {
            if world.now >= this.deadline {
                this.entry.take().map(|key| world.agenda.cancel(key));
                return Poll::Ready(());
            }
            match this.entry {
                Some(key) => world.agenda.set_waker(key, cx.waker()),
                None => {
                    let due = Due::Sleep(cx.waker().clone());
                    this.entry = Some(world.agenda.enter(this.deadline, due));
                }
            }
            Poll::Pending
        })
    }
}

impl Sleep for SimSleep {
    fn reset(self: Pin<&mut Self>, deadline: Instant) {
        let this = self.get_mut();
        this.counters.arms.fetch_add(1, Ordering::Relaxed);
        this.deadline = deadline;
        this.world.with(|world| {
            let moved = this.entry.take().and_then(|key| world.agenda.cancel(key));
            this.entry = moved.map(|due| world.agenda.enter(deadline, due));
        });
    }
}

impl Drop for SimSleep {
    fn drop(&mut self) {
        if let Some(key) = self.entry {
            drop(self.world.with(|world| world.agenda.cancel(key)));
        }
    }
}

impl fmt::Debug for SimSleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SimSleep").field(&self.deadline).finish()
    }
}
