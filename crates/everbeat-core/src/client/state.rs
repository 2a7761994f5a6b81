//! Where a client is in its life. What only the way to a connection needs is in a box of its own, and
//! gone once the connection stands.

use core::pin::Pin;

use alloc::boxed::Box;
use pin_project::pin_project;

use crate::cause::Cause;
use crate::connection::Connection;
use crate::hint::Hint;
use crate::time::{Alarm, Instant, Timer};
use crate::transport::Connect;

/// Where a client is in its life
pub(super) enum State<C: Connect, K: Timer> {
    /// Nothing was tried yet
    Start,
    /// An attempt is due at an instant
    Waiting(Pin<Box<Waiting<K::Sleep>>>),
    /// An attempt is under way
    Connecting(Pin<Box<Connecting<C::Future, K::Sleep>>>),
    /// A connection stands, or is closing; it has an alarm of its own
    Up(Connection<C::Transport, K>),
    /// No more
    Over,
}

/// The time between two attempts
#[pin_project]
pub(super) struct Waiting<S> {
    #[pin]
    pub(super) alarm: Alarm<S>,
    pub(super) until: Instant,
    /// Why a connection or an attempt ended
    pub(super) after: Cause,
}

/// An attempt that is under way
#[pin_project]
pub(super) struct Connecting<F, S> {
    #[pin]
    pub(super) attempt: F,
    #[pin]
    pub(super) alarm: Alarm<S>,
    pub(super) number: u32,
    pub(super) since: Instant,
    /// One that hurries and came meanwhile
    pub(super) hint: Option<Hint>,
}

impl<C: Connect, K: Timer> State<C, K> {
    pub(super) fn waiting(until: Instant, after: Cause) -> Self {
        Self::Waiting(Box::pin(Waiting { alarm: Alarm::new(), until, after }))
    }

    pub(super) fn connecting(attempt: C::Future, number: u32, since: Instant) -> Self {
        let alarm = Alarm::new();
        Self::Connecting(Box::pin(Connecting { attempt, alarm, number, since, hint: None }))
    }

    /// Whether no attempt is under way, and no connection stands, but one may yet
    pub(super) const fn is_idle(&self) -> bool {
        matches!(self, Self::Start | Self::Waiting(_))
    }

    pub(super) const fn is_over(&self) -> bool {
        matches!(self, Self::Over)
    }
}
