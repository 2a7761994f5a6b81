//! One shard: a table of deadlines behind a lock, and its time in front of it. Nothing of another
//! crate runs while the lock is held: a waker's code may drop a task, and with it a slot of this
//! very shard.

use core::sync::atomic::{AtomicU64, Ordering};
use core::task::Waker;
use std::sync::{Mutex, MutexGuard, PoisonError};

use alloc::vec::Vec;

use super::task::Kinds;
use super::turn::BATCH;
use super::{DeadlineKey, Deadlines};
use crate::time::Instant;

/// A part of a wheel, with a [`Turn`](super::Turn) of its own
///
/// # Which entry is whose
///
/// A slot knows its entry by the place in the table and the tick A at which it is due. The entry is
/// there exactly while A is ahead of `turned`: only its slot and the turn take it out, the turn when
/// it stores `turned` >= A, under the lock, and the slot then forgets it. So whoever finds A ahead
/// of `turned` under the lock, or would be told so by a later look, finds its own entry at the
/// place and nobody else's.
///
/// # Why no wake-up is lost although slots read `turned` without the lock
///
/// A slot that finds its deadline ahead of `turned`, its entry there and its task unchanged returns
/// `Pending` without the lock. Its entry was due at a tick A, and the turn to A or beyond does in
/// this order: takes the entry's waker (under the lock), stores `turned` >= A (release, under the
/// lock), calls the waker. Either the slot's load (acquire) saw that store, and then it did not
/// return `Pending`; or it did not, and then the call of the waker is not ordered before this poll.
/// A task is polled at least once after each call of its waker, and that poll sees everything
/// before the call, so it sees `turned`. What the lock-free path relies on is only that the
/// registered waker is the latest poll's, and every change of it takes the lock: before the entry
/// was taken, and then the new waker is called; or after, and then the slot sees `turned` under the
/// lock and does not wait. The turn calls at most [`BATCH`](super::turn::BATCH) wakers a poll; it
/// has woken itself for the rest, and calls them when it is dropped.
///
/// The other direction: the turn publishes when it will look next (`next`) and its own waker
/// under the lock; a slot that comes with an earlier deadline takes that waker out under the same
/// lock and calls it, so the turn looks again.
///
/// # Why the task may be told by its waker's address
///
/// The slot keeps the data pointer of the waker in the table and the kind of its vtable, not the
/// waker. [`Waker::will_wake`] compares just these two, so equality says that the table's waker
/// wakes the polling task, as long as the pointer still means what it meant. It does while the
/// table owns that waker. Could the turn have dropped it, and a new task have got its address? Then
/// the drop, which comes after the turn's store to `turned`, happens before the address is given
/// out anew, that before the new task is polled, and that before this slot loads `turned`: it sees
/// the store, and does not compare. So the load must come first, and it does.
#[repr(align(128))] // No two shards on one cache line, nor on two that are fetched as a pair
pub(super) struct Shard {
    /// The newest tick that was turned to, in nanoseconds; `u64::MAX` once the turn was dropped, so
    /// that every deadline has passed
    turned: AtomicU64,
    kinds: Kinds,
    state: Mutex<State>,
    #[cfg(test)]
    locked: core::sync::atomic::AtomicUsize,
}

pub(super) struct State {
    /// `None` once the turn was dropped
    deadlines: Option<Deadlines<Waker>>,
    /// When the turn will look next; never while it waits for a first deadline
    next: Instant,
    /// The turn's waker, until it is called
    turn: Option<Waker>,
    /// Whether the turn was given out
    claimed: bool,
}

/// An entry of a shard's table, as its slot knows it
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) place: u32,
    /// The tick at which it is taken out: it is there exactly while this is ahead of `turned`
    pub(super) due_at: Instant,
}

impl Shard {
    pub(super) fn new() -> Self {
        let state = State {
            deadlines: Some(Deadlines::new()),
            next: Instant::NEVER,
            turn: None,
            claimed: false,
        };
        Self {
            turned: AtomicU64::new(0),
            kinds: Kinds::default(),
            state: Mutex::new(state),
            #[cfg(test)]
            locked: Default::default(),
        }
    }

    /// What has become due, by this shard's time; takes no lock
    pub(super) fn turned(&self) -> Instant {
        Instant::from_nanos(self.turned.load(Ordering::Acquire))
    }

    pub(super) const fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// Waits for `deadline`; the entry's place, or `None` if the deadline has passed
    pub(super) fn register(&self, deadline: Instant, waker: Waker) -> Option<u32> {
        let mut state = self.lock();
        if deadline <= self.turned() {
            return None;
        }
        let deadlines = state.deadlines.as_mut()?;
        let key = deadlines.insert(deadline, waker);
        let due_at = deadlines.due_at(deadline);
        let turn = state.hasten(due_at);
        drop(state);
        call(turn);
        Some(key.place())
    }

