//! A byte stream in memory that costs as little as one can: what is counted is to be the WebSocket.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use everbeat_ws::Socket;
use futures_util::io::{AsyncRead, AsyncWrite};

/// One direction
#[derive(Debug, Default)]
struct Pipe {
    bytes: Vec<u8>,
    /// How many of them are read
    read: usize,
    reader: Option<Waker>,
}

impl Pipe {
    /// Takes everything
    fn take(&mut self, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let before = self.bytes.len();
        pieces.iter().for_each(|piece| self.bytes.extend_from_slice(piece));
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(self.bytes.len() - before))
    }
}

/// One end of a stream that takes everything at once and never ends
#[derive(Debug)]
pub(crate) struct End {
    from: Rc<RefCell<Pipe>>,
    to: Rc<RefCell<Pipe>>,
}

/// The two ends of a stream
pub(crate) fn duplex() -> [End; 2] {
    let (there, back) = (Rc::default(), Rc::default());
    let client = End { from: Rc::clone(&back), to: Rc::clone(&there) };
    [client, End { from: there, to: back }]
}

impl AsyncRead for End {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let pipe = &mut *self.from.borrow_mut();
        let waiting = &pipe.bytes[pipe.read..];
        if waiting.is_empty() {
            match &mut pipe.reader {
                Some(reader) => reader.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            return Poll::Pending;
        }
        let count = waiting.len().min(into.len());
        into[..count].copy_from_slice(&waiting[..count]);
        pipe.read += count;
        if pipe.read == pipe.bytes.len() {
            pipe.bytes.clear();
            pipe.read = 0;
        }
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for End {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.to.borrow_mut().take(&[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.to.borrow_mut().take(pieces)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Socket for End {}
