//! A byte stream made of a request's payload and its response's body: that is how actix upgrades, for
//! the socket stays its own. This is the connection's end of it; the other one is of actix's worker.

use std::fmt;
use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use everbeat_ws::Socket;
use futures_channel::mpsc as outbound;
use futures_io::{AsyncRead, AsyncWrite};
use socket2::SockRef;
use tokio::sync::mpsc as inbound;

/// The longest piece that is written at once, in bytes: as a frame of ours
const LONGEST: usize = 64 << 10;

/// The stream below a connection inside actix
///
/// Nothing is known of the road below it, and what is flushed was taken by actix, which may still have
/// 32 KiB of it and a piece more in its buffer. Where its socket was kept
/// ([`on_connect`](crate::on_connect)) it has the TCP options of
/// [`Settings`](crate::Settings), and dropping it ends the socket, whatever actix is doing with it.
/// Where it was not, actix finds an error in its place when it next asks what to write, logs that, and
/// drops the socket.
pub struct Stream {
    read: inbound::Receiver<io::Result<Bytes>>,
    /// What was taken of that, and not read yet
    rest: Bytes,
    /// Gone once it is closed
    write: Option<outbound::Sender<Bytes>>,
    /// Whether the end of what is written is one that actix shall bring to its end
    finished: Arc<AtomicBool>,
    socket: Option<Arc<socket2::Socket>>,
}

impl Stream {
    pub(crate) const fn new(
        read: inbound::Receiver<io::Result<Bytes>>,
        write: outbound::Sender<Bytes>,
        finished: Arc<AtomicBool>,
        socket: Option<Arc<socket2::Socket>>,
    ) -> Self {
        Self { read, rest: Bytes::new(), write: Some(write), finished, socket }
    }

    /// Ready when what was written before has been taken
    fn poll_taken(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<&mut outbound::Sender<Bytes>>> {
        let Some(write) = &mut self.write else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        // The body is dropped with its socket
        ready!(write.poll_ready(cx)).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Poll::Ready(Ok(write))
    }

    fn put(&mut self, cx: &mut Context<'_>, bytes: Bytes) -> Poll<io::Result<usize>> {
        let count = bytes.len();
        if count > 0 {
            let write = ready!(self.poll_taken(cx))?;
            let sent = write.start_send(bytes);
            sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        }
        Poll::Ready(Ok(count))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        while self.rest.is_empty() {
            match ready!(self.read.poll_recv(cx)) {
                Some(piece) => self.rest = piece?,
                None => return Poll::Ready(Ok(0)),
            }
        }
        let count = self.rest.len().min(into.len());
        self.rest.copy_to_slice(&mut into[..count]);
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_taken(cx))?;
        self.put(cx, Bytes::copy_from_slice(&bytes[..bytes.len().min(LONGEST)]))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_taken(cx))?;
        let mut together = BytesMut::new();
        for slice in slices {
            let room = LONGEST - together.len();
            together.extend_from_slice(&slice[..slice.len().min(room)]);
        }
        self.put(cx, together.freeze())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_taken(cx))?;
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.write.is_some() {
            ready!(self.poll_taken(cx))?;
            self.finished.store(true, Ordering::Release);
            self.write = None;
        }
        Poll::Ready(Ok(()))
    }
}

impl Socket for Stream {
    fn tcp<R>(&self, look: impl FnOnce(&SockRef<'_>) -> R) -> Option<R> {
        self.socket.as_ref().map(|socket| look(&SockRef::from(&**socket)))
    }

    /// actix writes
    fn tells_road(&self) -> bool {
        false
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // Once it is closed actix has the last of it to write, and ends the socket itself. Before, it
        // would not notice: while it has something that the peer does not take, it asks for no more.
        let Some(socket) = self.socket.as_ref().filter(|_| self.write.is_some()) else {
            return;
        };
        if socket.shutdown(Shutdown::Both).is_ok() {
            self.finished.store(true, Ordering::Release);
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("open", &self.write.is_some())
            .field("socket", &self.socket)
            .finish_non_exhaustive()
    }
}
