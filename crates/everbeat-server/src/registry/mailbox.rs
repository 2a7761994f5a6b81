//! A connection's mailbox: messages and orders that others leave for its task. Decides what fits
//! and when the task has to be woken; what becomes of the contents is the transport's.

mod error;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use everbeat_core::Message;
use everbeat_core::cause::{CloseCode, Expired};
use everbeat_core::time::Instant;

use super::attention::Attention;
use super::order::Order;
use super::vitals::Vitals;
use crate::limits::Room;

pub use error::MailboxError;

/// A connection's mailbox
///
/// Allocates on first use, and gives storage back when it is empty.
///
/// # Why the connection's own messages take no lock, and no wake-up is lost
///
/// `raised` is changed under the lock only, together with `State::waker`: whenever it is down, the
/// waker of the task's latest poll is there. Whoever leaves something raises it, takes the waker,
/// and calls it after the lock. A task that finds it down without the lock, and its waker
/// unchanged, may go on: if it was raised meanwhile, the waker that was taken is this task's, and
/// the call leads to another poll, which sees it raised.
pub(crate) struct Mailbox {
    id: u64,
    rules: Arc<Rules>,
    raised: AtomicBool,
    state: Mutex<State>,
    attention: Attention,
    vitals: Vitals,
}

/// How much fits, into each mailbox of a server and into all
pub(crate) struct Rules {
    pub(crate) room: Room,
    /// Of how many bytes that wait a connection counts as too slow
    pub(crate) slow: Option<usize>,
    pub(crate) in_all: usize,
    /// How many bytes all hold
    pub(crate) used: AtomicUsize,
    /// How many connections there are
    pub(crate) live: AtomicUsize,
}

#[derive(Default)]
struct State {
    messages: VecDeque<Message>,
    bytes: usize,
    order: Option<Order>,
    waker: Option<Waker>,
    /// The connection is over: nothing more fits, and what is left may be taken out
    closed: bool,
    /// Its task is, too
    ended: bool,
}

/// Storage that stays with an empty mailbox, in messages: a chat's usual burst
const KEPT: usize = 4;

impl Mailbox {
    pub(crate) fn new(id: u64, rules: Arc<Rules>, opened: Instant) -> Self {
        Self {
            id,
            rules,
            raised: AtomicBool::new(false),
            state: Mutex::default(),
            attention: Attention::default(),
            vitals: Vitals::new(opened),
        }
    }

    pub(crate) const fn attention(&self) -> &Attention {
        &self.attention
    }

    pub(crate) const fn vitals(&self) -> &Vitals {
        &self.vitals
    }

    pub(super) const fn id(&self) -> u64 {
        self.id
    }

    /// Leaves a message
    pub(crate) fn put(&self, message: Message) -> Result<(), MailboxError> {
        let Rules { room, slow, in_all, used, live } = &*self.rules;
        if message.len() > room.bytes {
            return Err(MailboxError::TooLarge { message, limit: room.bytes });
        }
        let mut state = self.lock();
        if state.closed {
            return Err(MailboxError::Ended { message });
        }
        let bytes = state.bytes + message.len();
        let too_slow = !state.messages.is_empty() && slow.is_some_and(|slow| bytes > slow);
        if too_slow {
            drop(state);
            self.order(Order::expire(Expired::TooSlow));
            return Err(MailboxError::TooSlow { message, limit: slow.unwrap_or(room.bytes) });
        }
        if state.messages.len() >= room.messages || bytes > room.bytes {
            let Room { messages, bytes } = *room;
            return Err(MailboxError::Full { message, messages, bytes });
        }
        // A sum over all, so that no order between it and what each holds is needed. Each has an
        // equal share whatever the others hold, or a few that read nothing would silence the rest.
        let share = *in_all / live.load(Ordering::Relaxed).max(1);
        let in_use = used.fetch_add(message.len(), Ordering::Relaxed) + message.len();
        if in_use > *in_all && bytes > share {
            used.fetch_sub(message.len(), Ordering::Relaxed);
            return Err(MailboxError::FullInAll { message, limit: *in_all });
        }
        state.bytes = bytes;
        state.messages.push_back(message);
        self.raise(state);
        Ok(())
    }

    /// Leaves an order; the first one counts
    pub(crate) fn order(&self, order: Order) {
        let mut state = self.lock();
        if state.order.is_none() && !state.closed {
            let bounded = order.is_bounded();
            state.order = Some(order);
            self.raise(state);
            if bounded {
                self.attention.ordered();
            } else {
                self.attention.leaving();
            }
        }
    }

    /// Whether something was left since this was last asked; if not, the task is woken when it is
    ///
    /// `seen` is the waker that the asking task last left here.
    pub(crate) fn poll_raised(&self, seen: &mut Option<Waker>, cx: &Context<'_>) -> bool {
        let known = seen.as_ref().is_some_and(|seen| seen.will_wake(cx.waker()));
        if known && !self.raised.load(Ordering::Acquire) {
            return false;
        }
        *seen = Some(cx.waker().clone());
        let mut state = self.lock();
        let old = mem::replace(&mut state.waker, seen.clone());
        let raised = self.raised.swap(false, Ordering::AcqRel);
        drop(state);
        drop(old);
        raised
    }

    /// The oldest message
    pub(crate) fn pop(&self) -> Option<Message> {
        let mut state = self.lock();
        let message = state.messages.pop_front()?;
        state.bytes -= message.len();
        if !state.closed {
            self.rules.used.fetch_sub(message.len(), Ordering::Relaxed);
        }
        if state.messages.is_empty() && state.messages.capacity() > KEPT {
            state.messages = VecDeque::new();
        }
        Some(message)
    }

    /// The order that was given, which stands: it is the only one; and how many messages are here
    pub(crate) fn standing_order(&self) -> (Option<Order>, usize) {
        let state = self.lock();
        (state.order.clone(), state.messages.len())
    }

    /// Has the connection look at what is here, although there may be nothing
    pub(crate) fn nudge(&self) {
        self.raise(self.lock());
    }

    /// The connection is over, or was dropped: nothing more fits
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        if !mem::replace(&mut state.closed, true) {
            // What the dead left keeps nobody else from being sent to
            self.rules.used.fetch_sub(state.bytes, Ordering::Relaxed);
        }
        let waker = state.waker.take();
        drop(state);
        drop(waker);
    }

    /// The handler has returned: a connection that was moved elsewhere ends as well
    pub(super) fn end(&self) {
        self.order(Order::close(CloseCode::NORMAL.into()));
        let mut state = self.lock();
        state.ended = true;
        let unsent = state.messages.len();
        drop(state);
        if unsent > 0 {
            tracing::debug!(target: "everbeat", id = self.id, unsent, "left in the mailbox");
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.lock().ended
    }

    pub(super) fn unsent(&self) -> Vec<Message> {
        let mut state = self.lock();
        if !state.closed {
            return Vec::new();
        }
        state.bytes = 0;
        mem::take(&mut state.messages).into()
    }

    /// How many messages wait, and how many bytes of payload
    pub(super) fn queued(&self) -> (usize, usize) {
        let state = self.lock();
        (state.messages.len(), state.bytes)
    }

    /// Says that there is something; the waker is called after the lock, for its code is not ours
    fn raise(&self, mut state: MutexGuard<'_, State>) {
        let waker =
            if self.raised.swap(true, Ordering::AcqRel) { None } else { state.waker.take() };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// No step leaves the state half-changed, so a panic of another thread is no reason to stop
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
