//! What only some connections have, in a box that is made when the first of it is needed: mail,
//! orders, tags, a task that is not the handler's, and the end.

use std::collections::VecDeque;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard, PoisonError};

use everbeat_core::cause::CloseFrame;
use everbeat_core::{Cause, Message};
use futures_util::task::AtomicWaker;

use super::order::Order;
use super::tags::Own;
use super::waiting::Waiting;

#[derive(Default)]
pub(super) struct Aside {
    /// The task that polls the connection, if that is not the handler's
    pub(super) elsewhere: AtomicWaker,
    /// Messages of the mailbox that were sent
    pub(super) sent: AtomicU64,
    /// Whether the peer was found to be whom it says, and for how long; in nanoseconds, and 0 once
    /// the task knows of it
    pub(super) good_for: AtomicU64,
    pub(super) tags: Own,
    state: Mutex<State>,
}

/// The mailbox, and what it is closed by
#[derive(Default)]
pub(super) struct State {
    pub(super) messages: VecDeque<Waiting>,
    pub(super) bytes: usize,
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

impl Aside {
    /// No step leaves the state half-changed, so a panic of another thread is no reason to stop
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(super) fn order(&self) -> Option<&Order> {
        self.end.as_ref()?.order.as_ref()
    }
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Aside>() <= 144);
