//! What a connection's own task says of it, for others to read without a lock: when it was last
//! heard, what went either way, whether a write is blocked, why it ended. And what others say to the
//! task: that the peer has authenticated.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use everbeat_core::Cause;
use everbeat_core::time::Instant;

use super::Record;
use super::marks::BLOCKED;
use crate::expire::{Blocked, GoodFor};

/// A connection's vital signs
///
/// Each is a number of its own, written by one task: whoever reads several of them may see one newer
/// than another, and that is all that can be.
#[repr(C)]
pub(super) struct Vitals {
    /// First, beside what else is touched by who writes past the task
    sent: AtomicU64,
    opened: Instant,
    heard_at: AtomicU64,
    received: AtomicU64,
}

impl Vitals {
    pub(super) const fn new(opened: Instant) -> Self {
        Self {
            opened,
            heard_at: AtomicU64::new(opened.as_nanos()),
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
        }
    }
}

impl<P: ?Sized> Record<P> {
    pub(crate) const fn opened(&self) -> Instant {
        self.vitals.opened
    }

    /// So many bytes have come in and gone out by now
    pub(crate) fn note(&self, received: u64, sent: u64, now: Instant) {
        if self.vitals.received.swap(received, Relaxed) != received {
            self.vitals.heard_at.store(now.as_nanos(), Relaxed);
        }
        self.vitals.sent.store(sent, Relaxed);
    }

    /// So many bytes have gone out past the task, which has its own count
    pub(super) fn note_passed(&self, bytes: u64) {
        self.vitals.sent.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn note_round_trip(&self, smoothed: Duration) {
        let micros = u32::try_from(smoothed.as_micros()).unwrap_or(u32::MAX);
        self.round_trip.store(micros.max(1), Relaxed);
    }

    /// A write was tried, and the operating system has taken so many bytes and no more
    pub(crate) fn note_blocked(&self, sent: u64) {
        self.tries.fetch_add(1, Relaxed);
        self.vitals.sent.store(sent, Relaxed);
    }

    /// The write that is blocked, as its transport has marked it
    ///
    /// Who cannot tell what was sent cannot tell whether it gets on either, and is never blocked.
    pub(crate) fn blocked(&self) -> Option<Blocked> {
        if !self.marks.any(BLOCKED) {
            return None;
        }
        let sent = self.vitals.sent.load(Relaxed);
        (sent > 0).then(|| Blocked { sent, tries: self.tries.load(Relaxed) })
    }

    /// The peer was found to be whom it says: from when the task knows of it on, for this time or as
    /// long as the server's rules say; the last call counts
    pub(super) fn authenticate(&self, time: Option<Duration>) {
        let mut lock = self.corner.lock();
        let good_for = time.map_or(GoodFor::ByTheRules, GoodFor::Time);
        lock.get_or_insert_default().good_for = Some(good_for);
        self.mark_authenticated(true);
    }

    /// What was said of the peer's authentication since this was last asked
    pub(crate) fn take_authenticated(&self) -> Option<GoodFor> {
        // A look costs less than a lock, and is had at every wake-up
        if !self.is_authenticated() {
            return None;
        }
        let mut lock = self.corner.lock();
        self.mark_authenticated(false);
        lock.as_mut()?.good_for.take()
    }

    /// The connection is over
    pub(crate) fn note_end(&self, cause: &Cause) {
        let mut lock = self.corner.lock();
        // It ends once
        let end = lock.get_or_insert_default().end.get_or_insert_default();
        end.cause.get_or_insert_with(|| cause.clone());
        drop(lock);
        self.set_over();
    }

    pub(crate) fn cause(&self) -> Option<Cause> {
        self.corner.lock().as_ref()?.end.as_ref()?.cause.clone()
    }

    pub(super) fn heard_at(&self) -> Instant {
        Instant::from_nanos(self.vitals.heard_at.load(Relaxed))
    }

    pub(super) fn bytes(&self) -> (u64, u64) {
        (self.vitals.received.load(Relaxed), self.vitals.sent.load(Relaxed))
    }

    pub(super) fn round_trip(&self) -> Option<Duration> {
        match self.round_trip.load(Relaxed) {
            0 => None,
            micros => Some(Duration::from_micros(micros.into())),
        }
    }
}
