//! A connection's place in the server, for exactly as long as its task lives: in the registry, and
//! among those who were admitted. Returned, panicked, cut, or dropped by a runtime that stops, it is
//! freed.

use std::sync::Arc;

use everbeat_core::time::Timer;

use super::Shared;
use crate::admission::{Counted, Ticket};
use crate::registry::ConnectionHandle;

pub(super) struct Place<X, R, K, H> {
    pub(super) shared: Arc<Shared<X, R, K, H>>,
    pub(super) handle: ConnectionHandle<X>,
}

impl<X, R, K: Timer, H> Place<X, R, K, H> {
    /// The place, and where it is counted beside it
    pub(super) fn new(
        shared: Arc<Shared<X, R, K, H>>,
        handle: ConnectionHandle<X>,
        ticket: Ticket,
    ) -> (Self, Option<Counted>) {
        (Self { shared, handle }, ticket.into_place())
    }
}

impl<X, R, K, H> Drop for Place<X, R, K, H> {
    fn drop(&mut self) {
        self.handle.record().end();
        self.handle.registry().leave(&self.handle);
        self.shared.admission.leave();
    }
}
