//! What there is of a client that is asked to close, or is over.

use core::pin::Pin;
use core::task::Poll;
use core::time::Duration;

use alloc::boxed::Box;

use crate::cause::{Cause, CloseFrame};
use crate::outcome::Unconfirmed;
use crate::time::{Alarm, Instant, Sleep, Timer, Wake};

/// What most clients do not have before their end
pub(super) struct Ending<S> {
    /// Asked to close
    pub(super) farewell: Option<Farewell<S>>,
    /// What earlier ends left unconfirmed, and `close` came upon unread
    pub(super) untold: Unconfirmed,
    /// How many messages were handed back, for they were never written
    pub(super) unsent: u64,
    /// Why there is no further event
    pub(super) outcome: Option<Cause>,
}

impl<S> Ending<S> {
    /// The client's own, from now on if it had none
    pub(super) fn of(place: &mut Option<Box<Self>>) -> &mut Self {
        place.get_or_insert_with(|| {
            let untold = Unconfirmed::default();
            Box::new(Self { farewell: None, untold, unsent: 0, outcome: None })
        })
    }
}

/// How a client closes that was asked to
pub(super) struct Farewell<S> {
    /// What the Close frame will say
    pub(super) frame: CloseFrame,
    /// Whether whoever closes has more to send first
    pub(super) more: bool,
    /// When the queue began to be sent off; `None` until the clock is next read
    since: Option<Instant>,
    /// Made when it has to wait: mostly all was sent at once
    alarm: Option<Pin<Box<Alarm<S>>>>,
}

impl<S: Sleep> Farewell<S> {
    pub(super) fn new(frame: CloseFrame) -> Self {
        Self { frame, more: false, since: None, alarm: None }
    }

    /// Ready once the queue has had its time; otherwise the task is woken by then
    pub(super) fn poll_time_is_up<K: Timer<Sleep = S>>(
        &mut self,
        wake: &mut Wake<'_, '_>,
        timer: &K,
        limit: Duration,
    ) -> Poll<()> {
        let now = wake.now(timer);
        let deadline = *self.since.get_or_insert(now) + limit;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(Alarm::new()));
        alarm.as_mut().poll_due(wake.cx, timer, now, deadline)
    }
}
