//! Rules that went wrong, each as its users met it. The exhibits show how.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use everbeat_core::time::Instant;

use super::{Act, Heard, Rule};

/// Never asks, and so learns of a death from a failing write, if at all
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct NeverAsks;

impl Rule for NeverAsks {
    fn begin(&mut self, _now: Instant) {}

    fn deadline(&self) -> Instant {
        Instant::NEVER
    }

    fn due(&mut self, _now: Instant) -> Act {
        Act::Nothing
    }
}

/// Asks, and never looks whether it was answered
#[derive(Clone, Copy, Debug)]
pub struct NeverLooks {
    interval: Duration,
    ask_at: Instant,
}

impl NeverLooks {
    /// With this interval
    #[must_use]
    pub const fn new(interval: Duration) -> Self {
        Self { interval, ask_at: Instant::NEVER }
    }
}

impl Rule for NeverLooks {
    fn begin(&mut self, now: Instant) {
        self.ask_at = now + self.interval;
    }

    fn deadline(&self) -> Instant {
        self.ask_at
    }

    fn due(&mut self, now: Instant) -> Act {
        self.ask_at = now + self.interval;
        Act::Ping
    }
}

/// Asks when it has sent nothing for an interval, and is dead if by the next such time nothing was
/// answered: who keeps sending is never asked
#[derive(Clone, Copy, Debug)]
pub struct SendPostpones {
    interval: Duration,
    sent_at: Instant,
    unanswered: bool,
}

impl SendPostpones {
    /// With this interval
    #[must_use]
    pub const fn new(interval: Duration) -> Self {
        Self { interval, sent_at: Instant::NEVER, unanswered: false }
    }
}

impl Rule for SendPostpones {
    fn begin(&mut self, now: Instant) {
        self.sent_at = now;
    }

    fn deadline(&self) -> Instant {
        self.sent_at + self.interval
    }

    fn due(&mut self, now: Instant) -> Act {
        if std::mem::replace(&mut self.unanswered, true) {
            return Act::Die("no pong since the last ping");
        }
        self.sent_at = now;
        Act::Ping
    }

    fn heard(&mut self, heard: Heard, _now: Instant) {
        self.unanswered &= !matches!(heard, Heard::Pong(_));
    }

    fn sent(&mut self, now: Instant) {
        self.sent_at = now;
    }
}

/// Says Close to a peer that has been silent for too long, and waits for its answer
#[derive(Clone, Copy, Debug)]
pub struct OnlySaysClose {
    interval: Duration,
    timeout: Duration,
    heard_at: Instant,
    tick_at: Instant,
}

impl OnlySaysClose {
    /// A Ping every `interval`, Close after `timeout` of silence
    #[must_use]
    pub const fn new(interval: Duration, timeout: Duration) -> Self {
        Self { interval, timeout, heard_at: Instant::ORIGIN, tick_at: Instant::NEVER }
    }
}

impl Rule for OnlySaysClose {
    fn begin(&mut self, now: Instant) {
        self.heard_at = now;
        self.tick_at = now + self.interval;
    }

    fn deadline(&self) -> Instant {
        self.tick_at
    }

    fn due(&mut self, now: Instant) -> Act {
        if now > self.heard_at + self.timeout {
            self.tick_at = Instant::NEVER;
            return Act::Close;
        }
        self.tick_at = now + self.interval;
        Act::Ping
    }

    fn heard(&mut self, _heard: Heard, now: Instant) {
        self.heard_at = now;
    }
}

/// Counts the times that a peer was silent for too long, and forgets none
#[derive(Clone, Copy, Debug)]
pub struct NeverForgives {
    interval: Duration,
    limit: Duration,
    failures: u32,
    most: u32,
    heard_at: Instant,
    tick_at: Instant,
}

impl NeverForgives {
    /// A Ping every `interval`; dead once `most` ticks have found more than `limit` of silence
    #[must_use]
    pub const fn new(interval: Duration, limit: Duration, most: u32) -> Self {
        let (heard_at, tick_at) = (Instant::ORIGIN, Instant::NEVER);
        Self { interval, limit, failures: 0, most, heard_at, tick_at }
    }
}

impl Rule for NeverForgives {
    fn begin(&mut self, now: Instant) {
        self.heard_at = now;
        self.tick_at = now + self.interval;
    }

    fn deadline(&self) -> Instant {
        self.tick_at
    }

    fn due(&mut self, now: Instant) -> Act {
        self.failures += u32::from(now > self.heard_at + self.limit);
        if self.failures >= self.most {
            return Act::Die("inactive too often");
        }
        self.tick_at = now + self.interval;
        Act::Ping
    }

    fn heard(&mut self, _heard: Heard, now: Instant) {
        self.heard_at = now;
    }
}

/// Compares readings of the wall clock, which can be set
#[derive(Clone, Debug)]
pub struct WallClock {
    interval: Duration,
    timeout: Duration,
    /// How far the wall clock is ahead of the timer, for whoever sets it
    ahead: Rc<Cell<Duration>>,
    heard_at: Instant,
    tick_at: Instant,
}

impl WallClock {
    /// A Ping every `interval`, dead when the wall clock says that nothing came for `timeout`
    #[must_use]
    pub fn new(interval: Duration, timeout: Duration, ahead: Rc<Cell<Duration>>) -> Self {
        let (heard_at, tick_at) = (Instant::ORIGIN, Instant::NEVER);
        Self { interval, timeout, ahead, heard_at, tick_at }
    }

    fn wall(&self, now: Instant) -> Instant {
        now + self.ahead.get()
    }
}

impl Rule for WallClock {
    fn begin(&mut self, now: Instant) {
        self.heard_at = self.wall(now);
        self.tick_at = now + self.interval;
    }

    fn deadline(&self) -> Instant {
        self.tick_at
    }

    fn due(&mut self, now: Instant) -> Act {
        if self.wall(now) > self.heard_at + self.timeout {
            return Act::Die("no data received");
        }
        self.tick_at = now + self.interval;
        Act::Ping
    }

    fn heard(&mut self, _heard: Heard, now: Instant) {
        self.heard_at = self.wall(now);
    }
}

/// Ticks, and takes a tick that comes too late for a sign that the connection has stood idle
#[derive(Clone, Copy, Debug)]
pub struct TrustsItsTimer {
    interval: Duration,
    limit: Duration,
    ticked_at: Instant,
}

impl TrustsItsTimer {
    /// A tick and a Ping every `interval`, dead when two ticks are more than `limit` apart
    #[must_use]
    pub const fn new(interval: Duration, limit: Duration) -> Self {
        Self { interval, limit, ticked_at: Instant::NEVER }
    }
}

impl Rule for TrustsItsTimer {
    fn begin(&mut self, now: Instant) {
        self.ticked_at = now;
    }

    fn deadline(&self) -> Instant {
        self.ticked_at + self.interval
    }

    fn due(&mut self, now: Instant) -> Act {
        if now > self.ticked_at + self.limit {
            return Act::Die("inactive for too long");
        }
        self.ticked_at = now;
        Act::Ping
    }
}
