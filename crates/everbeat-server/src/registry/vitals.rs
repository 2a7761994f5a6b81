//! What a connection's own task says of it, for others to read without a lock: when it was last
//! heard, what went either way, whether a write is blocked, why it ended. And what others say to the
//! task: that the peer has authenticated.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use everbeat_core::Cause;
use everbeat_core::time::Instant;

use crate::expire::{Blocked, GoodFor};

/// A connection's vital signs
///
/// Each is a number of its own, written by one task: whoever reads several of them may see one newer
/// than another, and that is all that can be.
pub(crate) struct Vitals {
    opened: Instant,
    heard_at: AtomicU64,
    received: AtomicU64,
    sent: AtomicU64,
    /// Smoothed, in nanoseconds; 0 before the first
    round_trip: AtomicU64,
    /// Whether the peer was found to be whom it says, and for how long; in nanoseconds, and 0 once
    /// the task knows of it
    good_for: AtomicU64,
    /// How often a write was tried and found blocked
    tries: AtomicU32,
    /// Bytes sent when it was, and one more; 0 if it is not
    blocked_at: AtomicU64,
    cause: OnceLock<Cause>,
    /// Whether the connection was dropped
    gone: AtomicBool,
}

/// An authentication that is good for as long as the server's rules say
const BY_THE_RULES: u64 = u64::MAX;

impl Vitals {
    pub(super) const fn new(opened: Instant) -> Self {
        Self {
            opened,
            heard_at: AtomicU64::new(nanos(opened)),
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            round_trip: AtomicU64::new(0),
            good_for: AtomicU64::new(0),
            tries: AtomicU32::new(0),
            blocked_at: AtomicU64::new(0),
            cause: OnceLock::new(),
            gone: AtomicBool::new(false),
        }
    }

    pub(crate) const fn opened(&self) -> Instant {
        self.opened
    }

    /// So many bytes have come in and gone out by now
    pub(crate) fn note(&self, received: u64, sent: u64, now: Instant) {
        if self.received.swap(received, Relaxed) != received {
            self.heard_at.store(nanos(now), Relaxed);
        }
        self.sent.store(sent, Relaxed);
    }

    pub(crate) fn note_round_trip(&self, smoothed: Duration) {
        let nanos = u64::try_from(smoothed.as_nanos()).unwrap_or(u64::MAX);
        self.round_trip.store(nanos.max(1), Relaxed);
    }

    /// A write was tried, and the operating system has taken so many bytes and no more
    pub(crate) fn note_blocked(&self, sent: u64) {
        self.tries.fetch_add(1, Relaxed);
        self.blocked_at.store(sent.saturating_add(1), Relaxed);
    }

    pub(crate) fn note_unblocked(&self) {
        self.blocked_at.store(0, Relaxed);
    }

    pub(crate) fn blocked(&self) -> Option<Blocked> {
        let sent = self.blocked_at.load(Relaxed).checked_sub(1)?;
        Some(Blocked { sent, tries: self.tries.load(Relaxed) })
    }

    /// The peer was found to be whom it says: from when the task knows of it on, for this time or as
    /// long as the server's rules say; the last call counts
    pub(super) fn authenticate(&self, time: Option<Duration>) {
        let nanos = time.map_or(BY_THE_RULES, |time| {
            u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).clamp(1, BY_THE_RULES - 1)
        });
        self.good_for.store(nanos, Relaxed);
    }

    /// What was said of the peer's authentication since this was last asked
    pub(crate) fn take_authenticated(&self) -> Option<GoodFor> {
        // A look costs less than a change, and is had at every wake-up
        if self.good_for.load(Relaxed) == 0 {
            return None;
        }
        match self.good_for.swap(0, Relaxed) {
            0 => None,
            BY_THE_RULES => Some(GoodFor::ByTheRules),
            nanos => Some(GoodFor::Time(Duration::from_nanos(nanos))),
        }
    }

    /// The connection is over
    pub(crate) fn end(&self, cause: &Cause) {
        // It ends once
        _ = self.cause.set(cause.clone());
    }

    /// The connection was dropped, over or not
    pub(crate) fn leave(&self) {
        self.gone.store(true, Relaxed);
    }

    /// Whether there is nothing more to end
    pub(crate) fn is_over(&self) -> bool {
        self.cause.get().is_some() || self.gone.load(Relaxed)
    }

    pub(crate) fn cause(&self) -> Option<&Cause> {
        self.cause.get()
    }

    pub(super) fn heard_at(&self) -> Instant {
        instant(self.heard_at.load(Relaxed))
    }

    pub(super) fn bytes(&self) -> (u64, u64) {
        (self.received.load(Relaxed), self.sent.load(Relaxed))
    }

    pub(super) fn round_trip(&self) -> Option<Duration> {
        match self.round_trip.load(Relaxed) {
            0 => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }
}

/// An instant as the number that it is
const fn nanos(instant: Instant) -> u64 {
    instant.as_nanos()
}

const fn instant(nanos: u64) -> Instant {
    Instant::from_nanos(nanos)
}
