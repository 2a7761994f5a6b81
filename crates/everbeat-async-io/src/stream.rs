//! A TCP connection on the reactor, as a byte stream that a WebSocket can run on.

use std::io::{self, IoSlice};
use std::net::{Shutdown, TcpStream};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_io::Async;
use everbeat_ws::{Adopted, Socket};
use futures_io::{AsyncRead, AsyncWrite};
use socket2::SockRef;

/// A TCP connection on the reactor
#[derive(Debug)]
pub struct Stream(Arc<Async<TcpStream>>);

impl Stream {
    /// Takes over a connection: smol's `TcpStream`, or an `Async<TcpStream>`
    ///
    /// One of the standard library, which async-std's becomes by its `TryFrom`, is taken over by
    /// the `TryFrom` of this type. A clone that somebody keeps keeps the socket open.
    #[must_use]
    pub fn new(stream: impl Into<Arc<Async<TcpStream>>>) -> Self {
        Self(stream.into())
    }
}

/// Takes over any stream of `futures_io`'s traits: a Unix socket, a tunnel, somebody else's TLS
#[must_use]
pub const fn adopt<S>(stream: S) -> Adopted<S> {
    Adopted::new(stream)
}

impl TryFrom<TcpStream> for Stream {
    type Error = io::Error;

    /// Takes over a connection of the standard library
    ///
    /// # Errors
    ///
    /// The socket cannot be made non-blocking, or not be watched.
    fn try_from(stream: TcpStream) -> io::Result<Self> {
        Async::new(stream).map(Self::new)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self.0).poll_read(cx, into)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self.0).poll_write_vectored(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self.0).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // `Async`'s own only flushes; it does not know that this is a socket.
        Poll::Ready(match self.0.get_ref().shutdown(Shutdown::Write) {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            other => other,
        })
    }
}

impl Socket for Stream {
    fn tcp(&self) -> Option<SockRef<'_>> {
        Some(SockRef::from(self.0.get_ref()))
    }
}
