//! A connection's place in the registry, for exactly as long as its task lives: returned, panicked,
//! cut, or dropped by a runtime that stops, it is freed.

use super::{ConnectionHandle, Registry};

pub(crate) struct Member<X> {
    registry: Registry<X>,
    handle: ConnectionHandle<X>,
}

impl<X> Member<X> {
    pub(super) const fn new(registry: Registry<X>, handle: ConnectionHandle<X>) -> Self {
        Self { registry, handle }
    }

    pub(crate) const fn handle(&self) -> &ConnectionHandle<X> {
        &self.handle
    }
}

impl<X> Drop for Member<X> {
    fn drop(&mut self) {
        self.handle.mailbox().end();
        self.registry.leave(self.handle.id());
    }
}
