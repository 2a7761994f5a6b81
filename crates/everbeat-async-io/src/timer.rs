//! The system's monotonic clock, and sleeps that the reactor wakes.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use everbeat_core::time::Instant;

/// The system's monotonic clock, from the moment it was made
///
/// A clone tells the same time. It stands still while the machine sleeps, except on Windows; how long
/// that was is told on Linux, Android and macOS.
#[derive(Clone, Copy, Debug)]
pub struct Timer {
    origin: std::time::Instant,
}

impl Timer {
    /// A clock that starts now
    #[must_use]
    pub fn new() -> Self {
        Self { origin: system_now() }
    }

    /// A deadline on the system's clock; one beyond its range becomes one that is far away, and is
    /// split there
    fn at(self, deadline: Instant) -> std::time::Instant {
        const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
        self.origin.checked_add(deadline.since_origin()).unwrap_or_else(|| system_now() + FAR)
    }
}

impl Default for Timer {
    fn default() -> Self {
        Self::new()
    }
}

impl everbeat_core::time::Timer for Timer {
    type Sleep = Sleep;

    fn now(&self) -> Instant {
        Instant::from_origin(self.origin.elapsed())
    }

    fn slept(&self) -> Duration {
        everbeat_ws::clock::slept()
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        Sleep { timer: *self, deadline, alarm: async_io::Timer::at(self.at(deadline)), over: false }
    }
}

/// Waits for a deadline on the system's clock
#[derive(Debug)]
#[must_use = "a sleep does nothing unless polled"]
pub struct Sleep {
    timer: Timer,
    deadline: Instant,
    alarm: async_io::Timer,
    /// The reactor's timer is ready once; after that it would wait for ever
    over: bool,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        use everbeat_core::time::Timer as _;
        while !self.over {
            ready!(Pin::new(&mut self.alarm).poll(cx));
            self.over = self.timer.now() >= self.deadline;
            if !self.over {
                // Only a part of a deadline beyond the platform's range has passed.
                let next = self.timer.at(self.deadline);
                self.alarm.set_at(next);
            }
        }
        Poll::Ready(())
    }
}

impl everbeat_core::time::Sleep for Sleep {
    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.deadline = deadline;
        self.over = false;
        let at = self.timer.at(deadline);
        self.alarm.set_at(at);
    }
}

/// The one place where the system's clock is asked for an instant
#[expect(clippy::disallowed_methods, reason = "this is the clock that a Timer makes of it")]
fn system_now() -> std::time::Instant {
    std::time::Instant::now()
}
