//! A connection's place in the registry, for exactly as long as its task lives: returned, panicked,
//! cut, or dropped by a runtime that stops, it is freed.

use super::ConnectionHandle;

pub(crate) struct Member<X> {
    handle: ConnectionHandle<X>,
}

impl<X> Member<X> {
    pub(super) const fn new(handle: ConnectionHandle<X>) -> Self {
        Self { handle }
    }

    pub(crate) const fn handle(&self) -> &ConnectionHandle<X> {
        &self.handle
    }
}

impl<X> Drop for Member<X> {
    fn drop(&mut self) {
        self.handle.mailbox().end();
        self.handle.registry().leave(&self.handle);
    }
}
