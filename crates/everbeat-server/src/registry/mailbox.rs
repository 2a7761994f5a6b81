//! A connection's mailbox: messages and orders that others leave for its task. Decides what fits;
//! who is woken for it is the record's attention, what becomes of the contents the transport's.

mod error;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use everbeat_core::cause::{CloseCode, CloseFrame, Expired};
use everbeat_core::{Cause, Message};

use super::Record;
use super::lent::{Passed, ToMany};
use super::order::Order;
use super::record::Ruled;
use super::waiting::{Share, Waiting};
use crate::limits::Room;

pub use error::MailboxError;

/// How much fits, into each mailbox of a server and into all
pub(crate) struct Rules {
    pub(crate) room: Room,
    /// Of how many bytes that wait a connection counts as too slow
    pub(crate) slow: Option<usize>,
    pub(crate) in_all: usize,
    /// How many bytes all hold
    pub(crate) used: Arc<AtomicUsize>,
    /// How many connections there are
    pub(crate) live: AtomicUsize,
}

impl<P: ?Sized + Ruled> Record<P> {
    /// Leaves a message
    pub(crate) fn put(&self, message: Message) -> Result<(), MailboxError> {
        if self.leave(message, None)? {
            self.wake();
        }
        Ok(())
    }

    /// Writes a message to many past the task, or leaves it; whether somebody is to be
    /// [woken](Self::wake) for it
    pub(super) fn tell_with_many(
        &self,
        to_many: &mut ToMany,
        share: &Arc<Share>,
    ) -> Result<bool, MailboxError> {
        if to_many.message.len() <= self.whose.rules().room.bytes {
            let mut lock = self.corner.look();
            match self.pass(to_many, &mut lock) {
                Passed::Whole => return Ok(false),
                Passed::Part => {
                    self.corner.note_used();
                    return Ok(self.raise());
                }
                Passed::Not => {}
            }
        }
        self.leave(to_many.message.clone(), Some(share))
    }

    /// Leaves a message, which may count once for many; whether somebody is to be
    /// [woken](Self::wake) for it
    pub(super) fn leave(
        &self,
        message: Message,
        share: Option<&Arc<Share>>,
    ) -> Result<bool, MailboxError> {
        let Rules { room, slow, in_all, used, live } = self.whose.rules();
        if message.len() > room.bytes {
            return Err(MailboxError::TooLarge { message, limit: room.bytes });
        }
        let mut lock = self.corner.lock();
        let state = lock.get_or_insert_default();
        if state.closed {
            return Err(MailboxError::Ended { message });
        }
        let bytes = state.bytes + message.len();
        let too_slow = !state.messages.is_empty() && slow.is_some_and(|slow| bytes > slow);
        if too_slow {
            drop(lock);
            self.order(Order::expire(Expired::TooSlow));
            return Err(MailboxError::TooSlow { message, limit: slow.unwrap_or(room.bytes) });
        }
        if state.messages.len() >= room.messages || bytes > room.bytes {
            let Room { messages, bytes } = *room;
            return Err(MailboxError::Full { message, messages, bytes });
        }
        // A sum over all, so that no order between it and what each holds is needed. Each has an
        // equal share whatever the others hold, or a few that read nothing would silence the rest.
        let most = *in_all / live.load(Ordering::Relaxed).max(1);
        let own = if share.is_some() { 0 } else { message.len() };
        let in_use = used.fetch_add(own, Ordering::Relaxed) + own;
        if in_use > *in_all && bytes > most {
            used.fetch_sub(own, Ordering::Relaxed);
            return Err(MailboxError::FullInAll { message, limit: *in_all });
        }
        state.bytes = bytes;
        if state.messages.capacity() == 0 {
            // Most mailboxes hold one message at a time
            state.messages.reserve_exact(1);
        }
        state.messages.push_back(Waiting::new(message, share.cloned()));
        Ok(self.raise())
    }

    /// Leaves an order; the first one counts
    pub(crate) fn order(&self, order: Order) {
        let mut lock = self.corner.lock();
        let state = lock.get_or_insert_default();
        if state.order().is_some() || state.closed {
            return;
        }
        let (bounded, ahead) = (order.is_bounded(), state.messages.len());
        let end = state.end.get_or_insert_default();
        (end.order, end.ahead) = (Some(order), ahead);
        let raised = self.raise();
        drop(lock);
        if raised {
            self.wake();
        }
        if bounded {
            self.tell_ordered();
        } else {
            self.tell_leaving();
        }
    }

