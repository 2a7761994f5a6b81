//! Tokio's clock, paused or not, as a [`Timer`].

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use everbeat_core::time::{Instant, Sleep, Timer};

/// Tokio's clock, from the moment it was made
///
/// It follows a paused clock (`tokio::time::pause`). A clone tells the same time. It stands still while
/// the machine sleeps, except on Windows; how long that was is told on Linux, Android and macOS.
#[derive(Clone, Copy, Debug)]
pub struct TokioTimer(tokio::time::Instant);

impl TokioTimer {
    /// A clock that starts now
    #[must_use]
    pub fn new() -> Self {
        Self(tokio::time::Instant::now())
    }

    /// A deadline on tokio's clock; one beyond the platform's range becomes one that is far away
    fn at(self, deadline: Instant) -> tokio::time::Instant {
        const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
        let at = self.0.checked_add(deadline.since_origin());
        at.unwrap_or_else(|| tokio::time::Instant::now() + FAR)
    }
}

impl Default for TokioTimer {
    fn default() -> Self {
        Self::new()
    }
}

impl Timer for TokioTimer {
    type Sleep = TokioSleep;

    fn now(&self) -> Instant {
        Instant::from_origin(self.0.elapsed())
    }

    fn slept(&self) -> Duration {
        everbeat_ws::clock::slept()
    }

    fn sleep_until(&self, deadline: Instant) -> TokioSleep {
        let sleep = Box::pin(tokio::time::sleep_until(self.at(deadline)));
        TokioSleep { timer: *self, deadline, sleep }
    }
}

/// Waits for a deadline on tokio's clock
#[derive(Debug)]
pub struct TokioSleep {
    timer: TokioTimer,
    deadline: Instant,
    /// Boxed, so that what holds it can be moved
    sleep: Pin<Box<tokio::time::Sleep>>,
}

impl Future for TokioSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.sleep.as_mut().poll(cx)
    }
}

impl Sleep for TokioSleep {
    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.deadline = deadline;
        let deadline = self.timer.at(deadline);
        self.sleep.as_mut().reset(deadline);
    }
}
