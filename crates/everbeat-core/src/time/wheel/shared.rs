//! The [`Wheel`]: which shard a sleep belongs to, and how long the shards live. What happens in a
//! shard is [`Shard`]'s, when it is turned is [`Turn`]'s.

use core::fmt;
use core::num::NonZeroUsize;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::shard::Shard;
use super::{Slot, Turn};
use crate::time::{Instant, Timer};

/// One timer for many deadlines, itself a [`Timer`]
///
/// Its sleeps are [`Slot`]s: a few words each, never early, at most one tick
/// ([`Deadlines::TICK`](super::Deadlines::TICK), 50 ms) late. They are spread over shards by their
/// number, and each shard waits on one sleep of the timer below, in its [`Turn`]: a future that has
/// to be spawned. A clone is a handle to the same wheel.
///
/// ```
/// use everbeat_core::time::{Timer, Wheel};
///
/// fn start<K>(timer: K, spawn: impl Fn(everbeat_core::time::Turn<K>)) -> Wheel<K>
/// where
///     K: Timer + Clone,
/// {
///     let wheel = Wheel::new(timer);
///     wheel.turns().for_each(spawn);
///     wheel
/// }
/// ```
///
/// A wheel without its turns only waits; one whose turns were dropped, as a runtime does when it
/// shuts down, completes all its sleeps at once.
pub struct Wheel<K> {
    timer: K,
    lease: Arc<Lease>,
}

/// What wheels and slots hold; the turns end with the last of them
pub(super) struct Lease {
    pub(super) shards: Box<[Shard]>,
    /// The number of the next slot
    slots: AtomicUsize,
}

/// With two re-arms a beat, a million connections take each of eight locks 10,000 times a second,
/// for less than a microsecond; more shards would only mean more wake-ups, at most 20 a second each
const SHARDS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(7);

impl<K: Timer> Wheel<K> {
    /// A wheel of eight shards over `timer`
    #[must_use]
    pub fn new(timer: K) -> Self {
        Self::with_shards(timer, SHARDS)
    }

    /// A wheel of this many shards: locks that threads would otherwise contend for
    #[must_use]
    pub fn with_shards(timer: K, shards: NonZeroUsize) -> Self {
        let shards = (0..shards.get()).map(|_| Shard::new()).collect();
        Self { timer, lease: Arc::new(Lease { shards, slots: AtomicUsize::new(0) }) }
    }

    /// The futures that turn the wheel, one for each shard, to be spawned; each is given out once
    ///
    /// They end when the last handle to the wheel and the last [`Slot`] are gone.
    pub fn turns(&self) -> impl Iterator<Item = Turn<K>> + use<K>
    where
        K: Clone,
    {
        let (timer, lease) = (self.timer.clone(), Arc::downgrade(&self.lease));
        (0..self.lease.shards.len()).filter_map(move |shard| {
            let claimed = lease.upgrade()?.shards[shard].claim();
            claimed.then(|| Turn::new(timer.clone(), lease.clone(), shard))
        })
    }

    /// The timer below
    pub const fn timer(&self) -> &K {
        &self.timer
    }
}

impl<K> Wheel<K> {
    /// How many sleeps are being waited for; takes each shard's lock once
    #[must_use]
    pub fn len(&self) -> usize {
        self.lease.shards.iter().map(Shard::len).sum()
    }

    /// Whether no sleep is being waited for
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
impl<K> Wheel<K> {
    pub(super) fn hold_shard(&self, shard: usize) -> impl Drop + '_ {
        self.lease.shards[shard].lock()
    }

    pub(super) fn shard_lens(&self) -> alloc::vec::Vec<usize> {
        self.lease.shards.iter().map(Shard::len).collect()
    }
}

impl<K: Timer> Timer for Wheel<K> {
    type Sleep = Slot;

    fn now(&self) -> Instant {
        self.timer.now()
    }

    fn slept(&self) -> Duration {
        self.timer.slept()
    }

    fn sleep_until(&self, deadline: Instant) -> Slot {
        let number = self.lease.slots.fetch_add(1, Ordering::Relaxed);
        let shard = number % self.lease.shards.len();
        Slot::new(self.lease.clone(), shard, deadline)
    }
}

impl<K: Clone> Clone for Wheel<K> {
    fn clone(&self) -> Self {
        Self { timer: self.timer.clone(), lease: self.lease.clone() }
    }
}

impl<K> fmt::Debug for Wheel<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wheel")
            .field("shards", &self.lease.shards.len())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // A turn that waits for the first slot would wait for ever.
        self.shards.iter().for_each(Shard::wake_turn);
    }
}
