//! What only some connections' tasks have, or only for a while, behind a pointer that is null for all
//! others: a span, an address that is counted, and the guard.

use std::task::{Context, Poll};

use everbeat_core::time::Timer;

use super::guard::Guard;
use super::place::Place;
use crate::admission::Counted;
use crate::registry::Told;

pub(super) struct Extras(Option<Box<Had>>);

#[derive(Default)]
struct Had {
    /// If somebody traces
    span: Option<tracing::Span>,
    /// While one of the server's rules or orders has a time
    guard: Option<Box<Guard>>,
    /// If addresses are counted
    counted: Option<Counted>,
}

impl Extras {
    pub(super) fn new<X, R, K: Timer, H>(
        place: &Place<X, R, K, H>,
        counted: Option<Counted>,
    ) -> Self {
        let id = place.handle.id();
        let span = tracing::debug_span!(target: "everbeat", "connection", id);
        let mut extras = Self(None);
        if !span.is_disabled() {
            extras.had().span = Some(span);
        }
        if counted.is_some() {
            extras.had().counted = counted;
        }
        if place.shared.expire.has_times() {
            extras.had().guard = Some(Box::new(place.guard()));
        }
        extras
    }

    fn had(&mut self) -> &mut Had {
        self.0.get_or_insert_default()
    }

    #[inline]
    pub(super) fn span(&self) -> Option<tracing::Span> {
        self.0.as_ref()?.span.clone()
    }

    /// Applies the rules; ready if the handler has not let go of its connection although it had to
    ///
    /// To be asked after each time that the handler was polled. It reads no clock unless something
    /// is due.
    pub(super) fn poll_guard<X, R, K: Timer, H>(
        &mut self,
        cx: &mut Context<'_>,
        told: Told,
        place: &Place<X, R, K, H>,
    ) -> Poll<()> {
        let record = place.handle.record();
        if record.is_over() {
            // What the handler does behind its connection's end is its own
            place.report();
            return Poll::Pending;
        }
        let guarded = self.0.as_ref().is_some_and(|had| had.guard.is_some());
        if !guarded {
            let blocked = place.shared.expire.stuck.is_some() && record.blocked().is_some();
            let due = told.ordered() || blocked || record.is_authenticated();
            if !due {
                return Poll::Pending;
            }
        }
        let guard = self.had().guard.get_or_insert_with(|| Box::new(place.guard()));
        if guard.poll(cx, told, &place.handle, &place.shared).is_ready() {
            return Poll::Ready(());
        }
        if guard.is_at_rest(cx) {
            self.had().guard = None;
            if self.0.as_ref().is_some_and(|had| had.is_empty()) {
                self.0 = None;
            }
        }
        Poll::Pending
    }
}

impl Had {
    const fn is_empty(&self) -> bool {
        self.span.is_none() && self.guard.is_none() && self.counted.is_none()
    }
}
