//! The pure table of deadlines: a hashed timing wheel over reused storage. It knows no clock, no
//! lock and no task; whoever has those says what time it is and takes what has become due.

use core::fmt;
use core::mem;
use core::time::Duration;

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::time::Instant;

/// Many deadlines, each with a payload, in constant time each
///
/// Time is cut into ticks of [`TICK`](Self::TICK). A deadline is due at the first tick that is not
/// before it, so that it is never early and at most one tick late. Inserting, moving and removing
/// take constant time, whatever the number of deadlines; a deadline further away than one
/// revolution (1,024 ticks, 51.2 s) is looked at once a revolution, any other only when it is due.
/// Freed storage is reused: the table is as large as it ever had deadlines at one time.
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
    entries: Vec<Entry<T>>,
    /// The first unused entry; they are chained through `next`
    free: u32,
    len: usize,
}

/// Names one deadline of a [`Deadlines`] table, until it is due or removed
///
/// A key that has had its time names nothing: it is never mistaken for a newer deadline's before
/// its place in the table was reused four thousand million times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeadlineKey {
    index: u32,
    generation: u32,
}

/// One revolution is 51.2 s: longer than a server's beat and timeout together (45 s), so that with
/// the defaults an entry is touched twice, when it comes and when it goes
const BUCKETS: usize = 1_024;

pub(super) const TICK: Duration = Duration::from_millis(50);
const TICK_NANOS: u64 = TICK.as_nanos() as u64;

/// The end of a list
const NONE: u32 = u32::MAX;

struct Entry<T> {
    generation: u32,
    previous: u32,
    next: u32,
    deadline: Instant,
    /// `None` while the entry is unused
    payload: Option<T>,
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
            entries: Vec::new(),
            free: NONE,
            len: 0,
        }
    }

    /// Adds a deadline; one that has passed is due at the next tick
    ///
    /// # Panics
    ///
    /// More than four thousand million deadlines at one time.
    pub fn insert(&mut self, deadline: Instant, payload: T) -> DeadlineKey {
        let index = self.allocate(deadline, payload);
        self.link(index);
        self.len += 1;
        DeadlineKey { index, generation: self.entries[index as usize].generation }
    }

    /// Moves a deadline, earlier or later; whether the key still named one
    pub fn move_to(&mut self, key: DeadlineKey, deadline: Instant) -> bool {
        if self.get_mut(key).is_none() {
            return false;
        }
        self.unlink(key.index);
        self.entries[key.index as usize].deadline = deadline;
        self.link(key.index);
        true
    }

    /// Takes a deadline out before it is due; `None` if the key names none any more
    pub fn remove(&mut self, key: DeadlineKey) -> Option<T> {
        self.get_mut(key)?;
        self.unlink(key.index);
        self.release(key.index).map(|(_, payload)| payload)
    }

    /// The payload that `key` names
    pub fn get_mut(&mut self, key: DeadlineKey) -> Option<&mut T> {
        let entry = self.entries.get_mut(key.index as usize)?;
        entry.payload.as_mut().filter(|_| entry.generation == key.generation)
    }

    /// Takes out what is due at `now` and appends it to `due`, the earliest deadline first
    ///
    /// A time that is not later than an earlier call's changes nothing.
    pub fn advance(&mut self, now: Instant, due: &mut Vec<(Instant, T)>) {
        let target = now.as_nanos() / TICK_NANOS;
        let passed = target.saturating_sub(self.turned);
        if passed == 0 || self.len == 0 {
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
        due[start..].sort_by_key(|(deadline, _)| *deadline);
    }

    /// The payloads of all deadlines, due or not, in no order
    pub fn into_payloads(self) -> impl Iterator<Item = T> {
        self.entries.into_iter().filter_map(|entry| entry.payload)
    }

    /// When to call [`advance`](Self::advance) next; [`Instant::NEVER`] if there is no deadline
    ///
    /// Nothing is due before. Exact for a deadline within a revolution; a further one may ask for
    /// a call, once a revolution, that finds nothing due. May change after every call that takes
    /// `&mut self`.
    #[must_use]
    pub fn poll_timeout(&self) -> Instant {
        if self.len == 0 {
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
        self.len
    }

    /// Whether there is none
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[cfg(test)]
    pub(super) const fn capacity_in_use(&self) -> usize {
        self.entries.len()
    }

    /// Moves the due entries of one bucket to `due`
    fn drain_bucket(&mut self, bucket: usize, target: u64, due: &mut Vec<(Instant, T)>) {
        let mut index = self.heads[bucket];
        while index != NONE {
            let Entry { next, deadline, .. } = self.entries[index as usize];
            if self.due_tick(deadline) <= target {
                self.unlink(index);
                due.extend(self.release(index));
            }
            index = next;
        }
    }

    /// The tick of an entry's bucket
    ///
    /// Also right for an entry that was inserted when its deadline had passed: it went to the tick
    /// after `turned`, and `turned` cannot have moved since without taking it out.
    fn due_tick(&self, deadline: Instant) -> u64 {
        deadline.as_nanos().div_ceil(TICK_NANOS).max(self.turned + 1)
    }

    fn link(&mut self, index: u32) {
        let bucket = bucket_of(self.due_tick(self.entries[index as usize].deadline));
        let next = mem::replace(&mut self.heads[bucket], index);
        self.occupied[bucket / 64] |= 1 << (bucket % 64);
        let entry = &mut self.entries[index as usize];
        entry.previous = NONE;
        entry.next = next;
        if next != NONE {
            self.entries[next as usize].previous = index;
        }
    }

    fn unlink(&mut self, index: u32) {
        let Entry { previous, next, deadline, .. } = self.entries[index as usize];
        if next != NONE {
            self.entries[next as usize].previous = previous;
        }
        if previous != NONE {
            self.entries[previous as usize].next = next;
            return;
        }
        let bucket = bucket_of(self.due_tick(deadline));
        self.heads[bucket] = next;
        if next == NONE {
            self.occupied[bucket / 64] &= !(1 << (bucket % 64));
        }
    }

    /// A free entry, filled but not in any list
    fn allocate(&mut self, deadline: Instant, payload: T) -> u32 {
        if let Some(entry) = self.entries.get_mut(self.free as usize) {
            let index = mem::replace(&mut self.free, entry.next);
            entry.deadline = deadline;
            entry.payload = Some(payload);
            return index;
        }
        assert!(self.entries.len() < NONE as usize, "a table holds at most 2^32 - 1 deadlines");
        let index = self.entries.len() as u32;
        let payload = Some(payload);
        self.entries.push(Entry { generation: 0, previous: NONE, next: NONE, deadline, payload });
        index
    }

    /// Frees an entry that is in no list
    fn release(&mut self, index: u32) -> Option<(Instant, T)> {
        let entry = &mut self.entries[index as usize];
        let payload = entry.payload.take()?;
        entry.generation = entry.generation.wrapping_add(1);
        entry.next = mem::replace(&mut self.free, index);
        self.len -= 1;
        Some((entry.deadline, payload))
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
            .field("len", &self.len)
            .field("turned_to", &self.turned_to())
            .field("poll_timeout", &self.poll_timeout())
            .finish()
    }
}

const fn bucket_of(tick: u64) -> usize {
    (tick % BUCKETS as u64) as usize
}

/// Saturating: the tick after the last one that a clock can reach is never
fn start_of(tick: u64) -> Instant {
    Instant::from_nanos(tick.saturating_mul(TICK_NANOS))
}
