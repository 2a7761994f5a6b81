//! What a crowd has seen so far, written by its connections and read by whoever tells of it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Numbers of all connections together
#[derive(Debug)]
pub struct Counts {
    begun: Instant,
    connected: AtomicU64,
    pings: AtomicU64,
    answered: AtomicU64,
    echoes: AtomicU64,
    closed: AtomicU64,
    /// The longest time without a Ping that has ended since it was last told of, in nanoseconds
    gap: AtomicU64,
    /// When each connection last heard a Ping, counted from the beginning; 0 if it is not there
    heard: Vec<AtomicU64>,
}

impl Counts {
    /// Of so many connections, none of which is there
    #[must_use]
    pub fn of(connections: usize) -> Self {
        let number = || AtomicU64::new(0);
        Self {
            begun: Instant::now(),
            connected: number(),
            pings: number(),
            answered: number(),
            echoes: number(),
            closed: number(),
            gap: number(),
            heard: (0..connections).map(|_| number()).collect(),
        }
    }

    /// A connection stands; whether it is the last
    pub fn connected(&self, who: usize) -> bool {
        self.heard[who].store(self.now(), Relaxed);
        self.connected.fetch_add(1, Relaxed) + 1 == self.heard.len() as u64
    }

    /// So many Pings came at once
    pub fn pings(&self, who: usize, pings: u64) {
        if pings > 0 {
            let now = self.now();
            let before = self.heard[who].swap(now, Relaxed);
            self.gap.fetch_max(now - before, Relaxed);
            self.pings.fetch_add(pings, Relaxed);
        }
    }

    /// The kernel has the Pongs to so many
    pub fn answered(&self, pings: u64) {
        self.answered.fetch_add(pings, Relaxed);
    }

    /// A message has come back
    pub fn echo(&self) {
        self.echoes.fetch_add(1, Relaxed);
    }

    /// A connection has ended
    pub fn closed(&self, who: usize) {
        self.heard[who].store(0, Relaxed);
        self.closed.fetch_add(1, Relaxed);
    }

    /// Everything, and how late this process was since the last time
    ///
    /// The longest time without a Ping is of this while only, that of who still waits included.
    #[must_use]
    pub fn tell(&self, late: Duration) -> Value {
        let (now, ended) = (self.now(), self.gap.swap(0, Relaxed));
        let there = self.heard.iter().map(|at| at.load(Relaxed)).filter(|&at| at > 0);
        let waiting = there.map(|at| now.saturating_sub(at)).max().unwrap_or_default();
        json!({
            "connected": self.connected.load(Relaxed), "pings": self.pings.load(Relaxed),
            "answered": self.answered.load(Relaxed), "echoes": self.echoes.load(Relaxed),
            "closed": self.closed.load(Relaxed), "late_ms": late.as_secs_f64() * 1e3,
            "gap_ms": ended.max(waiting) as f64 / 1e6,
        })
    }

    fn now(&self) -> u64 {
        (self.begun.elapsed().as_nanos() as u64).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_for_a_ping_counts_before_it_comes_and_who_has_gone_does_not() {
        let counts = Counts::of(2);
        assert!(!counts.connected(0) && counts.connected(1));
        let gap = || counts.tell(Duration::ZERO)["gap_ms"].as_f64().unwrap();
        std::thread::sleep(Duration::from_millis(20));
        counts.pings(1, 1);
        assert!(gap() >= 20.0);
        assert!(gap() >= 20.0, "the other still waits");
        counts.closed(0);
        counts.closed(1);
        assert!(gap() < f64::EPSILON);
        let told = counts.tell(Duration::ZERO);
        assert_eq!(
            (&told["pings"], &told["answered"], &told["closed"]),
            (&json!(1), &json!(0), &json!(2))
        );
    }
}
