//! What a crowd has seen so far.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Numbers of all connections together
#[derive(Debug)]
pub struct Counts {
    clock: Clock,
    /// Upgrades that were begun, and that were granted
    pub(crate) attempts: u64,
    connected: u64,
    pings: u64,
    /// Pings whose Pongs the kernel has taken
    pub(crate) answered: u64,
    /// Messages that have come back
    pub(crate) echoes: u64,
    closed: u64,
    /// What no server may do, and connections that broke
    pub(crate) errors: u64,
    /// The longest time without a Ping that has ended since it was last told of, in nanoseconds
    gap: u64,
    waits: Vec<Wait>,
}

/// One connection's Pings, in nanoseconds from the beginning
#[derive(Clone, Copy, Debug, Default)]
struct Wait {
    /// When one was heard last; 0 if the connection is not there
    since: u64,
    /// The longest time without one
    longest: u64,
}

/// What time it is, in nanoseconds from the beginning, which itself is 1
#[derive(Debug)]
enum Clock {
    Real(Instant),
    /// A test's, which says when it moves
    #[cfg(test)]
    Told(u64),
}

impl Clock {
    fn now(&self) -> u64 {
        match self {
            Self::Real(begun) => (begun.elapsed().as_nanos() as u64).max(1),
            #[cfg(test)]
            Self::Told(now) => *now,
        }
    }
}

impl Counts {
    /// Of so many connections, none of which is there
    #[must_use]
    pub fn of(connections: usize) -> Self {
        Self::by(Clock::Real(Instant::now()), connections)
    }

    fn by(clock: Clock, connections: usize) -> Self {
        Self {
            clock,
            attempts: 0,
            connected: 0,
            pings: 0,
            answered: 0,
            echoes: 0,
            closed: 0,
            errors: 0,
            gap: 0,
            waits: vec![Wait::default(); connections],
        }
    }

    /// A connection stands
    pub fn connected(&mut self, who: usize) {
        self.waits[who].since = self.clock.now();
        self.connected += 1;
    }

    /// How many stand
    #[must_use]
    pub const fn standing(&self) -> u64 {
        self.connected - self.closed
    }

    /// A Ping came
    pub fn ping(&mut self, who: usize) {
        let now = self.clock.now();
        let wait = &mut self.waits[who];
        let gap = now - wait.since;
        (wait.since, wait.longest) = (now, wait.longest.max(gap));
        self.gap = self.gap.max(gap);
        self.pings += 1;
    }

    /// A connection that stood has ended
    pub fn closed(&mut self, who: usize) {
        self.waits[who].since = 0;
        self.closed += 1;
    }

    /// From now on only: how long each was without a Ping
    pub fn forget(&mut self) {
        let now = self.clock.now();
        for wait in &mut self.waits {
            *wait = Wait { since: if wait.since == 0 { 0 } else { now }, longest: 0 };
        }
        self.gap = 0;
    }

    /// Everything, and how late this process was since the last time
    ///
    /// `gap_ms` is of this while only, that of who still waits included; `worst_ms` and `overdue`,
    /// who was without a Ping for longer than `within`, are of all the time.
    #[must_use]
    pub fn tell(&mut self, late: Duration, within: Option<Duration>) -> Value {
        let now = self.clock.now();
        let waiting = |wait: &Wait| if wait.since == 0 { 0 } else { now - wait.since };
        let longest = self.waits.iter().map(waiting).max().unwrap_or_default();
        let worst = |wait: &Wait| wait.longest.max(waiting(wait));
        let all = self.waits.iter().map(worst).max().unwrap_or_default();
        let within = within.map_or(u64::MAX, |within| within.as_nanos() as u64);
        let overdue = self.waits.iter().filter(|wait| worst(wait) > within).count();
        let gap = std::mem::take(&mut self.gap).max(longest);
        json!({
            "connected": self.connected, "standing": self.standing(), "attempts": self.attempts,
            "pings": self.pings, "answered": self.answered, "echoes": self.echoes,
            "closed": self.closed, "errors": self.errors, "late_ms": late.as_secs_f64() * 1e3,
            "gap_ms": gap as f64 / 1e6, "worst_ms": all as f64 / 1e6, "overdue": overdue,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(counts: &mut Counts, name: &str) -> f64 {
        counts.tell(Duration::ZERO, Some(Duration::from_millis(20)))[name].as_f64().unwrap()
    }

    /// By a clock that stands still
    fn still(connections: usize) -> Counts {
        Counts::by(Clock::Told(1), connections)
    }

    fn pass(counts: &mut Counts, millis: u64) {
        counts.clock = Clock::Told(counts.clock.now() + millis * 1_000_000);
    }

    #[test]
    fn who_waits_for_a_ping_counts_before_it_comes_and_who_has_gone_does_not() {
        let mut counts = still(2);
        counts.connected(0);
        counts.connected(1);
        pass(&mut counts, 20);
        counts.ping(1);
        assert_eq!(told(&mut counts, "gap_ms"), 20.0);
        assert_eq!(told(&mut counts, "gap_ms"), 20.0, "the other still waits");
        assert_eq!(counts.standing(), 2);
        counts.closed(0);
        counts.closed(1);
        assert_eq!(told(&mut counts, "gap_ms"), 0.0);
        let sums = ["pings", "answered", "closed", "standing"].map(|name| told(&mut counts, name));
        assert_eq!(sums, [1.0, 0.0, 2.0, 0.0]);
    }

    #[test]
    fn whoever_was_ever_without_a_ping_for_too_long_is_overdue_until_it_is_forgotten() {
        let mut counts = still(4);
        counts.connected(0);
        counts.connected(1);
        pass(&mut counts, 21);
        counts.connected(2);
        counts.ping(0);
        counts.ping(0);
        assert_eq!(told(&mut counts, "overdue"), 2.0, "one had it late, one still waits");
        assert_eq!(told(&mut counts, "worst_ms"), 21.0);
        counts.forget();
        assert_eq!(told(&mut counts, "overdue"), 0.0);
        pass(&mut counts, 20);
        assert_eq!(told(&mut counts, "overdue"), 0.0, "not longer than that");
        pass(&mut counts, 1);
        assert_eq!(told(&mut counts, "overdue"), 3.0, "the fourth never came");
    }
}
