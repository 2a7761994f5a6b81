//! A [`Slot`]: one sleep on a wheel. It decides when the shard's lock can be left alone; what is
//! behind the lock is the shard's.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use alloc::sync::Arc;

use super::deadlines::{start_of, tick_of};
use super::shard::{Entry, Shard};
use super::task::Kind;
use crate::time::{Instant, Sleep};

/// A sleep on a [`Wheel`](super::Wheel)
///
/// Never early, and at most one tick (50 ms) later than the wheel's timer could have been. Polling
/// it again takes no lock as long as its deadline has not moved and the task is the same; moving the
/// deadline to another tick takes one, so that nobody is woken in vain: whoever has a deadline that
/// moves all the time has an [`Alarm`](crate::time::Alarm). Nothing is allocated while it is not waited
/// for. It completes at once when its [`Turn`](super::Turn) was dropped.
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
    kind: Kind,
}

impl Slot {
    pub(super) const fn new(shard: Arc<Shard>, deadline: Instant) -> Self {
        Self { shard, deadline, waiting: None }
    }

    /// Frees the entry
    fn forget(&mut self, turned: Instant) {
        // One that was due is no longer there, so that most slots are dropped without the lock.
        if let Some(waiting) = self.waiting.take().filter(|_| self.deadline > turned) {
            self.shard.remove(waiting.entry(self.deadline));
        }
    }
}

impl Waiting {
    /// The entry, which is due at the deadline's tick
    const fn entry(&self, deadline: Instant) -> Entry {
        Entry { place: self.place, due_at: start_of(tick_of(deadline)) }
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
        // Its deadline is ahead, so its entry is there.
        if this.waiting.as_ref().is_some_and(|waiting| waiting.is_for(cx.waker(), &this.shard)) {
            return Poll::Pending;
        }
        let mut waker = cx.waker().clone();
        let (task, kind) = (waker.data().addr(), this.shard.kinds().of(&waker));
        if let Some(waiting) = &mut this.waiting {
            match this.shard.hand_over(waiting.entry(this.deadline), waker) {
                Ok(()) => {
                    (waiting.task, waiting.kind) = (task, kind);
                    return Poll::Pending;
                }
                Err(given_back) => waker = given_back,
            }
        }
        let place = this.shard.register(this.deadline, waker);
        this.waiting = place.map(|place| Waiting { task, place, kind });
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
        let Some(waiting) = this.waiting.take().filter(|_| old > turned) else {
            return;
        };
        let stays = tick_of(old) == tick_of(deadline);
        if stays || this.shard.move_to(waiting.entry(old), deadline) {
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
