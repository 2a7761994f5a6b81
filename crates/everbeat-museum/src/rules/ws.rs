//! ws for node: the recipe of its README for finding broken connections.
//!
//! From `README.md` ("How to detect and close broken connections?"): every 30 s each connection
//! whose flag is down is terminated; otherwise the flag is taken down and a Ping is sent. A Pong,
//! any, puts it up. node's `setInterval` counts the next tick from the beginning of the last, so
//! that a late tick is not made up for (`listOnTimeout` in `lib/internal/timers.js`); its event loop
//! is [`Order::TimersFirst`].
//!
//! The recipe has one timer for all connections, so that a new connection's first tick comes at any
//! time within the interval: [`Ws::phase`].

use std::time::Duration;

use everbeat_core::time::Instant;

#[cfg(doc)]
use super::Order;
use super::{Act, Heard, Rule};

/// ws's recipe; 30 s by default
#[derive(Clone, Copy, Debug)]
pub struct Ws {
    interval: Duration,
    first: Duration,
    alive: bool,
    tick_at: Instant,
}

impl Ws {
    /// With this interval, and the first tick an interval after the connection stood
    #[must_use]
    pub const fn new(interval: Duration) -> Self {
        Self { interval, first: interval, alive: true, tick_at: Instant::NEVER }
    }

    /// The first tick comes so long after the connection stood
    #[must_use]
    pub const fn phase(self, first: Duration) -> Self {
        Self { first, ..self }
    }
}

impl Default for Ws {
    fn default() -> Self {
        Self::new(Duration::from_secs(30))
    }
}

impl Rule for Ws {
    fn begin(&mut self, now: Instant) {
        self.tick_at = now + self.first;
    }

    fn deadline(&self) -> Instant {
        self.tick_at
    }

    fn due(&mut self, now: Instant) -> Act {
        if !self.alive {
            return Act::Die("no pong since the last tick");
        }
        self.alive = false;
        self.tick_at = now + self.interval;
        Act::Ping
    }

    fn heard(&mut self, heard: Heard, _now: Instant) {
        self.alive |= matches!(heard, Heard::Pong(_));
    }
}
