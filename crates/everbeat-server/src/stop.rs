//! The wish that a server stops, as said through a [`ServerHandle`].

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;

/// Stops a server from anywhere
///
/// A clone is a handle to the same server; dropping it stops nothing.
#[derive(Clone)]
pub struct ServerHandle(Arc<Stop>);

#[derive(Default)]
struct Stop {
    asked: AtomicBool,
    waker: AtomicWaker,
}

impl ServerHandle {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    /// Has the server stop accepting and close its connections, as the end of the future given to
    /// [`serve_until`](crate::Server::serve_until) does; returns at once
    pub fn shutdown(&self) {
        self.0.asked.store(true, Ordering::SeqCst);
        self.0.waker.wake();
    }

    /// Whether it was asked to stop
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.0.asked.load(Ordering::SeqCst)
    }

    /// Ready once it was asked to; the server's one task asks
    pub(crate) fn poll_stop(&self, cx: &Context<'_>) -> Poll<()> {
        self.0.waker.register(cx.waker());
        if self.is_stopping() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl fmt::Debug for ServerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHandle").field("stopping", &self.is_stopping()).finish()
    }
}
