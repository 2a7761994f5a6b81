//! In-memory byte streams that cut, stall and write partly as a seed says, and an executor that
//! fails when a task waits for nobody.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice, Read};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use everbeat_core::Message;
use everbeat_core::transport::{Incoming, Outgoing, Transport};
use everbeat_ws::{Error, Socket, WebSocket};
use futures_util::io::{AsyncRead, AsyncWrite};

/// One direction
#[derive(Default)]
struct Pipe {
    bytes: VecDeque<u8>,
    capacity: usize,
    /// The writer said that it is done
    ended: bool,
    /// The reader is gone
    deaf: bool,
    waiting: Vec<Waker>,
}

impl Pipe {
    fn wake(&mut self) {
        self.waiting.drain(..).for_each(Waker::wake);
    }
}

/// One end of an in-memory stream
pub(crate) struct End {
    from: Arc<Mutex<Pipe>>,
    to: Arc<Mutex<Pipe>>,
    /// Decides on cuts and stalls; without it nothing is cut
    rng: Option<fastrand::Rng>,
}

/// Two ends of a stream that holds `capacity` bytes in each direction
pub(crate) fn duplex(capacity: usize, seed: Option<u64>) -> (End, End) {
    let pipe = || Arc::new(Mutex::new(Pipe { capacity, ..Pipe::default() }));
    let (there, back) = (pipe(), pipe());
    let rng = |salt| seed.map(|seed| fastrand::Rng::with_seed(seed ^ salt));
    let one = End { from: back.clone(), to: there.clone(), rng: rng(1) };
    let other = End { from: there, to: back, rng: rng(2) };
    (one, other)
}

impl End {
    /// Makes both directions narrower, or wider, later on; both have to be empty then
    pub(crate) fn narrow(&self) -> impl Fn(usize) + use<> {
        let pipes = [self.from.clone(), self.to.clone()];
        move |capacity| {
            for pipe in &pipes {
                let mut pipe = pipe.lock().unwrap();
                assert!(pipe.bytes.is_empty());
                pipe.capacity = capacity;
            }
        }
    }

    /// How many of `most` bytes move now; `None` is a stall
    fn cut(&mut self, most: usize) -> Option<usize> {
        let Some(rng) = &mut self.rng else {
            return Some(most);
        };
        match rng.u8(..4) {
            0 => None,
            1 => Some(1.min(most)),
            _ => Some(rng.usize(..=most).max(1).min(most)),
        }
    }
}

impl AsyncRead for End {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let Some(most) = self.cut(into.len()) else {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        };
        let mut pipe = self.from.lock().unwrap();
        if pipe.bytes.is_empty() && !pipe.ended {
            pipe.waiting.push(cx.waker().clone());
            return Poll::Pending;
        }
        let most = most.min(pipe.bytes.len());
        // The deque is read in one or two parts
        let count = pipe.bytes.read(&mut into[..most])?;
        let more = pipe.bytes.read(&mut into[count..most])?;
        pipe.wake();
        Poll::Ready(Ok(count + more))
    }
}

impl AsyncWrite for End {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    /// Takes all pieces together, up to anywhere within; some streams only take the first
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.rng.as_mut().is_some_and(|rng| rng.u8(..4) == 0) {
            pieces = &pieces[..1];
        }
        let Some(most) = self.cut(pieces.iter().map(|piece| piece.len()).sum()) else {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        };
        let mut pipe = self.to.lock().unwrap();
        if pipe.deaf || pipe.ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let count = most.min(pipe.capacity - pipe.bytes.len());
        if count == 0 {
            pipe.waiting.push(cx.waker().clone());
            return Poll::Pending;
        }
        let mut left = count;
        for piece in pieces {
            let part = left.min(piece.len());
            pipe.bytes.extend(&piece[..part]);
            left -= part;
        }
        pipe.wake();
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut pipe = self.to.lock().unwrap();
        pipe.ended = true;
        pipe.wake();
        Poll::Ready(Ok(()))
    }
}

impl Socket for End {}

impl Drop for End {
    fn drop(&mut self) {
        let mut to = self.to.lock().unwrap();
        to.ended = true;
        to.wake();
        let mut from = self.from.lock().unwrap();
        from.deaf = true;
        from.wake();
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs a future; panics if it waits and nobody will wake it
pub(crate) fn run<F: Future>(future: F) -> F::Output {
    let woken = Arc::new(Woken(AtomicBool::new(true)));
    let waker = Waker::from(woken.clone());
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        assert!(woken.0.swap(false, Ordering::Relaxed), "waits, and nobody will wake it");
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
}

/// Whether a future is ready at its first poll
pub(crate) fn now<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

pub(crate) async fn recv<T: Transport + Unpin>(
    transport: &mut T,
) -> Option<Result<Incoming, T::Error>> {
    poll_fn(|cx| Pin::new(&mut *transport).poll_recv(cx)).await
}

pub(crate) async fn message<T: Transport + Unpin>(transport: &mut T) -> Message {
    loop {
        match recv(transport).await {
            Some(Ok(Incoming::Message(message))) => return message,
            Some(Ok(Incoming::Ping(_) | Incoming::Pong(_))) => {}
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) async fn ready<T: Transport + Unpin>(transport: &mut T) -> Result<(), T::Error> {
    poll_fn(|cx| Pin::new(&mut *transport).poll_ready(cx)).await
}

pub(crate) async fn flush<T: Transport + Unpin>(transport: &mut T) -> Result<(), T::Error> {
    poll_fn(|cx| Pin::new(&mut *transport).poll_flush(cx)).await
}

pub(crate) async fn close<T: Transport + Unpin>(transport: &mut T) -> Result<(), T::Error> {
    poll_fn(|cx| Pin::new(&mut *transport).poll_close(cx)).await
}

pub(crate) async fn send(ws: &mut WebSocket<End>, message: Message) -> Result<(), Error> {
    ready(ws).await?;
    start(ws, Outgoing::Message(message))?;
    flush(ws).await
}

pub(crate) fn start<T: Transport + Unpin>(
    transport: &mut T,
    outgoing: Outgoing,
) -> Result<(), T::Error> {
    Pin::new(transport).start_send(outgoing)
}
