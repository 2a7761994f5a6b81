//! A connection's place in the server, for exactly as long as its task lives: in the registry, and
//! among those who were admitted. Returned, panicked, cut, or dropped by a runtime that stops, it is
//! freed.

use std::sync::Arc;
use std::task::{Context, Poll};

use everbeat_core::time::Timer;

use super::Shared;
use super::guard::Guard;
use crate::admission::{Origin, Ticket};
use crate::registry::{ConnectionHandle, Told};

pub(super) struct Place<X, R, K, H> {
    pub(super) shared: Arc<Shared<X, R, K, H>>,
    pub(super) handle: ConnectionHandle<X>,
    extras: Option<Box<Extras>>,
}

/// What only some connections have
#[derive(Default)]
struct Extras {
    /// If somebody traces
    span: Option<tracing::Span>,
    /// While one of the server's rules or orders has a time
    guard: Option<Box<Guard>>,
    /// If addresses are counted
    origin: Option<Origin>,
}

impl<X, R, K: Timer, H> Place<X, R, K, H> {
    pub(super) fn new(
        shared: Arc<Shared<X, R, K, H>>,
        handle: ConnectionHandle<X>,
        ticket: Ticket,
    ) -> Self {
        let id = handle.id();
        let span = tracing::debug_span!(target: "everbeat", "connection", id);
        let mut place = Self { shared, handle, extras: None };
        if !span.is_disabled() {
            place.extras().span = Some(span);
        }
        if let Some(origin) = ticket.into_origin() {
            place.extras().origin = Some(origin);
        }
        if place.shared.expire.has_times() {
            place.set_guard();
        }
        place
    }

    fn extras(&mut self) -> &mut Extras {
        self.extras.get_or_insert_default()
    }

    fn set_guard(&mut self) {
        let (id, opened) = (self.handle.id(), self.handle.record().opened());
        let guard = Guard::new(self.shared.expiry_of(id, opened));
        self.extras().guard = Some(Box::new(guard));
    }

    pub(super) fn span(&self) -> Option<tracing::Span> {
        self.extras.as_ref()?.span.clone()
    }

    /// Applies the rules; ready if the handler has not let go of its connection although it had to
    ///
    /// To be asked after each time that the handler was polled. It reads no clock unless something
    /// is due.
    pub(super) fn poll_guard(&mut self, cx: &mut Context<'_>, told: Told) -> Poll<()> {
        let record = self.handle.record();
        if record.is_over() {
            // What the handler does behind its connection's end is its own
            self.report();
            return Poll::Pending;
        }
        let guarded = self.extras.as_ref().is_some_and(|extras| extras.guard.is_some());
        if !guarded {
            let blocked = self.shared.expire.stuck.is_some() && record.blocked().is_some();
            let due = told.ordered() || blocked || record.is_authenticated();
            if !due {
                return Poll::Pending;
            }
            self.set_guard();
        }
        let Some(extras) = &mut self.extras else {
            return Poll::Pending;
        };
        if let Some(guard) = &mut extras.guard {
            if guard.poll(cx, told, &self.handle, &self.shared).is_ready() {
                return Poll::Ready(());
            }
            if guard.is_at_rest(cx) {
                extras.guard = None;
                if extras.is_empty() {
                    self.extras = None;
                }
            }
        }
        Poll::Pending
    }
}

impl Extras {
    const fn is_empty(&self) -> bool {
        self.span.is_none() && self.guard.is_none() && self.origin.is_none()
    }
}

impl<X, R, K, H> Drop for Place<X, R, K, H> {
    fn drop(&mut self) {
        self.handle.record().end();
        self.handle.registry().leave(&self.handle);
        let origin = self.extras.as_ref().and_then(|extras| extras.origin);
        self.shared.admission.leave(origin);
    }
}
