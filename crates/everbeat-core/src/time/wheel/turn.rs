//! The [`Turn`]: the future that turns one shard, asleep until the shard's next tick with
//! something in it.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use alloc::sync::Weak;
use alloc::vec::Vec;

use pin_project::{pin_project, pinned_drop};

use super::shared::Lease;
use crate::time::{Alarm, Instant, Timer};

/// Turns one shard of a [`Wheel`](super::Wheel), and wakes the tasks whose sleeps are due
///
/// Spawn it. It waits on one sleep of the timer below, reads its clock once per wake-up, and costs
/// nothing while its shard has no deadline. It completes when nobody uses the wheel any more.
///
/// # Cancel safety
///
/// Dropping it completes all sleeps of its shard, those that come later too: a task that would wait
/// for ever is worse than one that is woken early by a runtime that stops.
#[pin_project(PinnedDrop)]
pub struct Turn<K: Timer> {
    timer: K,
    lease: Weak<Lease>,
    shard: usize,
    #[pin]
    alarm: Alarm<K::Sleep>,
    /// Kept between polls so that a tick does not allocate; empty between them
    due: Vec<(Instant, Waker)>,
}

/// A burst's storage is given back; what ordinary ticks need (40 KiB) stays
const KEPT: usize = 1_024;

impl<K: Timer> Turn<K> {
    pub(super) const fn new(timer: K, lease: Weak<Lease>, shard: usize) -> Self {
        Self { timer, lease, shard, alarm: Alarm::new(), due: Vec::new() }
    }
}

impl<K: Timer> Future for Turn<K> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let Some(lease) = this.lease.upgrade() else {
            return Poll::Ready(());
        };
        let now = this.timer.now();
        let next = lease.shards[*this.shard].turn(now, cx.waker().clone(), this.due);
        this.due.drain(..).for_each(|(_, waker)| waker.wake());
        this.due.shrink_to(KEPT);
        if this.alarm.poll_due(cx, this.timer, now, next).is_ready() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

#[pinned_drop]
impl<K: Timer> PinnedDrop for Turn<K> {
    fn drop(self: Pin<&mut Self>) {
        if let Some(lease) = self.lease.upgrade() {
            lease.shards[self.shard].close();
        }
    }
}

impl<K: Timer> fmt::Debug for Turn<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("shard", &self.shard).finish_non_exhaustive()
    }
}
