//! Rules that went wrong, each as its users met it. The exhibits show how.

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
