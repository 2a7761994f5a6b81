//! A TCP connection in a nest, as a byte stream that a WebSocket can run on.

use std::fmt;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use everbeat_core::transport::Hatch;
use everbeat_ws::Socket;
use futures_io::{AsyncRead, AsyncWrite};
use socket2::SockRef;

use crate::place::Way;
use crate::table::Chunk;

/// How many calls one after the other may find something before others run: as many as tokio's own
/// streams make, for a peer may say more than anybody can read
const BUDGET: u8 = 128;

/// How many slices one call takes (`IOV_MAX`)
const SLICES: usize = 1_024;

/// A TCP connection in a nest
///
/// Reading and writing may be two tasks'.
pub(crate) struct Nested {
    index: u8,
    /// Calls that have found something since one found nothing
    calls: u8,
    chunk: Arc<Chunk>,
}

impl Nested {
    pub(crate) const fn new(index: u8, chunk: Arc<Chunk>) -> Self {
        Self { index, calls: 0, chunk }
    }

    /// Calls the kernel when that is worth it, until it has an answer
    ///
    /// `room` is how much the call could take or give: what is less was all, and the next call would be
    /// for nothing.
    fn poll_call(
        &mut self,
        way: Way,
        cx: &Context<'_>,
        room: usize,
        mut call: impl FnMut(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        if self.calls == BUDGET {
            self.calls = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let place = self.chunk.place(self.index);
        loop {
            let Poll::Ready(look) = place.poll(way, cx) else {
                return match self.chunk.shared.is_there() {
                    Ok(()) => Poll::Pending,
                    Err(gone) => Poll::Ready(Err(gone)),
                };
            };
            let called = match place.socket().as_ref() {
                Some(socket) => call(socket),
                None => Err(ErrorKind::NotConnected.into()),
            };
            match called {
                Ok(count) => {
                    self.calls += 1;
                    if count > 0 && count < room && !look.is_last() {
                        self.calls = 0;
                        place.found_nothing(way, look);
                    }
                    return Poll::Ready(Ok(count));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.calls = 0;
                    place.found_nothing(way, look);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl Drop for Nested {
    fn drop(&mut self) {
        let place = self.chunk.place(self.index);
        let socket = place.leave();
        drop(place.end());
        self.chunk.shared.forget(socket.as_ref(), self.chunk.number(self.index));
    }
}

impl AsyncRead for Nested {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_call(Way::In, cx, into.len(), |mut socket| socket.read(into))
    }
}

impl AsyncWrite for Nested {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_call(Way::Out, cx, bytes.len(), |mut socket| socket.write(bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // The kernel takes no more of them, which is not to say that it is full.
        let bytes = &bytes[..bytes.len().min(SLICES)];
        let room = bytes.iter().map(|slice| slice.len()).sum();
        self.poll_call(Way::Out, cx, room, |mut socket| socket.write_vectored(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let guard = self.chunk.place(self.index).socket();
        Poll::Ready(match guard.as_ref().map(|socket| socket.shutdown(Shutdown::Write)) {
            Some(Err(error)) if error.kind() != ErrorKind::NotConnected => Err(error),
            _ => Ok(()),
        })
    }
}

impl Socket for Nested {
    fn tcp<R>(&self, look: impl FnOnce(&SockRef<'_>) -> R) -> Option<R> {
        self.chunk.place(self.index).socket().as_ref().map(|socket| look(&SockRef::from(socket)))
    }

    fn hatch(&self) -> Option<Hatch> {
        Some(Hatch::new(self.chunk.clone(), self.index))
    }
}

impl fmt::Debug for Nested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Nested").field(&*self.chunk.place(self.index).socket()).finish()
    }
}
