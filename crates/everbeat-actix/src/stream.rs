//! A byte stream made of a request's payload and its response's body: that is how actix upgrades, for
//! the socket stays its own.
//!
//! Three live on the worker that has the socket, and one where the server of the connections runs:
//! actix's dispatcher, which reads and writes; [`Body`], which it asks for what is to be written; a
//! task that carries on what it has read; and [`Stream`], the connection's. Between them are two
//! channels with room for little, so that whoever is slow holds up the other end, and not memory.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, MessageBody};
use actix_web::error::PayloadError;
use actix_web::{dev, rt};
use bytes::{Buf, Bytes, BytesMut};
use everbeat_ws::Socket;
use futures_channel::mpsc as outbound;
use futures_core::Stream as _;
use futures_io::{AsyncRead, AsyncWrite};
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use tokio::sync::mpsc as inbound;

/// How many pieces that were read may wait for the connection; actix reads 32 KiB at most ahead of
/// them, and what waits then is in the kernel
const PIECES: usize = 4;

/// The longest piece that is written at once, in bytes: as a frame of ours
const LONGEST: usize = 64 << 10;

/// The stream below a connection inside actix
///
/// It has no socket that could be asked: nothing is known of the road, and what is flushed was taken
/// by actix, which may still have some KiB of it in its buffer. An abort ends the body with an error,
/// upon which actix drops the socket, and logs it.
pub struct Stream {
    read: inbound::Receiver<io::Result<Bytes>>,
    /// What was taken of that, and not read yet
    rest: Bytes,
    /// Gone once it is closed
    write: Option<outbound::Sender<Bytes>>,
    /// Whether it was closed, and not dropped
    closed: Arc<AtomicBool>,
}

/// The body of the response that upgrades: what is written
pub(crate) struct Body {
    written: outbound::Receiver<Bytes>,
    closed: Arc<AtomicBool>,
}

/// Both ends; the task that carries what is read is of this thread, actix's worker
pub(crate) fn join(payload: dev::Payload) -> (Stream, Body) {
    let (carrier, read) = inbound::channel(PIECES);
    // One piece: a flush is done when that was taken
    let (write, written) = outbound::channel(0);
    let closed = Arc::new(AtomicBool::new(false));
    rt::spawn(carry(payload, carrier));
    let stream = Stream { read, rest: Bytes::new(), write: Some(write), closed: closed.clone() };
    (stream, Body { written, closed })
}

/// Hands on what the peer says, until it says no more or the connection has ended; then actix throws
/// away what still comes
async fn carry(mut payload: dev::Payload, carrier: inbound::Sender<io::Result<Bytes>>) {
    loop {
        let next = match select(pin!(carrier.closed()), payload.next()).await {
            Either::Left(_) | Either::Right((None, _)) => return,
            Either::Right((Some(next), _)) => next.map_err(ended),
        };
        let over = next.is_err();
        if carrier.send(next).await.is_err() || over {
            return;
        }
    }
}

/// Why there is no more
fn ended(error: PayloadError) -> io::Error {
    match error {
        PayloadError::Io(error) => error,
        // What actix says whenever the socket is gone
        PayloadError::Incomplete(cause) => {
            cause.unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into())
        }
        other => io::Error::other(other.to_string()),
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

impl Stream {
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
            self.closed.store(true, Ordering::Release);
            self.write = None;
        }
        Poll::Ready(Ok(()))
    }
}

impl Socket for Stream {}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("open", &self.write.is_some()).finish_non_exhaustive()
    }
}

impl MessageBody for Body {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Bytes>>> {
        match ready!(Pin::new(&mut self.written).poll_next(cx)) {
            Some(bytes) => Poll::Ready(Some(Ok(bytes))),
            None if self.closed.load(Ordering::Acquire) => Poll::Ready(None),
            // A plain end would leave actix with what it has not written, for as long as a peer that
            // is gone takes nothing
            None => Poll::Ready(Some(Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "everbeat has ended the connection",
            )))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use actix_web::dev::Payload;
    use futures_util::stream::{self, BoxStream};

    use super::*;

    fn payload(pieces: Vec<Result<Bytes, PayloadError>>, ends: bool) -> Payload {
        let pieces = stream::iter(pieces);
        let all: BoxStream<'static, _> = match ends {
            true => pieces.boxed(),
            false => pieces.chain(stream::pending()).boxed(),
        };
        Payload::Stream { payload: all }
    }

    async fn read(stream: &mut Stream, room: usize) -> io::Result<Vec<u8>> {
        let mut into = vec![0; room];
        let count = poll_fn(|cx| Pin::new(&mut *stream).poll_read(cx, &mut into)).await?;
        into.truncate(count);
        Ok(into)
    }

    async fn next(body: &mut Body) -> Option<io::Result<Bytes>> {
        poll_fn(|cx| Pin::new(&mut *body).poll_next(cx)).await
    }

    #[actix_web::test]
    async fn what_is_read_comes_in_any_pieces_and_then_its_end() {
        let pieces = vec![Ok(Bytes::from("hello")), Ok(Bytes::new()), Ok(Bytes::from("you"))];
        let (mut stream, _body) = join(payload(pieces, true));
        assert_eq!(read(&mut stream, 3).await.unwrap(), b"hel");
        assert_eq!(read(&mut stream, 9).await.unwrap(), b"lo");
        assert_eq!(read(&mut stream, 9).await.unwrap(), b"you");
        assert_eq!(read(&mut stream, 9).await.unwrap(), b"");
    }

    #[actix_web::test]
    async fn a_socket_that_is_gone_is_an_error() {
        let (mut stream, _body) = join(payload(vec![Err(PayloadError::Incomplete(None))], false));
        let error = read(&mut stream, 9).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        let (mut stream, body) = join(payload(Vec::new(), false));
        drop(body);
        let written = poll_fn(|cx| Pin::new(&mut stream).poll_write(cx, b"?")).await;
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[actix_web::test]
    async fn what_is_written_waits_until_it_is_taken() {
        let (mut stream, mut body) = join(payload(Vec::new(), false));
        let cx = &mut Context::from_waker(std::task::Waker::noop());
        let slices = [IoSlice::new(b"head"), IoSlice::new(b""), IoSlice::new(b"body")];
        assert!(matches!(
            Pin::new(&mut stream).poll_write_vectored(cx, &slices),
            Poll::Ready(Ok(8))
        ));
        assert!(Pin::new(&mut stream).poll_write(cx, b"more").is_pending());
        assert!(Pin::new(&mut stream).poll_flush(cx).is_pending());
        assert_eq!(next(&mut body).await.unwrap().unwrap(), "headbody");
        assert!(Pin::new(&mut stream).poll_flush(cx).is_ready());
        let large = vec![7; LONGEST + 1];
        let written = Pin::new(&mut stream).poll_write(cx, &large);
        assert!(matches!(written, Poll::Ready(Ok(LONGEST))), "{written:?}");
    }

    #[actix_web::test]
    async fn who_closes_ends_the_body_and_who_is_dropped_breaks_it() {
        let (mut stream, mut body) = join(payload(Vec::new(), false));
        poll_fn(|cx| Pin::new(&mut stream).poll_close(cx)).await.unwrap();
        assert!(next(&mut body).await.is_none());
        let (stream, mut body) = join(payload(Vec::new(), false));
        drop(stream);
        let broken = next(&mut body).await.unwrap().unwrap_err();
        assert_eq!(broken.kind(), io::ErrorKind::ConnectionAborted);
    }
}
