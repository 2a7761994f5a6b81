//! What only some connections have, and have for a while: mail, orders, tags, a task that is not the
//! handler's, and the end. It lies in a box that is made when the first of it is needed, and given back
//! once nothing of it is left and a beat has gone by.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use bytes::Bytes;
use everbeat_core::cause::CloseFrame;
use everbeat_core::{Cause, Message};

use super::order::Order;
use super::tags::Own;
use super::waiting::Waiting;
use crate::expire::GoodFor;

/// The place of the box, and what stays when it is given back
#[derive(Default)]
pub(super) struct Corner {
    /// Messages of the mailbox that were sent: by them the connection numbers its own; and whether it
    /// is [`USED`]
    sent: AtomicU64,
    aside: Mutex<Option<Box<Aside>>>,
}

/// Somebody may have left something in the box since there was none: written under the lock, so that
/// who has nobody's things to give back need not take it
const USED: u64 = 1 << 63;

#[derive(Default)]
pub(super) struct Aside {
    /// The task that polls the connection, if that is not the handler's
    pub(super) elsewhere: Option<Waker>,
    /// What was said of the peer's authentication, until the task knows of it
    pub(super) good_for: Option<GoodFor>,
    pub(super) tags: Own,
    pub(super) messages: VecDeque<Waiting>,
    pub(super) bytes: usize,
    /// What is left of a frame that was begun past the task
    pub(super) begun: Option<Box<Bytes>>,
    /// A message of the connection's own, for which there was room until a handle's took it
    pub(super) held: Option<Box<Message>>,
    pub(super) end: Option<Box<End>>,
    /// The connection is over: nothing more fits, and what is left may be taken out
    pub(super) closed: bool,
    /// Its task is, too
    pub(super) ended: bool,
}

/// How a connection is to end, and did
#[derive(Default)]
pub(super) struct End {
    /// The first order, which stands
    pub(super) order: Option<Order>,
    /// How many messages were in the mailbox when it was given, and still are: they go first
    pub(super) ahead: usize,
    /// What the Close is to say, once the order was told to the connection
    pub(super) farewell: Option<CloseFrame>,
    pub(super) cause: Option<Cause>,
}

impl Corner {
    /// What is there, if anything is; who needs it to be there makes it
    ///
    /// No step leaves it half-changed, so a panic of another thread is no reason to stop.
    pub(super) fn lock(&self) -> MutexGuard<'_, Option<Box<Aside>>> {
        let lock = self.take_lock();
        self.note_used();
        lock
    }

    /// What is there, to who makes nothing, or [says so](Self::note_used)
    pub(super) fn look(&self) -> MutexGuard<'_, Option<Box<Aside>>> {
        self.take_lock()
    }

    /// Something is left here; called under the lock
    pub(super) fn note_used(&self) {
        if !self.is_used() {
            self.sent.fetch_or(USED, Relaxed);
        }
    }

    /// Gives back what is empty
    #[inline]
    pub(super) fn rest(&self) {
        if self.is_used() {
            self.give_back();
        }
    }

    fn give_back(&self) {
        let mut lock = self.take_lock();
        if let Some(aside) = lock.as_deref_mut() {
            if aside.messages.is_empty() {
                aside.messages = VecDeque::new();
            }
            if !aside.is_empty() {
                return;
            }
        }
        *lock = None;
        self.sent.fetch_and(!USED, Relaxed);
    }

    fn take_lock(&self) -> MutexGuard<'_, Option<Box<Aside>>> {
        self.aside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_used(&self) -> bool {
        self.sent.load(Relaxed) & USED != 0
    }

    pub(super) fn note_sent(&self) {
        self.sent.fetch_add(1, Relaxed);
    }

    /// How many messages of the mailbox were sent
    #[inline]
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Relaxed) & !USED
    }
}

impl Aside {
    pub(super) fn order(&self) -> Option<&Order> {
        self.end.as_ref()?.order.as_ref()
    }

    /// Whether nothing is to be said before what comes next, and there is a next
    pub(super) fn is_silent(&self) -> bool {
        let waits = self.begun.is_some() || self.held.is_some() || !self.messages.is_empty();
        !waits && self.end.is_none() && !self.closed && !self.ended
    }

    /// Whether there is nothing that anybody would miss
    fn is_empty(&self) -> bool {
        let Self { elsewhere, good_for, tags, messages, bytes: _, begun, held, end, closed, ended } =
            self;
        let waits = elsewhere.is_some() || good_for.is_some() || held.is_some() || begun.is_some();
        let over = end.is_some() || *closed || *ended;
        !waits && !over && messages.is_empty() && tags.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use everbeat_core::cause::CloseCode;

    use super::*;

    #[test]
    fn whatever_somebody_would_miss_is_kept_also_if_it_is_alone() {
        type Set = fn(&mut Aside);
        let each: [(&str, Set); 10] = [
            ("a task elsewhere", |aside| aside.elsewhere = Some(Waker::noop().clone())),
            ("an authentication", |aside| aside.good_for = Some(GoodFor::ByTheRules)),
            ("a tag", |aside| aside.tags = Own::Has(vec!["sports".into()])),
            ("that it gets no more tags", |aside| aside.tags = Own::Left),
            ("a message", |aside| aside.messages.push_back(Waiting::new("x".into(), None))),
            ("what is left of a frame", |aside| aside.begun = Some(Box::default())),
            ("one of its own", |aside| aside.held = Some(Box::new("x".into()))),
            ("an order", |aside| {
                aside.end.get_or_insert_default().order =
                    Some(Order::close(CloseCode::NORMAL.into()));
            }),
            ("that it is over", |aside| aside.closed = true),
            ("that its task is", |aside| aside.ended = true),
        ];
        for (what, set) in each {
            let corner = Corner::default();
            set(corner.lock().get_or_insert_default());
            corner.rest();
            assert!(corner.lock().is_some(), "{what}");
        }
        let corner = Corner::default();
        corner.lock().get_or_insert_default().messages.reserve(4);
        corner.rest();
        assert!(corner.lock().is_none(), "nothing is no reason");
    }

    /// A lock is a word here, and a box of the platform's own elsewhere
    #[cfg(all(target_pointer_width = "64", target_os = "linux"))]
    #[test]
    fn the_place_is_three_words_and_the_box_sixteen() {
        assert_eq!((size_of::<Corner>(), size_of::<Aside>()), (24, 128));
    }
}
