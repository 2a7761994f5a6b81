//! One message to many, batch by batch: written past the tasks that have lent their sockets, and left in
//! the mailboxes of the others, who are only then woken, so that those who wake up do not get into the
//! way of who still leaves it.

#[cfg(test)]
mod tests;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use everbeat_core::Message;

use super::lent::ToMany;
use super::waiting::Share;
use super::{ConnectionHandle, MailboxError, Registry, SHARDS};

/// So many are served before anybody is woken, and before others have their turn: half a millisecond's
/// work at most, and a handle of each is all that it holds
const BATCH: usize = 256;

/// Who is written to, which takes 6 µs or so, counts for so many who are left it
const WRITE: usize = 4;

/// To so many a call writes that lets nobody have a turn, in 2 ms or so; the others have it in their
/// mailboxes, and their tasks write it, on whichever threads they are
const AT_ONCE: usize = 256;

/// A message on its way to many connections, as [`Registry::broadcast`] begins it
///
/// # Cancel safety
///
/// Dropping it leaves those alone that were not sent the message yet.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Broadcast<X> {
    registry: Registry<X>,
    /// The next shard of the registry to be asked who is there
    shard: usize,
    batch: Batch<X>,
}

/// Those of one shard, or of one tag, and what came of it so far
#[derive(Debug)]
pub(super) struct Batch<X> {
    message: ToMany,
    share: Arc<Share>,
    waiting: Vec<ConnectionHandle<X>>,
    /// Who was left the message and is to be woken for it
    asleep: Vec<ConnectionHandle<X>>,
    left: LeftOut<X>,
}

impl<X> Broadcast<X> {
    pub(super) fn new(registry: Registry<X>, message: Message) -> Self {
        let batch = Batch::new(&registry, message, Vec::new());
        Self { registry, shard: 0, batch }
    }

    /// Sends to as many as are a batch; ready when nobody is left
    ///
    /// `whom` picks among those of a shard, without its lock.
    pub(super) fn step(
        &mut self,
        whom: &mut dyn FnMut(&ConnectionHandle<X>) -> bool,
    ) -> Poll<Result<LeftOut<X>, MailboxError>> {
        while self.batch.waiting.is_empty() {
            if self.shard == SHARDS {
                return Poll::Ready(Ok(self.batch.take_left()));
            }
            self.batch.waiting = self.registry.handles_of(self.shard);
            self.batch.waiting.retain(|one| whom(one));
            self.shard += 1;
        }
        match self.batch.send() {
            Ok(()) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

impl<X> Future for Broadcast<X> {
    type Output = Result<LeftOut<X>, MailboxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Bounded by what a batch is
        self.batch.message.turn = usize::MAX;
        let polled = self.step(&mut |_| true);
        if polled.is_pending() {
            cx.waker().wake_by_ref();
        }
        polled
    }
}

impl<X> Batch<X> {
    pub(super) fn new(
        registry: &Registry<X>,
        message: Message,
        to: Vec<ConnectionHandle<X>>,
    ) -> Self {
        let share = Share::new(message.len(), registry.inner.rules.used.clone());
        Self {
            message: ToMany::new(message, AT_ONCE),
            share,
            waiting: to,
            asleep: Vec::new(),
            left: LeftOut::default(),
        }
    }

    /// Sends to all
    pub(super) fn finish(mut self) -> Result<LeftOut<X>, MailboxError> {
        while !self.waiting.is_empty() {
            self.send()?;
        }
        Ok(self.left)
    }

    /// Sends to some; a message that is too large for one is too large for all
    fn send(&mut self) -> Result<(), MailboxError> {
        let mut served = 0;
        while served < BATCH {
            let Some(handle) = self.waiting.pop() else { break };
            let turn = self.message.turn;
            let told = handle.record().tell_with_many(&mut self.message, &self.share);
            served += if self.message.turn < turn { WRITE } else { 1 };
            match told {
                Ok(true) => self.asleep.push(handle),
                Ok(false) | Err(MailboxError::Ended { .. }) => {}
                Err(error @ MailboxError::TooLarge { .. }) => return Err(error),
                Err(MailboxError::FullInAll { .. }) => self.left.no_room.push(handle),
                Err(MailboxError::Full { .. } | MailboxError::TooSlow { .. }) => {
                    self.left.slow.push(handle);
                }
            }
        }
        for handle in self.asleep.drain(..) {
            handle.record().wake();
        }
        Ok(())
    }

    fn take_left(&mut self) -> LeftOut<X> {
        std::mem::take(&mut self.left)
    }
}

/// Who was not sent a message
#[derive(Debug)]
#[non_exhaustive]
pub struct LeftOut<X> {
    /// Those whose own mailbox is full: they have not kept up; leave them out, or
    /// [evict](ConnectionHandle::evict) them
    pub slow: Vec<ConnectionHandle<X>>,
    /// Those for whom there was no room in all, by
    /// [`Limits::queued_in_all`](crate::Limits::queued_in_all)
    pub no_room: Vec<ConnectionHandle<X>>,
}

impl<X> LeftOut<X> {
    /// Whether everybody was sent it
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slow.is_empty() && self.no_room.is_empty()
    }
}

impl<X> Default for LeftOut<X> {
    fn default() -> Self {
        Self { slow: Vec::new(), no_room: Vec::new() }
    }
}
