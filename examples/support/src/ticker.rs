//! A steady beat on any runtime's clock.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use everbeat_core::time::{Sleep, Timer};

/// A steady beat; who is late waits a whole turn again
#[derive(Debug)]
pub struct Ticker<K: Timer> {
    timer: K,
    every: Duration,
    sleep: K::Sleep,
}

impl<K: Timer<Sleep: Unpin>> Ticker<K> {
    /// Beats at once, and then every so often
    #[must_use]
    pub fn new(timer: K, every: Duration) -> Self {
        Self::starting_in(Duration::ZERO, timer, every)
    }

    /// Beats after `first`, and then every so often
    #[must_use]
    pub fn starting_in(first: Duration, timer: K, every: Duration) -> Self {
        Self { sleep: timer.sleep_until(timer.now() + first), timer, every }
    }

    /// The next beat
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a tick that is not waited for comes later.
    pub async fn tick(&mut self) {
        poll_fn(|cx| Pin::new(&mut self.sleep).poll(cx)).await;
        Pin::new(&mut self.sleep).reset(self.timer.now() + self.every);
    }
}
