//! A connection's mailbox: messages and orders that others leave for its task. Decides what fits
//! and when the task has to be woken; what becomes of the contents is the transport's.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use everbeat_core::cause::{CloseFrame, Expired};
use everbeat_core::{Cause, Message};
use futures_util::task::AtomicWaker;

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
    limits: Limits,
    raised: AtomicBool,
    state: Mutex<State>,
    /// The server's last word: the task drops its handler
    cut: AtomicBool,
    cut_waker: AtomicWaker,
}

#[derive(Default)]
struct State {
    messages: VecDeque<Message>,
    bytes: usize,
    order: Option<Order>,
    waker: Option<Waker>,
    ended: bool,
}

/// How much fits, by the `mailbox` setting
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

/// What a connection is told to do
#[derive(Clone, Debug)]
pub(crate) enum Order {
    Close(CloseFrame),
    Evict,
    ShutDown,
}

impl Order {
    pub(crate) const fn cause(&self) -> Cause {
        match self {
            Self::Close(_) => Cause::ClosedByUs,
            Self::Evict => Cause::Expired(Expired::Evicted),
            Self::ShutDown => Cause::Expired(Expired::ShuttingDown),
        }
    }
}

/// Storage that stays with an empty mailbox, in messages: a chat's usual burst
const KEPT: usize = 4;

impl Mailbox {
    pub(crate) fn new(id: u64, limits: Limits) -> Self {
        Self {
            id,
            limits,
            raised: AtomicBool::new(false),
            state: Mutex::default(),
            cut: AtomicBool::new(false),
            cut_waker: AtomicWaker::new(),
        }
    }

    pub(super) const fn id(&self) -> u64 {
        self.id
    }

    /// Leaves a message
    pub(crate) fn put(&self, message: Message) -> Result<(), MailboxError> {
        let limits = self.limits;
        if message.len() > limits.bytes {
            return Err(MailboxError::TooLarge { message, limit: limits.bytes });
        }
        let mut state = self.lock();
        if state.ended {
            return Err(MailboxError::Ended { message });
        }
        let bytes = state.bytes + message.len();
        if state.messages.len() >= limits.messages || bytes > limits.bytes {
            return Err(MailboxError::Full {
                message,
                messages: limits.messages,
                bytes: limits.bytes,
            });
        }
        state.bytes = bytes;
        state.messages.push_back(message);
        self.raise(state);
        Ok(())
    }

    /// Leaves an order; the first one counts
    pub(crate) fn order(&self, order: Order) {
        let mut state = self.lock();
        if state.order.is_none() && !state.ended {
            state.order = Some(order);
            self.raise(state);
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

    /// The connection is over: nothing more fits
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        let waker = state.waker.take();
        let unsent = state.messages.len();
        drop(state);
        drop(waker);
        if unsent > 0 {
            tracing::debug!(target: "everbeat", id = self.id, unsent, "left in the mailbox");
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.lock().ended
    }

    pub(super) fn unsent(&self) -> Vec<Message> {
        let mut state = self.lock();
        if !state.ended {
            return Vec::new();
        }
        state.bytes = 0;
        mem::take(&mut state.messages).into()
    }

    /// Has the task drop its handler, when it is next polled
    pub(crate) fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        self.cut_waker.wake();
    }

    /// Whether the handler is to be dropped; said once and for good, so that the waker needs to be
    /// left only when it changes
    pub(crate) fn poll_cut(&self, seen: &mut Option<Waker>, cx: &Context<'_>) -> bool {
        if !seen.as_ref().is_some_and(|seen| seen.will_wake(cx.waker())) {
            self.cut_waker.register(cx.waker());
            *seen = Some(cx.waker().clone());
        }
        self.cut.load(Ordering::SeqCst)
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

/// Why a message was not taken, with the message
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum MailboxError {
    /// The connection does not keep up with what others send it
    Full {
        /// The message
        message: Message,
        /// How many messages fit
        messages: usize,
        /// How many bytes of payload fit
        bytes: usize,
    },
    /// The message alone is larger than the mailbox
    TooLarge {
        /// The message
        message: Message,
        /// How many bytes of payload fit
        limit: usize,
    },
    /// The connection has ended
    Ended {
        /// The message
        message: Message,
    },
}

impl MailboxError {
    /// The message that was not taken
    #[must_use]
    pub fn into_message(self) -> Message {
        match self {
            Self::Full { message, .. }
            | Self::TooLarge { message, .. }
            | Self::Ended { message } => message,
        }
    }
}

impl fmt::Display for MailboxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { messages, bytes, .. } => write!(
                f,
                "the connection's mailbox is full: it holds {messages} messages and {bytes} bytes \
                 (`mailbox` moves the limits)"
            ),
            Self::TooLarge { message, limit } => write!(
                f,
                "a message of {} bytes is larger than the mailbox of {limit} bytes (`mailbox` \
                 moves the limit)",
                message.len()
            ),
            Self::Ended { .. } => f.write_str("the connection has ended"),
        }
    }
}

impl Error for MailboxError {}
