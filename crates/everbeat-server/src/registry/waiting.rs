//! A message that waits in a mailbox, and what it counts as among those that wait in all: its bytes,
//! or, if the same was sent to many, theirs once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use everbeat_core::Message;

pub(super) struct Waiting {
    message: Message,
    /// If others wait for the same
    share: Option<Arc<Share>>,
}

/// The bytes of a message that waits for many, for as long as it waits for one of them
#[derive(Debug)]
pub(super) struct Share {
    bytes: usize,
    used: Arc<AtomicUsize>,
}

impl Share {
    pub(super) fn new(bytes: usize, used: Arc<AtomicUsize>) -> Arc<Self> {
        used.fetch_add(bytes, Relaxed);
        Arc::new(Self { bytes, used })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.used.fetch_sub(self.bytes, Relaxed);
    }
}

impl Waiting {
    pub(super) const fn new(message: Message, share: Option<Arc<Share>>) -> Self {
        Self { message, share }
    }

    pub(super) fn len(&self) -> usize {
        self.message.len()
    }

    /// It waits no longer, for its connection is over; what is to be given back for it alone
    pub(super) fn forget(&mut self) -> usize {
        if self.share.take().is_some() { 0 } else { self.len() }
    }

    pub(super) fn into_message(self) -> Message {
        self.message
    }
}
