//! The virtual clock as a [`Timer`] and its [`Sleep`], with counters, so that a test can hold code
//! to a budget of clock reads and re-arms.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use everbeat_core::time::{Instant, Sleep, Timer};

use crate::machine::HostId;
use crate::sleeps::SleepId;
use crate::world::Shared;

/// The simulation's clock, or a host's
///
/// Clones share their counters; each call of [`SimHandle::timer`](crate::SimHandle::timer) makes a
/// timer with counters of its own, all on the same clock. That of
/// [`Host::timer`](crate::Host::timer) is the host's: its sleeps fire late when the host has
/// stalled, and it may stop while the machine sleeps. It is `Send`, as a runtime's is.
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
    host: HostId,
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    reads: AtomicU64,
    arms: AtomicU64,
}

impl SimTimer {
    pub(crate) fn new(world: Shared, host: HostId) -> Self {
        Self { world, host, counters: Arc::default() }
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
        self.world.with(|world| world.machines.get(self.host).clock(world.now))
    }

    fn slept(&self) -> Duration {
        self.world.with(|world| {
            let clock = world.machines.get(self.host).clock(world.now);
            world.now.saturating_duration_since(clock)
        })
    }

    fn sleep_until(&self, deadline: Instant) -> SimSleep {
        self.counters.arms.fetch_add(1, Ordering::Relaxed);
        SimSleep {
            world: self.world.clone(),
            host: self.host,
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
    host: HostId,
    counters: Arc<Counters>,
    deadline: Instant,
    entry: Option<SleepId>,
}

impl Future for SimSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { world, host, deadline, entry, .. } = self.get_mut();
        world.with(|world| world.poll_sleep(entry, *host, *deadline, cx.waker()))
    }
}

impl Sleep for SimSleep {
    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn reset(self: Pin<&mut Self>, deadline: Instant) {
        let this = self.get_mut();
        this.counters.arms.fetch_add(1, Ordering::Relaxed);
        this.deadline = deadline;
        if let Some(entry) = this.entry {
            this.world.with(|world| world.move_sleep(entry, deadline));
        }
    }
}

impl Drop for SimSleep {
    fn drop(&mut self) {
        if let Some(entry) = self.entry {
            drop(self.world.with(|world| world.drop_sleep(entry)));
        }
    }
}

impl fmt::Debug for SimSleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SimSleep").field(&self.deadline).finish()
    }
}
