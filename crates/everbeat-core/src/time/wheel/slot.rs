//! A [`Slot`]: one sleep on a wheel. It decides when the shard's lock can be left alone; what is
//! behind the lock is the shard's.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use alloc::sync::Arc;

use super::deadlines::TICK;
use super::shard::{Registered, Shard};
use super::shared::Lease;
use crate::time::{Instant, Sleep};

/// A sleep on a [`Wheel`](super::Wheel)
///
/// Never early, and at most one tick (50 ms) later than the wheel's timer could have been. Polling
/// it again takes no lock as long as its deadline has not moved earlier and the task is the same.
/// Moving the deadline later costs nothing: the task is woken once at the old deadline and the slot
/// then waits for the rest. It completes at once when its [`Turn`](super::Turn) was dropped.
///
/// # Cancel safety
///
/// Dropping it frees its place in the wheel; nothing is lost.
pub struct Slot {
    lease: Arc<Lease>,
    shard: usize,
    deadline: Instant,
    waiting: Option<Waiting>,
}

/// The entry in the shard's table, and a copy of the waker in it
struct Waiting {
    entry: Registered,
    waker: Waker,
}

impl Slot {
    pub(super) const fn new(lease: Arc<Lease>, shard: usize, deadline: Instant) -> Self {
        Self { lease, shard, deadline, waiting: None }
    }

    fn shard(&self) -> &Shard {
        &self.lease.shards[self.shard]
    }

    /// Frees the entry, and the copy of the waker with it
    fn forget(&mut self) {
        let Some(Waiting { entry, .. }) = self.waiting.take() else {
            return;
        };
        let shard = self.shard();
        // One that was due is no longer there, so that most slots are dropped without the lock.
        if entry.due_at > shard.turned() {
            shard.remove(entry);
        }
    }
}

impl Future for Slot {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let turned = self.shard().turned();
        if self.deadline <= turned {
            self.forget();
            return Poll::Ready(());
        }
        let mut current = None;
        if let Some(Waiting { entry, waker }) = &self.waiting {
            if entry.due_at > turned {
                if waker.will_wake(cx.waker()) {
                    return Poll::Pending;
                }
                current = Some(*entry);
            }
        }
        let waker = cx.waker().clone();
        match self.shard().register(current, self.deadline, waker.clone()) {
            Some(entry) => {
                self.waiting = Some(Waiting { entry, waker });
                Poll::Pending
            }
            None => {
                self.waiting = None;
                Poll::Ready(())
            }
        }
    }
}

impl Sleep for Slot {
    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.deadline = deadline;
        let Some(Waiting { entry, .. }) = self.waiting else {
            return;
        };
        // An entry that is due no later than the new deadline's own tick serves as it is: it wakes
        // the task, and the poll that follows registers the rest.
        let serves = entry.due_at < deadline + TICK;
        if serves || entry.due_at <= self.shard().turned() {
            return;
        }
        let moved = self.shard().move_to(entry, deadline);
        match (moved, self.waiting.as_mut()) {
            (Some(entry), Some(waiting)) => waiting.entry = entry,
            _ => self.waiting = None,
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.forget();
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