    /// Has the entry wake another task, if it is still there
    pub(super) fn hand_over(&self, entry: Entry, waker: Waker) -> Result<(), Waker> {
        let mut state = self.lock();
        let Some((deadlines, key)) = state.find(entry, self.turned()) else {
            return Err(waker);
        };
        let Some(registered) = deadlines.get_mut(key) else {
            return Err(waker);
        };
        let old = core::mem::replace(registered, waker);
        drop(state);
        drop(old);
        Ok(())
    }

    /// Moves an entry; whether it is there now. If the deadline has passed its task is woken
    pub(super) fn move_to(&self, entry: Entry, deadline: Instant) -> bool {
        let mut state = self.lock();
        let turned = self.turned();
        let Some((deadlines, key)) = state.find(entry, turned) else {
            return false;
        };
        if deadline <= turned {
            let waker = deadlines.remove(key);
            drop(state);
            call(waker);
            return false;
        }
        deadlines.move_to(key, deadline);
        let due_at = deadlines.due_at(deadline);
        let turn = state.hasten(due_at);
        drop(state);
        call(turn);
        true
    }

    /// Frees an entry, if it is still there
    pub(super) fn remove(&self, entry: Entry) {
        let mut state = self.lock();
        let found = state.find(entry, self.turned());
        let waker = found.and_then(|(deadlines, key)| deadlines.remove(key));
        drop(state);
        drop(waker);
    }

    /// Turns to `now`: appends the wakers of what has become due, and says when to turn next
    ///
    /// `turn` is called if an earlier deadline comes before that. After a stall it stops at the tick
    /// that makes a batch full, so that the lock is not held for the whole crowd; then the next turn
    /// is due at once.
    pub(super) fn turn(
        &self,
        now: Instant,
        turn: Waker,
        due: &mut Vec<(Instant, Waker)>,
    ) -> Instant {
        let mut state = self.lock();
        let Some(deadlines) = state.deadlines.as_mut() else {
            return Instant::NEVER;
        };
        while due.len() < BATCH {
            let tick = deadlines.poll_timeout();
            deadlines.advance(tick.min(now), due);
            if tick >= now {
                break;
            }
        }
        self.turned.store(deadlines.turned_to().as_nanos(), Ordering::Release);
        let next = deadlines.poll_timeout();
        state.next = next;
        let old = state.turn.replace(turn);
        drop(state);
        drop(old);
        next
    }

    /// Completes every sleep, now and henceforth
    pub(super) fn close(&self) {
        let mut state = self.lock();
        let deadlines = state.deadlines.take();
        let turn = state.turn.take();
        self.turned.store(Instant::NEVER.as_nanos(), Ordering::Release);
        drop(state);
        drop(turn);
        deadlines.into_iter().flat_map(Deadlines::into_payloads).for_each(Waker::wake);
    }

    /// Whether the caller is the one who turns this shard: true once
    pub(super) fn claim(&self) -> bool {
        !core::mem::replace(&mut self.lock().claimed, true)
    }

    /// How often the lock was taken since this was last asked
    #[cfg(test)]
    pub(super) fn take_locked(&self) -> usize {
        self.locked.swap(0, Ordering::Relaxed)
    }

    /// How many entries were looked at since this was last asked
    #[cfg(test)]
    pub(super) fn take_visited(&self) -> usize {
        let mut state = self.state.lock().unwrap();
        state.deadlines.as_mut().map_or(0, |table| core::mem::take(&mut table.visited))
    }

    /// How many entries there is storage for
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.lock().deadlines.as_ref().map_or(0, Deadlines::capacity)
    }

    pub(super) fn len(&self) -> usize {
        self.lock().deadlines.as_ref().map_or(0, Deadlines::len)
    }

    /// No step leaves the state half-changed, so a panic of another thread is no reason to stop
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        #[cfg(test)]
        self.locked.fetch_add(1, Ordering::Relaxed);
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shard {
    fn drop(&mut self) {
        // A turn that waits for the first slot would wait for ever.
        let turn = self.lock().turn.take();
        call(turn);
    }
}

impl State {
    /// The entry in the table, if it is still there
    fn find(
        &mut self,
        entry: Entry,
        turned: Instant,
    ) -> Option<(&mut Deadlines<Waker>, DeadlineKey)> {
        let deadlines = self.deadlines.as_mut().filter(|_| entry.due_at > turned)?;
        let key = deadlines.key_at(entry.place)?;
        Some((deadlines, key))
    }

    /// The waker to call if the turn has to look earlier than it means to
    fn hasten(&mut self, due_at: Instant) -> Option<Waker> {
        if due_at >= self.next {
            return None;
        }
        self.next = due_at;
        self.turn.take()
    }
}

fn call(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
