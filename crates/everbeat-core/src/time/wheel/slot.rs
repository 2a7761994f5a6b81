//! A [`Slot`]: one sleep on a wheel. It decides when the shard's lock can be left alone; what is
//! behind the lock is the shard's.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use alloc::sync::Arc;

use super::deadlines::{TICK, start_of, tick_of};
use super::shard::{Entry, Shard};
use super::task::Kind;
use crate::time::{Instant, Sleep};

/// A sleep on a [`Wheel`](super::Wheel)
///
/// Never early, and at most one tick (50 ms) later than the wheel's timer could have been. Polling
/// it again takes no lock as long as its deadline has not moved earlier and the task is the same.
/// Moving the deadline later costs nothing (up to 54 minutes: then the entry moves too): the task is
/// woken once at the old deadline and the slot then waits for the rest. Nothing is allocated while it
/// is not waited for. It completes at once when its [`Turn`](super::Turn) was dropped.
///
/// # Cancel safety
///
/// Dropping it frees its place in the wheel; nothing is lost.
pub struct Slot {
    shard: Arc<Shard>,
    deadline: Instant,
    waiting: Option<Waiting>,
}

/// The entry in the shard's table, and whom it wakes
struct Waiting {
    /// The data pointer of the waker in the table, to compare with and for nothing else
    task: usize,
    place: u32,
    /// How many ticks before the deadline's own the entry is due: what the deadline has moved later
    early: u16,
    kind: Kind,
}

impl Slot {
    pub(super) const fn new(shard: Arc<Shard>, deadline: Instant) -> Self {
        Self { shard, deadline, waiting: None }
    }

    /// Frees the entry
    fn forget(&mut self, turned: Instant) {
        // One that was due is no longer there, so that most slots are dropped without the lock.
        if let Some(waiting) = self.waiting.take().filter(|it| it.is_there(self.deadline, turned)) {
            self.shard.remove(waiting.entry(self.deadline));
        }
    }
}

impl Waiting {
    /// Whether the table has the entry: it is due after `turned`, which is the start of a tick
    fn is_there(&self, deadline: Instant, turned: Instant) -> bool {
        deadline > turned + TICK * u32::from(self.early)
    }

    const fn entry(&self, deadline: Instant) -> Entry {
        let due_at = start_of(tick_of(deadline).saturating_sub(self.early as u64));
        Entry { place: self.place, due_at }
    }

    fn is_for(&self, waker: &Waker, shard: &Shard) -> bool {
        self.task == waker.data().addr() && shard.kinds().is(self.kind, waker)
    }
}

impl Future for Slot {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        // Before the task is compared: see the shard's proof.
        let turned = this.shard.turned();
        if this.deadline <= turned {
            this.forget(turned);
            return Poll::Ready(());
        }
        let there = this.waiting.as_mut().filter(|it| it.is_there(this.deadline, turned));
        if there.as_ref().is_some_and(|waiting| waiting.is_for(cx.waker(), &this.shard)) {
            return Poll::Pending;
        }
        let mut waker = cx.waker().clone();
        let (task, kind) = (waker.data().addr(), this.shard.kinds().of(&waker));
        if let Some(waiting) = there {
            match this.shard.hand_over(waiting.entry(this.deadline), waker) {
                Ok(()) => {
                    (waiting.task, waiting.kind) = (task, kind);
                    return Poll::Pending;
                }
                Err(given_back) => waker = given_back,
            }
        }
        let place = this.shard.register(this.deadline, waker);
        this.waiting = place.map(|place| Waiting { task, place, early: 0, kind });
        if this.waiting.is_some() { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Sleep for Slot {
    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        let this = &mut *self;
        let old = core::mem::replace(&mut this.deadline, deadline);
        let turned = this.shard.turned();
        // What is no longer there has woken the task, and the poll that follows registers anew.
        let Some(mut waiting) = this.waiting.take().filter(|it| it.is_there(old, turned)) else {
            return;
        };
        let entry = waiting.entry(old);
        // An entry that is due no later than the new deadline's own tick serves as it is: it wakes
        // the task, and the poll that follows registers the rest.
        let early = tick_of(deadline).checked_sub(tick_of(old) - u64::from(waiting.early));
        if let Some(early) = early.and_then(|early| u16::try_from(early).ok()) {
            waiting.early = early;
            this.waiting = Some(waiting);
        } else if this.shard.move_to(entry, deadline) {
            waiting.early = 0;
            this.waiting = Some(waiting);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.forget(self.shard.turned());
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("deadline", &self.deadline)
            .field("waiting", &self.waiting.is_some())
            .finish_non_exhaustive()
    }
}
