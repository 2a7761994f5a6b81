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
/// Its sleeps are [`Slot`]s: four words each, and four in the wheel while they wait; never early, at most one tick
/// ([`Deadlines::TICK`](super::Deadlines::TICK), 50 ms) late. They are spread over shards by their
/// number, and each shard waits on one sleep of the timer below, in its [`Turn`]: a future that has
/// to be spawned. A clone is a handle to the same wheel: one pointer, to what all share, the timer too.
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
    shared: Arc<Shared<K>>,
}

struct Shared<K> {
    timer: K,
    /// A slot holds its own only, so that the counting of those who hold it is not for all slots in one
    /// place; a shard's turn ends with the last of them
    shards: Box<[Arc<Shard>]>,
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
        let shards = (0..shards.get()).map(|_| Arc::new(Shard::new())).collect();
        Self { shared: Arc::new(Shared { timer, shards, slots: AtomicUsize::new(0) }) }
    }

    /// The futures that turn the wheel, one for each shard, to be spawned; each is given out once
    ///
    /// They end when the last handle to the wheel and the last [`Slot`] of their shard are gone.
    pub fn turns(&self) -> impl Iterator<Item = Turn<K>> + use<K>
    where
        K: Clone,
    {
        let shared = Arc::downgrade(&self.shared);
        (0..self.shared.shards.len()).filter_map(move |shard| {
            let shared = shared.upgrade()?;
            let shard = shared.shards.get(shard).filter(|shard| shard.claim())?;
            Some(Turn::new(shared.timer.clone(), Arc::downgrade(shard)))
        })
    }

    /// The timer below
    pub fn timer(&self) -> &K {
        &self.shared.timer
    }
}

impl<K> Wheel<K> {
    /// How many sleeps are being waited for; takes each shard's lock once
    #[must_use]
    pub fn len(&self) -> usize {
        self.each().map(Shard::len).sum()
    }

    fn each(&self) -> impl Iterator<Item = &Shard> {
        self.shared.shards.iter().map(|shard| &**shard)
    }

    /// Whether no sleep is being waited for
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
impl<K> Wheel<K> {
    pub(super) fn shards(&self) -> impl Iterator<Item = &Shard> {
        self.each()
    }
}

impl<K: Timer> Timer for Wheel<K> {
    type Sleep = Slot;

    fn now(&self) -> Instant {
        self.shared.timer.now()
    }

    fn slept(&self) -> Duration {
        self.shared.timer.slept()
    }

    fn sleep_until(&self, deadline: Instant) -> Slot {
        let Shared { shards, slots, .. } = &*self.shared;
        let number = slots.fetch_add(1, Ordering::Relaxed);
        Slot::new(shards[number % shards.len()].clone(), deadline)
    }
}

impl<K> Clone for Wheel<K> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<K> fmt::Debug for Wheel<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wheel")
            .field("shards", &self.shared.shards.len())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
