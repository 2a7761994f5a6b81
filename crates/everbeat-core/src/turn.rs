//! How long a task that never has to wait may go on before it lets others run.

use core::task::{Context, Poll};

/// Messages that a task may send without having waited once
const MESSAGES: u8 = 64;

/// A task's turn, for an executor that takes none back by itself
#[derive(Debug, Default)]
pub(crate) struct Turn {
    sent: u8,
}

impl Turn {
    /// Ready while the turn lasts; else pending once, and woken already
    pub(crate) fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.sent < MESSAGES {
            return Poll::Ready(());
        }
        self.sent = 0;
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// A message was sent
    pub(crate) const fn note_sent(&mut self) {
        self.sent = self.sent.saturating_add(1);
    }

    /// The task waits: others run
    pub(crate) const fn end(&mut self) {
        self.sent = 0;
    }
}
