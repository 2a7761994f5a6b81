//! actix's examples, the server's side: the heartbeat that its users copy.
//!
//! From `websockets/echo-actorless/src/handler.rs` of actix/examples (`HEARTBEAT_INTERVAL`,
//! `CLIENT_TIMEOUT`): every 5 s, the first time at once, the handler compares the clock with when it
//! last saw a Ping or a Pong. If that is over 10 s ago the client is gone; otherwise it is sent a
//! Ping. Data says nothing.
//!
//! tokio's interval makes up for missed ticks at once, one after the other. `future::select` asks
//! for messages before it asks for a tick, so after a stall what has arrived is handled first:
//! [`Order::ReadsFirst`]. That does not help a client whose answer came before the stall: to a rule
//! that only compares with the clock, our own stall is the client's silence.
//!
//! Simpler here: the handler can be held up by its own sends, which wait for a bounded queue, and
//! then does not tick.

use std::time::Duration;

use everbeat_core::time::Instant;

use super::{Act, Heard, Order, Rule};

/// actix's example; 5 s, and dead beyond 10 s, by default
#[derive(Clone, Copy, Debug)]
pub struct Actix {
    interval: Duration,
    timeout: Duration,
    last_heartbeat: Instant,
    tick_at: Instant,
}

impl Actix {
    /// With `HEARTBEAT_INTERVAL` and `CLIENT_TIMEOUT`
    #[must_use]
    pub const fn new(interval: Duration, timeout: Duration) -> Self {
        let (last_heartbeat, tick_at) = (Instant::ORIGIN, Instant::NEVER);
        Self { interval, timeout, last_heartbeat, tick_at }
    }
}

impl Default for Actix {
    fn default() -> Self {
        Self::new(Duration::from_secs(5), Duration::from_secs(10))
    }
}

impl Rule for Actix {
    fn begin(&mut self, now: Instant) {
        self.last_heartbeat = now;
        self.tick_at = now;
    }

    fn deadline(&self) -> Instant {
        self.tick_at
    }

    fn due(&mut self, now: Instant) -> Act {
        if now > self.last_heartbeat + self.timeout {
            return Act::Die("client heartbeat failed");
        }
        self.tick_at += self.interval;
        Act::Ping
    }

    fn heard(&mut self, heard: Heard, now: Instant) {
        if let Heard::Ping | Heard::Pong(_) = heard {
            self.last_heartbeat = now;
        }
    }

    fn order(&self) -> Order {
        Order::ReadsFirst
    }
}