    /// The oldest message
    pub(crate) fn pop(&self) -> Option<Message> {
        let mut lock = self.corner.lock();
        let state = lock.as_mut()?;
        let mut waiting = state.messages.pop_front()?;
        state.bytes -= waiting.len();
        if let Some(end) = &mut state.end {
            end.ahead = end.ahead.saturating_sub(1);
        }
        if !state.closed {
            self.whose.rules().used.fetch_sub(waiting.forget(), Ordering::Relaxed);
        }
        if state.messages.is_empty() && state.messages.capacity() > KEPT {
            state.messages = VecDeque::new();
        }
        drop(lock);
        self.corner.note_sent();
        Some(waiting.into_message())
    }

    /// The connection is over, or was dropped: nothing more fits
    pub(crate) fn close(&self) {
        let mut lock = self.corner.lock();
        let state = lock.get_or_insert_default();
        if !mem::replace(&mut state.closed, true) {
            // What the dead left keeps nobody else from being sent to
            let own = state.messages.iter_mut().map(Waiting::forget).sum();
            self.whose.rules().used.fetch_sub(own, Ordering::Relaxed);
        }
        let elsewhere = state.elsewhere.take();
        drop(lock);
        drop(elsewhere);
    }

    /// The handler has returned: a connection that was moved elsewhere ends as well
    pub(crate) fn end(&self) {
        self.order(Order::close(CloseCode::NORMAL.into()));
        let mut lock = self.corner.lock();
        let state = lock.get_or_insert_default();
        state.ended = true;
        let unsent = state.messages.len();
        drop(lock);
        if unsent > 0 {
            tracing::debug!(target: "everbeat", id = self.id, unsent, "left in the mailbox");
        }
    }
}

/// Storage that stays with an empty mailbox until the next beat, in messages: a chat's usual burst
const KEPT: usize = 4;

impl<P: ?Sized> Record<P> {
    /// Gives back what an empty mailbox keeps for the next message, and what else is not needed; to be
    /// called now and then
    pub(crate) fn rest(&self) {
        self.corner.rest();
    }

    /// How many messages of the mailbox were sent
    pub(crate) fn sent_aside(&self) -> u64 {
        self.corner.sent()
    }

    /// Keeps a message of the connection's own until there is room for it
    pub(crate) fn hold(&self, message: Message) {
        self.corner.lock().get_or_insert_default().held = Some(Box::new(message));
    }

    pub(crate) fn take_held(&self) -> Option<Message> {
        Some(*self.corner.lock().as_mut()?.held.take()?)
    }

    /// The order that was given, which stands: it is the only one
    pub(crate) fn standing_order(&self) -> Option<Order> {
        self.corner.lock().as_ref()?.order().cloned()
    }

    pub(crate) fn has_order(&self) -> bool {
        self.corner.lock().as_ref().is_some_and(|aside| aside.order().is_some())
    }

    /// How many messages are still there that were so before the order
    pub(crate) fn ahead(&self) -> usize {
        let lock = self.corner.lock();
        lock.as_ref().and_then(|aside| Some(aside.end.as_ref()?.ahead)).unwrap_or_default()
    }

    /// The order is told to the connection, which ends for this cause; what it is to say waits for
    /// [`take_farewell`](Self::take_farewell)
    pub(crate) fn obey(&self) -> Option<Cause> {
        let mut lock = self.corner.lock();
        let end = lock.as_mut()?.end.as_mut()?;
        let order = end.order.as_ref()?;
        let cause = order.cause();
        end.farewell = order.farewell().cloned();
        Some(cause)
    }

    pub(crate) fn take_farewell(&self) -> Option<CloseFrame> {
        self.corner.lock().as_mut()?.end.as_mut()?.farewell.take()
    }

    /// Has the connection look at what is here, although there may be nothing
    pub(crate) fn nudge(&self) {
        if self.raise() {
            self.wake();
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.corner.lock().as_ref().is_some_and(|aside| aside.ended)
    }

    pub(super) fn unsent(&self) -> Vec<Message> {
        let mut lock = self.corner.lock();
        let Some(state) = lock.as_mut().filter(|state| state.closed) else {
            return Vec::new();
        };
        state.bytes = 0;
        mem::take(&mut state.messages).into_iter().map(Waiting::into_message).collect()
    }

    /// How many messages wait, and how many bytes of payload
    pub(super) fn queued(&self) -> (usize, usize) {
        let lock = self.corner.lock();
        lock.as_ref().map_or((0, 0), |state| (state.messages.len(), state.bytes))
    }
}
