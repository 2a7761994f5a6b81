//! A socket made of bytes that are known beforehand, cut into the pieces that a target asks for.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use everbeat_ws::{Settings, Socket};
use fastrand::Rng;
use futures_io::{AsyncRead, AsyncWrite};

/// The least and the default of `max_head`, the limit on a head
pub(crate) const HEADS: [usize; 2] = [512, Settings::MAX_HEAD];
/// What one read may bring beyond a limit: the size of a read block
pub(crate) const BLOCK: usize = 16 << 10;

/// How the same bytes are cut
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cuts {
    /// As much as the reader has room for
    Whole,
    /// One byte at a time, and as many written
    Bytes,
    /// Pieces of 1 to 40 bytes, and sometimes nothing for now: drawn from the bytes themselves, so
    /// that the same input is always cut the same
    Drawn,
}

impl Cuts {
    /// All of them: any chunking of the same bytes must give the same result
    pub(crate) const ALL: [Self; 3] = [Self::Whole, Self::Bytes, Self::Drawn];
}

/// One end of a socket; clones are the same socket, for whoever looks on
#[derive(Clone)]
pub(crate) struct Wire(Arc<Mutex<State>>);

type Answer = Box<dyn FnOnce(&[u8]) -> Vec<u8> + Send>;

struct State {
    incoming: Vec<u8>,
    /// Makes `incoming` from what was written until the first read
    answer: Option<Answer>,
    read: usize,
    written: Vec<u8>,
    closed: bool,
    cuts: Cuts,
    rng: Rng,
}

impl Wire {
    /// Gives `incoming` out, then ends
    pub(crate) fn new(incoming: &[u8], cuts: Cuts) -> Self {
        let seed = incoming.iter().fold(incoming.len() as u64, |seed, &byte| {
            (seed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(Arc::new(Mutex::new(State {
            incoming: incoming.to_vec(),
            answer: None,
            read: 0,
            written: Vec::new(),
            closed: false,
            cuts,
            rng: Rng::with_seed(seed),
        })))
    }

    /// Gives out what `answer` makes of the first thing written
    pub(crate) fn answering(
        cuts: Cuts,
        seed: &[u8],
        answer: impl FnOnce(&[u8]) -> Vec<u8> + Send + 'static,
    ) -> Self {
        let wire = Self::new(seed, cuts);
        wire.state().answer = Some(Box::new(answer));
        wire
    }

    /// How many bytes were read from it
    pub(crate) fn read(&self) -> usize {
        self.state().read
    }

    /// What came to be written
    pub(crate) fn written(&self) -> Vec<u8> {
        self.state().written.clone()
    }

    /// Whether the writing half was shut
    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How many of `count` bytes go now; `None` for none
    fn piece(&mut self, count: usize) -> Option<usize> {
        match self.cuts {
            Cuts::Whole => Some(count),
            Cuts::Bytes => Some(count.min(1)),
            Cuts::Drawn if self.rng.u8(..8) == 0 => None,
            Cuts::Drawn => Some(count.min(self.rng.usize(1..=40))),
        }
    }

    fn give(&mut self, into: &mut [u8]) -> Option<usize> {
        if let Some(answer) = self.answer.take() {
            self.incoming = answer(&self.written);
        }
        let count = self.piece(into.len().min(self.incoming.len() - self.read))?;
        into[..count].copy_from_slice(&self.incoming[self.read..self.read + count]);
        self.read += count;
        Some(count)
    }

    fn take(&mut self, bytes: &[u8]) -> Option<usize> {
        assert!(!self.closed, "written after it was shut");
        let count = self.piece(bytes.len())?;
        self.written.extend_from_slice(&bytes[..count]);
        Some(count)
    }
}

fn ready<T>(now: Option<T>, cx: &Context<'_>) -> Poll<io::Result<T>> {
    match now {
        Some(now) => Poll::Ready(Ok(now)),
        None => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        ready(self.state().give(into), cx)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready(self.state().take(bytes), cx)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.state().closed = true;
        Poll::Ready(Ok(()))
    }
}

impl Socket for Wire {}

/// For tungstenite, which blocks
impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.state().give(into).ok_or_else(|| io::ErrorKind::WouldBlock.into())
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.state().take(bytes).ok_or_else(|| io::ErrorKind::WouldBlock.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
