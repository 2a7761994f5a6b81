//! One shard: a table of deadlines behind a lock, and its time in front of it. Nothing of another
//! crate runs while the lock is held: a waker's code may drop a task, and with it a slot of this
//! very shard.

use core::sync::atomic::{AtomicU64, Ordering};
use core::task::Waker;
use std::sync::{Mutex, MutexGuard, PoisonError};

use alloc::vec::Vec;

use super::{DeadlineKey, Deadlines};
use crate::time::Instant;

/// A part of a wheel, with a [`Turn`](super::Turn) of its own
///
/// # Why no wake-up is lost although slots read `turned` without the lock
///
/// A slot that finds its deadline ahead of `turned`, its entry registered and its waker unchanged
/// returns `Pending` without the lock. Its entry was due at a tick A, and the turn to A or beyond
/// does in this order: takes the entry's waker (under the lock), stores `turned` >= A (release,
/// under the lock), calls the waker. Either the slot's load (acquire) saw that store, and then it
/// did not return `Pending`; or it did not, and then the call of the waker is not ordered before
/// this poll. A task is polled at least once after each call of its waker, and that poll sees
/// everything before the call, so it sees `turned`. What the lock-free path relies on is only that
/// the registered waker is the latest poll's, and every change of it takes the lock: before the
/// entry was taken, and then the new waker is called; or after, and then the slot sees `turned`
/// under the lock and does not wait.
///
/// The other direction: the turn publishes when it will look next (`next`) and its own waker
/// under the lock; a slot that comes with an earlier deadline takes that waker out under the same
/// lock and calls it, so the turn looks again.
pub(super) struct Shard {
    /// The newest tick that was turned to, in nanoseconds; `u64::MAX` once the turn was dropped, so
    /// that every deadline has passed
    turned: AtomicU64,
    state: Mutex<State>,
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

/// An entry of a shard's table
#[derive(Clone, Copy, Debug)]
pub(super) struct Registered {
    pub(super) key: DeadlineKey,
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
        Self { turned: AtomicU64::new(0), state: Mutex::new(state) }
    }

    /// What has become due, by this shard's time; takes no lock
    pub(super) fn turned(&self) -> Instant {
        Instant::from_nanos(self.turned.load(Ordering::Acquire))
    }

    /// Waits for `deadline`, or only changes the waker if `current` is still there; `None` if the
    /// deadline has passed
    pub(super) fn register(
        &self,
        current: Option<Registered>,
        deadline: Instant,
        waker: Waker,
    ) -> Option<Registered> {
        let mut state = self.lock();
        if deadline <= self.turned() {
            return None;
        }
        let deadlines = state.deadlines.as_mut()?;
        if let Some(current) = current {
            if let Some(registered) = deadlines.get_mut(current.key) {
                let old = core::mem::replace(registered, waker);
                drop(state);
                drop(old);
                return Some(current);
            }
        }
        let key = deadlines.insert(deadline, waker);
        let due_at = deadlines.due_at(deadline);
        let turn = state.hasten(due_at);
        drop(state);
        call(turn);
        Some(Registered { key, due_at })
    }

    /// Moves an entry to an earlier deadline; `None` if it is no longer there
    pub(super) fn move_to(&self, entry: Registered, deadline: Instant) -> Option<Registered> {
        let mut state = self.lock();
        let deadlines = state.deadlines.as_mut()?;
        if !deadlines.move_to(entry.key, deadline) {
            return None;
        }
        let due_at = deadlines.due_at(deadline);
        let turn = state.hasten(due_at);
        drop(state);
        call(turn);
        Some(Registered { key: entry.key, due_at })
    }

    /// Frees an entry, if it is still there
    pub(super) fn remove(&self, entry: Registered) {
        let mut state = self.lock();
        let waker = state.deadlines.as_mut().and_then(|deadlines| deadlines.remove(entry.key));
        drop(state);
        drop(waker);
    }

    /// Turns to `now`: appends the wakers of what has become due, and says when to turn next
    ///
    /// `turn` is called if an earlier deadline comes before that.
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
        deadlines.advance(now, due);
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

    pub(super) fn wake_turn(&self) {
        let turn = self.lock().turn.take();
        call(turn);
    }

    pub(super) fn len(&self) -> usize {
        self.lock().deadlines.as_ref().map_or(0, Deadlines::len)
    }

    /// No step leaves the state half-changed, so a panic of another thread is no reason to stop
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
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
