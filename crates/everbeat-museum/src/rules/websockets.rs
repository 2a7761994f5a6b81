//! websockets for Python, either side: the keepalive of its asyncio implementation.
//!
//! From `src/websockets/asyncio/connection.py` (`keepalive`, `ping`, `send_context`, `drain`): a
//! task sleeps `ping_interval` (20 s) less the last latency, sends a Ping with a payload of its own,
//! waits until the transport's buffer has room (it may hold 32 KiB, and then is to fall to 8 KiB),
//! and gives the Pong to that Ping, or to a later one, `ping_timeout` (20 s). Data says nothing.
//! The latency is counted from before the wait for room.
//!
//! After a stall asyncio runs the callback that reads the Pong before the one of the timer, but in
//! the same turn (`_run_once` in `Lib/asyncio/base_events.py`), and the task that waited for the
//! Pong runs only in the next one. By then the timer has cancelled it (`_on_timeout` in
//! `Lib/asyncio/timeouts.py`), and a Pong that was read in time to be too late is lost. A process
//! that was stopped while it waited for sockets finds its time used up and does not even read. So
//! either way: [`Order::TimersFirst`].
//!
//! Simpler here: a dead connection is dropped, where the library says Close 1011 first and waits.

use std::time::Duration;

use everbeat_core::time::Instant;

#[cfg(doc)]
use super::Order;
use super::{Act, Heard, Room, Rule};

/// websockets for Python; 20 s and 20 s by default
#[derive(Clone, Copy, Debug)]
pub struct Websockets {
    interval: Duration,
    timeout: Duration,
    pings: u64,
    requested_at: Instant,
    ask_at: Instant,
    dead_at: Instant,
}

impl Websockets {
    /// With `ping_interval` and `ping_timeout`
    #[must_use]
    pub const fn new(interval: Duration, timeout: Duration) -> Self {
        let (requested_at, never) = (Instant::ORIGIN, Instant::NEVER);
        Self { interval, timeout, pings: 0, requested_at, ask_at: never, dead_at: never }
    }
}

impl Default for Websockets {
    fn default() -> Self {
        Self::new(Duration::from_secs(20), Duration::from_secs(20))
    }
}

impl Rule for Websockets {
    fn begin(&mut self, now: Instant) {
        self.ask_at = now + self.interval;
    }

    fn deadline(&self) -> Instant {
        self.ask_at.min(self.dead_at)
    }

    fn due(&mut self, now: Instant) -> Act {
        if self.dead_at <= now {
            return Act::Die("keepalive ping timeout");
        }
        self.pings += 1;
        self.requested_at = now;
        self.ask_at = Instant::NEVER;
        Act::Ping
    }

    fn asked(&mut self, now: Instant) {
        // If its Pong was quicker than the wait for room, there is nothing to wait for.
        if self.ask_at == Instant::NEVER {
            self.dead_at = now + self.timeout;
        }
    }

    fn heard(&mut self, heard: Heard, now: Instant) {
        let waiting = self.ask_at == Instant::NEVER;
        if waiting && heard == Heard::Pong(self.pings) {
            let latency = now.saturating_duration_since(self.requested_at);
            self.dead_at = Instant::NEVER;
            self.ask_at = now + self.interval.saturating_sub(latency);
        }
    }

    fn room(&self) -> Option<Room> {
        Some(Room::new(32 << 10, 8 << 10))
    }
}
