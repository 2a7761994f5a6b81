//! A TCP connection in a nest, as a byte stream that a WebSocket can run on.

use std::fmt;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use everbeat_ws::Socket;
use futures_io::{AsyncRead, AsyncWrite};
use socket2::SockRef;

use crate::place::{Place, Way};
use crate::table::Chunk;

/// A TCP connection in a nest
///
/// Reading and writing may be two tasks'.
pub(crate) struct Nested {
    socket: TcpStream,
    number: u32,
    chunk: Arc<Chunk>,
}

impl Nested {
    pub(crate) const fn new(socket: TcpStream, number: u32, chunk: Arc<Chunk>) -> Self {
        Self { socket, number, chunk }
    }

    fn place(&self) -> &Place {
        self.chunk.place(self.number)
    }

    /// Calls the kernel when that is worth it, until it has an answer
    ///
    /// `room` is how much the call could take or give: what is less was all, and the next call would be
    /// for nothing.
    fn poll_call(
        &self,
        way: Way,
        cx: &Context<'_>,
        room: usize,
        mut call: impl FnMut(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let place = self.place();
        loop {
            let look = ready!(place.poll(way, cx));
            match call(&self.socket) {
                Ok(count) => {
                    if count > 0 && count < room && !look.is_last() {
                        place.found_nothing(way, look);
                    }
                    return Poll::Ready(Ok(count));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
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
        self.place().end();
        self.chunk.shared.forget(&self.socket, self.number);
    }
}

impl AsyncRead for Nested {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_call(Way::In, cx, into.len(), |mut socket| socket.read(into))
    }
}

impl AsyncWrite for Nested {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_call(Way::Out, cx, bytes.len(), |mut socket| socket.write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let room = bytes.iter().map(|slice| slice.len()).sum();
        self.poll_call(Way::Out, cx, room, |mut socket| socket.write_vectored(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(match self.socket.shutdown(Shutdown::Write) {
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(()),
            other => other,
        })
    }
}

impl Socket for Nested {
    fn tcp(&self) -> Option<SockRef<'_>> {
        Some(SockRef::from(&self.socket))
    }
}

impl fmt::Debug for Nested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Nested").field(&self.socket).finish()
    }
}
