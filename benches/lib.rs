//! What the benchmarks share: a timer that stands still, and settings that every one of them uses.
//!
//! Each file in `benches/` asks one question. `cargo xtask bench` runs them all.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use everbeat_core::time::{Instant, Sleep, Timer};

/// The deadlines of a server full of connections: spread over a beat of 25 s
pub const BEAT: Duration = Duration::from_secs(25);

/// A clock that moves when it is told to, and sleeps that never wake anybody
#[derive(Clone, Debug)]
pub struct StandingTimer(Arc<AtomicU64>);

impl StandingTimer {
    /// A timer at its origin
    #[expect(clippy::new_without_default, reason = "a timer is made on purpose")]
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(AtomicU64::new(Instant::ORIGIN.as_nanos())))
    }

    /// Sets the clock
    pub fn set(&self, now: Instant) {
        self.0.store(now.as_nanos(), Ordering::Relaxed);
    }
}

impl Timer for StandingTimer {
    type Sleep = StandingSleep;

    fn now(&self) -> Instant {
        Instant::from_nanos(self.0.load(Ordering::Relaxed))
    }

    fn sleep_until(&self, deadline: Instant) -> StandingSleep {
        StandingSleep { timer: self.clone(), deadline }
    }
}

/// A sleep of [`StandingTimer`]: it is over when it is polled late enough
#[derive(Debug)]
pub struct StandingSleep {
    timer: StandingTimer,
    deadline: Instant,
}

impl Future for StandingSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.timer.now() >= self.deadline { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Sleep for StandingSleep {
    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.deadline = deadline;
    }
}

/// A point of time at random within one beat after `now`; `rng` is seeded, so that runs compare
pub fn within_a_beat(rng: &mut fastrand::Rng, now: Instant) -> Instant {
    now + BEAT.mul_f64(rng.f64())
}
