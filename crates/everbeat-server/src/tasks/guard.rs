//! What stands over a handler: the server's rules for its connection, the time in which an order is
//! to be obeyed, and the one report of why it was expired.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use everbeat_core::time::{Alarm, Instant, Slot, Timer};

use super::Shared;
use crate::expire::{Decision, Expiry};
use crate::registry::{ConnectionHandle, Order, Told};

/// How long a handler has to look at its connection's end, beyond the time for its Close
const GRACE: Duration = Duration::from_secs(1);

pub(super) struct Guard {
    expiry: Expiry,
    alarm: Alarm<Slot>,
    /// By when an order must have been obeyed
    obeyed_by: Option<Instant>,
    reported: bool,
}

impl Guard {
    pub(super) const fn new(expiry: Expiry) -> Self {
        Self { expiry, alarm: Alarm::new(), obeyed_by: None, reported: false }
    }

    /// Applies the rules; ready if the handler has not let go of its connection although it had to
    ///
    /// To be asked after each time that the handler was polled. It reads no clock unless something
    /// is due.
    pub(super) fn poll<X, K: Timer, H>(
        &mut self,
        cx: &mut Context<'_>,
        told: Told,
        handle: &ConnectionHandle<X>,
        shared: &Shared<X, K, H>,
    ) -> Poll<()> {
        let vitals = handle.mailbox().vitals();
        if vitals.is_over() {
            // What the handler does behind its connection's end is its own
            self.report(handle, shared);
            return Poll::Pending;
        }
        let wheel = &shared.wheel;
        if let Some(good) = vitals.take_authenticated() {
            self.expiry.handle_authenticated(good, wheel.now());
        }
        self.expiry.handle_blocked(vitals.blocked(), || wheel.now());
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
                    handle.mailbox().order(Order::expire(rule));
                    *self.obeyed_by.insert(shared.obeyed_by(now))
                }
                Some(Decision::Try) => {
                    handle.mailbox().nudge();
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

    /// Tells `on_expire`, once, if one of the server's rules has ended the connection
    ///
    /// A handler that is dropped, or that leaves as soon as sending fails, does so before its
    /// connection is over: then the order that stands is why.
    pub(super) fn report<X, K: Timer, H>(
        &mut self,
        handle: &ConnectionHandle<X>,
        shared: &Shared<X, K, H>,
    ) {
        let mailbox = handle.mailbox();
        let rule = match mailbox.vitals().cause() {
            Some(cause) => cause.expired(),
            None => mailbox.standing_order().0.and_then(|order| order.rule()),
        };
        let Some(rule) = rule.filter(|_| !self.reported) else {
            return;
        };
        self.reported = true;
        tracing::debug!(target: "everbeat", reason = %rule, "expired");
        if let Some(on_expire) = &shared.on_expire {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| on_expire(handle, rule))) {
                super::report_panic("on_expire", &*panic);
            }
        }
    }
}

impl<X, K: Timer, H> Shared<X, K, H> {
    /// By when a connection that is told to end now must have ended
    fn obeyed_by(&self, now: Instant) -> Instant {
        now + self.connection.close_timeout() + GRACE
    }
}
