//! What of an upgraded connection lives on actix's worker: [`Body`], which actix's dispatcher asks for
//! what is to be written, and a task that carries on what it has read. Two channels lead from there to
//! the connection's [`Stream`], with room for little, so that whoever is slow holds up the other end,
//! and not memory.

use std::convert::Infallible;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, MessageBody};
use actix_web::error::PayloadError;
use actix_web::{dev, rt};
use bytes::Bytes;
use everbeat_hosted::Upgraded;
use futures_channel::mpsc as outbound;
use futures_core::Stream as _;
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use socket2::Socket;
use tokio::sync::{mpsc as inbound, oneshot};

use crate::stream::Stream;

/// How many pieces that were read may wait for the connection; actix reads 32 KiB at most ahead of
/// them, and what waits then is in the kernel
const PIECES: usize = 4;

/// The body of the response that upgrades: what is written
pub(crate) struct Body {
    written: outbound::Receiver<Bytes>,
    /// Told when the head of the 101 is on its way, for actix asks for its body then
    begin: Option<oneshot::Sender<()>>,
    /// Whether the end of what is written is one that actix shall bring to its end
    finished: Arc<AtomicBool>,
    /// Dropped with the socket, or with an answer that a layer has replaced
    _alive: oneshot::Sender<Infallible>,
}

/// Both ends; the task that carries what is read is of this thread, actix's worker
///
/// The stream is there once its 101 is, and never if another answer is sent.
pub(crate) fn join(payload: dev::Payload, socket: Option<Arc<Socket>>) -> (Body, Upgraded<Stream>) {
    let (carrier, read) = inbound::channel(PIECES);
    // One piece: a flush is done when that was taken
    let (write, written) = outbound::channel(0);
    let (begin, begun) = oneshot::channel();
    let (alive, gone) = oneshot::channel();
    let finished = Arc::new(AtomicBool::new(false));
    rt::spawn(carry(payload, carrier, gone, finished.clone()));
    let body = Body { written, begin: Some(begin), finished: finished.clone(), _alive: alive };
    let upgraded = async move {
        begun.await.map_err(|_| "another answer was sent")?;
        Ok((Stream::new(read, write, finished, socket), Vec::new()))
    };
    (body, Box::pin(upgraded))
}

/// Hands on what the peer says, until it says no more or the connection has ended; then actix throws
/// away what still comes
///
/// Whoever has only a payload does not learn that its socket is gone, for actix drops the other end of
/// it without a word where reading has failed. But it drops the body too.
async fn carry(
    mut payload: dev::Payload,
    carrier: inbound::Sender<io::Result<Bytes>>,
    mut gone: oneshot::Receiver<Infallible>,
    finished: Arc<AtomicBool>,
) {
    loop {
        // In this order: what was read before the end is handed on
        let said = select(payload.next(), &mut gone);
        let next = match select(pin!(carrier.closed()), said).await {
            Either::Left(_) | Either::Right((Either::Left((None, _)), _)) => return,
            Either::Right((Either::Left((Some(next), _)), _)) => next.map_err(ended),
            Either::Right((Either::Right(_), _)) if finished.load(Ordering::Acquire) => return,
            Either::Right((Either::Right(_), _)) => Err(io::ErrorKind::UnexpectedEof.into()),
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
        PayloadError::Incomplete(cause) => {
            cause.unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into())
        }
        other => io::Error::other(other.to_string()),
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
        if let Some(begin) = self.begin.take() {
            // Nobody hears it if the server has stopped meanwhile; then nothing is written either
            _ = begin.send(());
        }
        match ready!(Pin::new(&mut self.written).poll_next(cx)) {
            Some(bytes) => Poll::Ready(Some(Ok(bytes))),
            None if self.finished.load(Ordering::Acquire) => Poll::Ready(None),
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
mod tests;
