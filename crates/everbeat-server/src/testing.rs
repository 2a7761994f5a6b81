//! What the unit tests have in common.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;
use std::thread::Thread;

use everbeat_core::time::Instant;
use everbeat_core::transport::Hatch;

use crate::limits::Room;
use crate::registry::{Record, Ruled, Rules};

/// A waker that counts its calls
#[derive(Default)]
pub(crate) struct Calls(pub(crate) AtomicUsize);

impl Wake for Calls {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A waker of a thread that parks
pub(crate) struct Unpark(pub(crate) Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Nobody in particular, under rules of his own
pub(crate) struct Somebody(Rules);

impl Ruled for Somebody {
    fn rules(&self) -> &Rules {
        &self.0
    }
}

/// Rules by which a mailbox takes so many messages of so many bytes in all
pub(crate) fn rules(messages: usize, bytes: usize) -> Rules {
    let room = Room { messages, bytes };
    let (used, live) = (Arc::default(), AtomicUsize::new(1));
    Rules { room, slow: None, in_all: usize::MAX, used, live }
}

/// The record of somebody under such rules
pub(crate) fn record(messages: usize, bytes: usize) -> Arc<Record<Somebody>> {
    Arc::new(Record::new(1, Instant::ORIGIN, None, Somebody(rules(messages, bytes))))
}

/// The record of somebody whose socket may be lent
pub(crate) fn lending(hatch: Hatch) -> Arc<Record<Somebody>> {
    Arc::new(Record::new(1, Instant::ORIGIN, Some(hatch), Somebody(rules(100_000, 1 << 30))))
}
