//! What a server has done so far and how its connections are: counters that handlers move, and the
//! registry's own percentiles. What they are written as is `told`'s.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use everbeat_core::cause::Expired;
use everbeat_core::time::Instant;
use everbeat_tokio::server::Registry;
use everbeat_tokio::server::registry::{Percentiles, Spread};

/// Counters over the server's life
#[derive(Debug, Default)]
pub(super) struct Figures {
    messages: AtomicU64,
    bytes: AtomicU64,
    left_out: AtomicU64,
    unheard: AtomicU64,
    /// By the rule's words; rare, so that a lock is cheap
    expired: Mutex<BTreeMap<String, u64>>,
}

/// All figures at one time
#[derive(Debug)]
pub(super) struct Look {
    pub(super) served: u64,
    pub(super) messages: u64,
    pub(super) bytes: u64,
    pub(super) left_out: u64,
    pub(super) expired: BTreeMap<String, u64>,
    /// Of the round trips; none where no Pong has come yet
    pub(super) round_trip: Option<Spread<Duration>>,
    pub(super) now: Percentiles,
}

impl Figures {
    pub(super) fn message(&self, bytes: usize) {
        self.messages.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// So many connections went without a broadcast
    pub(super) fn left_out(&self, connections: usize) {
        self.left_out.fetch_add(connections as u64, Ordering::Relaxed);
    }

    pub(super) fn expired(&self, rule: Expired) {
        let mut expired = self.expired.lock().unwrap_or_else(PoisonError::into_inner);
        *expired.entry(rule.to_string()).or_default() += 1;
    }

    /// A line that nobody had time to write
    pub(super) fn note_unheard(&self) {
        self.unheard.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn unheard(&self) -> u64 {
        self.unheard.load(Ordering::Relaxed)
    }

    pub(super) fn look<X>(&self, registry: &Registry<X>, now: Instant) -> Look {
        let now = registry.percentiles(now);
        Look {
            served: registry.served(),
            messages: self.messages.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            left_out: self.left_out.load(Ordering::Relaxed),
            expired: self.expired.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            round_trip: measured(now.round_trip),
            now,
        }
    }
}

/// The registry has zeros where nothing was measured, and whatever was measured took some time
fn measured(spread: Spread<Duration>) -> Option<Spread<Duration>> {
    (!spread.max.is_zero()).then_some(spread)
}
