//! A transport whose program does something else than to read, for a while.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use everbeat_core::transport::{Incoming, Outgoing, Transport};

/// Whether it reads
pub(crate) type Flag = Rc<Cell<bool>>;

/// Reads nothing while the flag is down; to be polled again when it is up
pub(crate) struct Unread<T>(T, Flag);

impl<T> Unread<T> {
    pub(crate) const fn new(transport: T, reads: Flag) -> Self {
        Self(transport, reads)
    }
}

impl<T: Transport + Unpin> Transport for Unread<T> {
    type Error = T::Error;

    fn poll_recv(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Incoming, T::Error>>> {
        if self.1.get() { Pin::new(&mut self.0).poll_recv(cx) } else { Poll::Pending }
    }

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), T::Error>> {
        Pin::new(&mut self.0).poll_ready(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, outgoing: Outgoing) -> Result<(), T::Error> {
        Pin::new(&mut self.0).start_send(outgoing)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), T::Error>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), T::Error>> {
        Pin::new(&mut self.0).poll_close(cx)
    }

    fn abort(mut self: Pin<&mut Self>) {
        Pin::new(&mut self.0).abort();
    }

    fn received(&self) -> u64 {
        self.0.received()
    }

    fn sent(&self) -> u64 {
        self.0.sent()
    }
}
