//! Java-WebSocket, either side: its lost connection check.
//!
//! From `AbstractWebSocket.java` (`restartConnectionLostTimer`, `executeConnectionLostDetection`)
//! and `Draft_6455.java`: every `connectionLostTimeout` (60 s) a task looks at all connections. One
//! whose last Pong is older than one and a half times that is closed with 1006; the others are sent
//! a Ping. Opening counts as a Pong; a Ping of the peer and data do not. So death is noticed when a
//! tick comes, 1 to 2 periods after it.
//!
//! The task runs at a fixed rate: ticks that were missed in a stall are made up for at once, one
//! after the other. It compares `System.nanoTime`, which on Linux stops while the machine sleeps.
//!
//! Simpler here: ticking and reading are two threads there, which race after a stall. Here the tick
//! goes first ([`Order::TimersFirst`]), for it is over before the other has read and decoded. As in
//! [`Ws`](super::Ws) one timer serves all: [`JavaWebSocket::phase`].

use std::time::Duration;

use everbeat_core::time::Instant;

#[cfg(doc)]
use super::Order;
use super::{Act, Heard, Rule};

/// Java-WebSocket; 60 s, and dead beyond 90 s, by default
#[derive(Clone, Copy, Debug)]
pub struct JavaWebSocket {
    interval: Duration,
    first: Duration,
    last_pong: Instant,
    tick_at: Instant,
}

impl JavaWebSocket {
    /// With `setConnectionLostTimeout`, and the first tick that long after the connection stood
    #[must_use]
    pub const fn new(interval: Duration) -> Self {
        let (last_pong, tick_at) = (Instant::ORIGIN, Instant::NEVER);
        Self { interval, first: interval, last_pong, tick_at }
    }

    /// The first tick comes so long after the connection stood
    #[must_use]
    pub const fn phase(self, first: Duration) -> Self {
        Self { first, ..self }
    }
}

impl Default for JavaWebSocket {
    fn default() -> Self {
        Self::new(Duration::from_secs(60))
    }
}

impl Rule for JavaWebSocket {
    fn begin(&mut self, now: Instant) {
        self.last_pong = now;
        self.tick_at = now + self.first;
    }

    fn deadline(&self) -> Instant {
        self.tick_at
    }

    fn due(&mut self, now: Instant) -> Act {
        if now > self.last_pong + self.interval * 3 / 2 {
            return Act::Die("no pong in time");
        }
        self.tick_at += self.interval;
        Act::Ping
    }

    fn heard(&mut self, heard: Heard, now: Instant) {
        if let Heard::Pong(_) = heard {
            self.last_pong = now;
        }
    }
}
