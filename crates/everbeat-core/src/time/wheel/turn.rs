//! The [`Turn`]: the future that turns one shard, asleep until the shard's next tick with
//! something in it.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use alloc::sync::Weak;
use alloc::vec::Vec;

use pin_project::{pin_project, pinned_drop};

use super::shard::Shard;
use crate::time::{Alarm, Instant, Timer};

/// Turns one shard of a [`Wheel`](super::Wheel), and wakes the tasks whose sleeps are due
///
/// Spawn it. It waits on one sleep of the timer below, reads its clock once per wake-up, and costs
/// nothing while its shard has no deadline. It wakes at most 1,024 tasks at a time and lets others
/// run in between, so that a crowd that is due at once, or after a stall, does not hold up a thread.
/// It completes when nobody uses its shard any more.
///
/// # Cancel safety
///
/// Dropping it completes all sleeps of its shard, those that come later too: a task that would wait
/// for ever is worse than one that is woken early by a runtime that stops.
#[pin_project(PinnedDrop)]
pub struct Turn<K: Timer> {
    timer: K,
    shard: Weak<Shard>,
    #[pin]
    alarm: Alarm<K::Sleep>,
    /// Taken out of the table and to be woken, the last first; its storage is kept, so that a tick does not allocate
    due: Vec<(Instant, Waker)>,
}

/// How many tasks are woken at a time. A burst's storage beyond it is given back; what ordinary
/// ticks need (24 KiB) stays
pub(super) const BATCH: usize = 1_024;

impl<K: Timer> Turn<K> {
    pub(super) const fn new(timer: K, shard: Weak<Shard>) -> Self {
        Self { timer, shard, alarm: Alarm::new(), due: Vec::new() }
    }
}

impl<K: Timer> Future for Turn<K> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let mut next = Instant::ORIGIN;
        let now = this.timer.now();
        if this.due.is_empty() {
            let Some(shard) = this.shard.upgrade() else {
                return Poll::Ready(());
            };
            next = shard.turn(now, cx.waker().clone(), this.due);
        }
        let rest = this.due.len().saturating_sub(BATCH);
        this.due.drain(rest..).for_each(|(_, waker)| waker.wake());
        if rest > 0 {
            next = Instant::ORIGIN;
        } else {
            this.due.shrink_to(BATCH);
        }
        if this.alarm.poll_due(cx, this.timer, now, next).is_ready() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

#[pinned_drop]
impl<K: Timer> PinnedDrop for Turn<K> {
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        if let Some(shard) = this.shard.upgrade() {
            shard.close();
        }
        this.due.drain(..).for_each(|(_, waker)| waker.wake());
    }
}

impl<K: Timer> fmt::Debug for Turn<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("due", &self.due.len()).finish_non_exhaustive()
    }
}
