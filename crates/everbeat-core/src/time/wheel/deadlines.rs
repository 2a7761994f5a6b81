//! The pure table of deadlines: a hashed timing wheel over reused storage. It knows no clock, no
//! lock and no task; whoever has those says what time it is and takes what has become due.

use core::fmt;
use core::mem;
use core::time::Duration;

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::slab::{LIMIT, Slab};
use crate::time::Instant;

/// Many deadlines, each with a payload, in constant time each
///
/// Time is cut into ticks of [`TICK`](Self::TICK). A deadline is due at the first tick that is not
/// before it, so that it is never early and at most one tick late. Inserting, moving and removing
/// take constant time, whatever the number of deadlines; a deadline further away than one
/// revolution (1,024 ticks, 51.2 s) is looked at once a revolution, any other only when it is due.
/// Entries are 16 bytes beside their payload, in chunks of 128, and freed storage is reused from
/// the lowest chunk on; a chunk that nothing is left in is given back.
///
/// It is pure: [`advance`](Self::advance) is told the time, [`poll_timeout`](Self::poll_timeout)
/// says when to call it next.
///
/// ```
/// use core::time::Duration;
/// use everbeat_core::time::{Deadlines, Instant};
///
/// let mut deadlines = Deadlines::new();
/// let soon = Instant::from_origin(Duration::from_secs(1));
/// deadlines.insert(soon, "first");
/// let second = deadlines.insert(soon + Duration::from_secs(1), "second");
/// assert_eq!(deadlines.poll_timeout(), soon);
///
/// let mut due = Vec::new();
/// deadlines.advance(soon, &mut due);
/// assert_eq!(due, [(soon, "first")]);
/// assert_eq!(deadlines.remove(second), Some("second"));
/// assert!(deadlines.is_empty());
/// ```
pub struct Deadlines<T> {
    /// The newest tick that [`advance`](Self::advance) has finished; entries of later ticks only
    turned: u64,
    /// The first entry of each bucket's list; a tick's bucket is its number modulo their count
    heads: Box<[u32; BUCKETS]>,
    /// A bit for each bucket that has entries, so that the next one is found 64 at a time
    occupied: [u64; BUCKETS / 64],
    entries: Slab<Entry<T>>,
    /// Of the newest entry
    generation: u32,
    /// How many entries [`advance`](Self::advance) has looked at
    #[cfg(test)]
    pub(super) visited: usize,
}

/// Names one deadline of a [`Deadlines`] table, until it is due or removed
///
/// A key that has had its time names nothing: it is not mistaken for a newer deadline's before four
/// thousand million more were inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeadlineKey {
    index: u32,
    generation: u32,
}

#[cfg(feature = "std")]
impl DeadlineKey {
    /// What is left of a key for whoever knows otherwise that its deadline is still there
    pub(super) const fn place(self) -> u32 {
        self.index
    }
}

/// One revolution is 51.2 s: longer than a server's beat and timeout together (45 s), so that with
/// the defaults an entry is touched twice, when it comes and when it goes
const BUCKETS: usize = 1_024;

pub(super) const TICK: Duration = Duration::from_millis(50);
const TICK_NANOS: u64 = TICK.as_nanos() as u64;

/// The first tick that is not before `deadline`
pub(super) const fn tick_of(deadline: Instant) -> u64 {
    deadline.as_nanos().div_ceil(TICK_NANOS)
}

/// The end of a list
const NONE: u32 = u32::MAX;

/// In `previous`: not an entry's number, but that of the bucket whose first entry this is
const FIRST: u32 = LIMIT;

/// The tick at which it is due is `revolution` times the buckets, plus its bucket's number: in four
/// bytes until long after the last instant
struct Entry<T> {
    generation: u32,
    revolution: u32,
    previous: u32,
    next: u32,
    payload: T,
}

impl<T> Deadlines<T> {
    /// The granularity: 50 ms, half of the shortest interval that can be set
    pub const TICK: Duration = TICK;

    /// An empty table whose time is the timer's origin
    #[must_use]
    pub fn new() -> Self {
        Self {
            turned: 0,
            heads: Box::new([NONE; BUCKETS]),
            occupied: [0; BUCKETS / 64],
            entries: Slab::new(),
            generation: 0,
            #[cfg(test)]
            visited: 0,
        }
    }

    /// Adds a deadline; one that has passed is due at the next tick
    ///
    /// # Panics
    ///
    /// More than two thousand million deadlines at one time.
    pub fn insert(&mut self, deadline: Instant, payload: T) -> DeadlineKey {
        self.generation = self.generation.wrapping_add(1);
        let generation = self.generation;
        let entry = Entry { generation, revolution: 0, previous: NONE, next: NONE, payload };
        let index = self.entries.insert(entry);
        self.link(index, deadline);
        DeadlineKey { index, generation }
    }

    /// Moves a deadline, earlier or later; whether the key still named one
    pub fn move_to(&mut self, key: DeadlineKey, deadline: Instant) -> bool {
        let named = self.get_mut(key).is_some();
        if named {
            self.unlink(key.index);
            self.link(key.index, deadline);
        }
        named
    }

    /// Takes a deadline out before it is due; `None` if the key names none any more
    pub fn remove(&mut self, key: DeadlineKey) -> Option<T> {
        self.get_mut(key)?;
        self.unlink(key.index);
        self.entries.remove(key.index).map(|entry| entry.payload)
    }

    /// The payload that `key` names
    pub fn get_mut(&mut self, key: DeadlineKey) -> Option<&mut T> {
        let entry = self.entries.get_mut(key.index)?;
        (entry.generation == key.generation).then_some(&mut entry.payload)
    }

