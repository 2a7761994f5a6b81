//! What stands over a handler: the server's rules for its connection, the time in which an order is
//! to be obeyed, and the one report of why it was expired.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use everbeat_core::time::{Alarm, Instant, Slot, Timer};

use super::Shared;
use super::place::Place;
use crate::expire::{Decision, Expiry};
use crate::registry::{ConnectionHandle, Order, Told};

/// How long a handler has to look at its connection's end, beyond the time for its Close
const GRACE: Duration = Duration::from_secs(1);

pub(super) struct Guard {
    expiry: Expiry,
    alarm: Alarm<Slot>,
    /// By when an order must have been obeyed
    obeyed_by: Option<Instant>,
}

impl Guard {
    pub(super) const fn new(expiry: Expiry) -> Self {
        Self { expiry, alarm: Alarm::new(), obeyed_by: None }
    }

    /// Applies the rules, as [`Extras::poll_guard`](super::extras::Extras::poll_guard)
    pub(super) fn poll<X, R, K: Timer, H>(
        &mut self,
        cx: &mut Context<'_>,
        told: Told,
        handle: &ConnectionHandle<X>,
        shared: &Shared<X, R, K, H>,
    ) -> Poll<()> {
        let (record, wheel) = (handle.record(), &shared.wheel);
        if let Some(good) = record.take_authenticated() {
            self.expiry.handle_authenticated(good, wheel.now());
        }
        self.expiry.handle_blocked(record.blocked(), || wheel.now());
        if told.ordered() && self.obeyed_by.is_none() {
            self.obeyed_by = Some(shared.obeyed_by(wheel.now()));
        }
        // Whom the shutdown has told is under the server's own deadline; the others, whose turn to
        // leave comes later, are under the rules as ever
        if self.obeyed_by.is_none() && told.leaving() {
            return Poll::Pending;
        }
        let deadline = self.obeyed_by.unwrap_or_else(|| self.expiry.poll_timeout());
        if Pin::new(&mut self.alarm).poll_covered(cx, deadline).is_pending() {
            return Poll::Pending;
        }
        let now = wheel.now();
        let deadline = match self.obeyed_by {
            Some(by) if now >= by => return Poll::Ready(()),
            Some(by) => by,
            None => match self.expiry.handle_timeout(now) {
                Some(Decision::Expire(rule)) => {
                    record.order(Order::expire(rule));
                    *self.obeyed_by.insert(shared.obeyed_by(now))
                }
                Some(Decision::Try) => {
                    record.nudge();
                    self.expiry.poll_timeout()
                }
                None => self.expiry.poll_timeout(),
            },
        };
        if Pin::new(&mut self.alarm).poll_due(cx, wheel, now, deadline).is_ready() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Whether nothing has a time any more, nor ever will that another guard would not know of
    ///
    /// Not before the alarm has rung that was set last, so that who is blocked again and again needs
    /// no guard again and again.
    pub(super) fn is_at_rest(&mut self, cx: &mut Context<'_>) -> bool {
        self.obeyed_by.is_none()
            && self.expiry.is_at_rest()
            && Pin::new(&mut self.alarm).poll_armed(cx).is_ready()
    }
}

impl<X, R, K: Timer, H> Place<X, R, K, H> {
    /// One that stands over its handler from now on
    pub(super) fn guard(&self) -> Guard {
        Guard::new(self.shared.expiry_of(self.handle.id(), self.handle.record().opened()))
    }

    /// Tells `on_expire`, once, if one of the server's rules has ended the connection
    ///
    /// A handler that is dropped, or that leaves as soon as sending fails, does so before its
    /// connection is over: then the order that stands is why.
    pub(super) fn report(&self) {
        let (handle, record) = (&self.handle, self.handle.record());
        let rule = match record.cause() {
            Some(cause) => cause.expired(),
            None => record.standing_order().and_then(|order| order.rule()),
        };
        let Some(rule) = rule.filter(|_| record.claim_report()) else {
            return;
        };
        tracing::debug!(target: "everbeat", reason = %rule, "expired");
        if let Some(on_expire) = &self.shared.on_expire {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| on_expire(handle, rule))) {
                super::report_panic("on_expire", &*panic);
            }
        }
    }
}

impl<X, R, K: Timer, H> Shared<X, R, K, H> {
    /// By when a connection that is told to end now must have ended
    fn obeyed_by(&self, now: Instant) -> Instant {
        now + self.connection.close_timeout() + GRACE
    }
}