    /// Takes out what is due at `now` and appends it to `due`, each with the tick it was due at,
    /// the earliest tick first
    ///
    /// A time that is not later than an earlier call's changes nothing.
    pub fn advance(&mut self, now: Instant, due: &mut Vec<(Instant, T)>) {
        let target = now.as_nanos() / TICK_NANOS;
        let passed = target.saturating_sub(self.turned);
        if passed == 0 || self.is_empty() {
            self.turned = self.turned.max(target);
            return;
        }
        let start = due.len();
        // After a stall longer than a revolution every bucket is looked at, and none twice.
        let first = self.turned + 1;
        for tick in first..first + passed.min(BUCKETS as u64) {
            let bucket = bucket_of(tick);
            if self.is_occupied(bucket) {
                self.drain_bucket(bucket, target, due);
            }
        }
        self.turned = target;
        if passed > BUCKETS as u64 {
            due[start..].sort_by_key(|(tick, _)| *tick);
        }
    }

    /// The payloads of all deadlines, due or not, in no order
    pub fn into_payloads(self) -> impl Iterator<Item = T> {
        self.entries.into_values().map(|entry| entry.payload)
    }

    /// When to call [`advance`](Self::advance) next; [`Instant::NEVER`] if there is no deadline
    ///
    /// Nothing is due before. Exact for a deadline within a revolution; a further one may ask for
    /// a call, once a revolution, that finds nothing due. May change after every call that takes
    /// `&mut self`.
    #[must_use]
    pub fn poll_timeout(&self) -> Instant {
        if self.is_empty() {
            return Instant::NEVER;
        }
        let first = bucket_of(self.turned + 1);
        let (word, bit) = (first / 64, first % 64);
        let words = self.occupied.len();
        for step in 0..=words {
            let mut bits = self.occupied[(word + step) % words];
            // The first word is seen twice: its upper part at the start, its lower at the end.
            if step == 0 {
                bits &= u64::MAX << bit;
            }
            if bits != 0 {
                let bucket = (word + step) % words * 64 + bits.trailing_zeros() as usize;
                let ahead = (bucket + BUCKETS - first) % BUCKETS;
                return start_of(self.turned + 1 + ahead as u64);
            }
        }
        Instant::NEVER
    }

    /// The tick at which a deadline that is inserted now would be due
    #[must_use]
    pub fn due_at(&self, deadline: Instant) -> Instant {
        start_of(self.due_tick(deadline))
    }

    /// The newest tick that has been turned to: what is due up to it has been taken out
    #[must_use]
    pub fn turned_to(&self) -> Instant {
        start_of(self.turned)
    }

    /// How many deadlines there are
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The key of the deadline whose [`place`](DeadlineKey::place) this is
    #[cfg(feature = "std")]
    pub(super) fn key_at(&self, index: u32) -> Option<DeadlineKey> {
        let generation = self.entries.get(index)?.generation;
        Some(DeadlineKey { index, generation })
    }

    #[cfg(test)]
    pub(super) const ENTRY_BYTES: usize = Slab::<Entry<T>>::PLACE_BYTES;

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.entries.capacity()
    }

    /// Moves the due entries of one bucket to `due`
    fn drain_bucket(&mut self, bucket: usize, target: u64, due: &mut Vec<(Instant, T)>) {
        let mut index = self.heads[bucket];
        while let Some(&Entry { next, revolution, .. }) = self.entries.get(index) {
            #[cfg(test)]
            {
                self.visited += 1;
            }
            let tick = u64::from(revolution) * BUCKETS as u64 + bucket as u64;
            if tick <= target {
                self.unlink(index);
                due.extend(self.entries.remove(index).map(|entry| (start_of(tick), entry.payload)));
            }
            index = next;
        }
    }

    fn due_tick(&self, deadline: Instant) -> u64 {
        tick_of(deadline).max(self.turned + 1)
    }

    /// Puts an entry that is in no list first in the list of its bucket
    fn link(&mut self, index: u32, deadline: Instant) {
        let tick = self.due_tick(deadline);
        let bucket = bucket_of(tick);
        let next = mem::replace(&mut self.heads[bucket], index);
        self.occupied[bucket / 64] |= 1 << (bucket % 64);
        if let Some(entry) = self.entries.get_mut(index) {
            entry.revolution = (tick / BUCKETS as u64) as u32;
            entry.previous = FIRST | bucket as u32;
            entry.next = next;
        }
        if let Some(next) = self.entries.get_mut(next) {
            next.previous = index;
        }
    }

    fn unlink(&mut self, index: u32) {
        let Some(&Entry { previous, next, .. }) = self.entries.get(index) else {
            return;
        };
        if let Some(next) = self.entries.get_mut(next) {
            next.previous = previous;
        }
        if let Some(previous) = self.entries.get_mut(previous) {
            previous.next = next;
            return;
        }
        let bucket = (previous & !FIRST) as usize;
        self.heads[bucket] = next;
        if next == NONE {
            self.occupied[bucket / 64] &= !(1 << (bucket % 64));
        }
    }

    const fn is_occupied(&self, bucket: usize) -> bool {
        self.occupied[bucket / 64] & 1 << (bucket % 64) != 0
    }
}

impl<T> Default for Deadlines<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Deadlines<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deadlines")
            .field("len", &self.len())
            .field("turned_to", &self.turned_to())
            .field("poll_timeout", &self.poll_timeout())
            .finish()
    }
}

const fn bucket_of(tick: u64) -> usize {
    (tick % BUCKETS as u64) as usize
}

/// Saturating: the tick after the last one that a clock can reach is never
pub(super) const fn start_of(tick: u64) -> Instant {
    Instant::from_nanos(tick.saturating_mul(TICK_NANOS))
}
