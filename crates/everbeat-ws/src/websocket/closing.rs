//! Closing the socket behind the Close frames (RFC 6455, section 7.1.1): a server at once, a client
//! after the server; neither in a way that destroys a Close frame still in flight.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};

use super::{Line, Receiving, WebSocket};
use crate::error::Error;
use crate::pool;
use crate::role::{Role, Rules};
use crate::socket::Socket;
use crate::tls::Layered;

/// How many reads of unwanted bytes one poll makes before the task lets others run
const BUDGET: usize = 64;

impl<S: Socket + Unpin> WebSocket<S> {
    /// Flushes, closes in the right order, and lets go of the socket
    pub(super) fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Line::Open(socket) = &mut self.line else {
            return Poll::Ready(Ok(()));
        };
        let rules = Rules { role: self.role, settings: &self.settings };
        let written = match self.underway.writing_mut() {
            Some(writing) => ready!(writing.poll_write(rules, cx, socket)),
            None => Ok(()),
        };
        let flushed = match written {
            // The Close frame may sit in TLS's buffer, and then nobody would answer it
            Ok(()) => ready!(Pin::new(&mut *socket).poll_flush(cx)),
            failed => failed,
        };
        let closed = match (flushed, self.role) {
            (Err(error), _) => Err(error),
            (Ok(()), Role::Server) => {
                let shut = match self.shut {
                    true => Ok(()),
                    false => ready!(Pin::new(&mut *socket).poll_close(cx)),
                };
                self.shut = true;
                // The peer that has said Close sends no more, so nothing unread can turn our close
                // into a reset. From any other, bytes are thrown away until it ends the stream.
                if shut.is_ok() && self.receiving != Receiving::Closed {
                    ready!(poll_drain(cx, socket));
                }
                shut
            }
            (Ok(()), Role::Client) => {
                if !self.shut {
                    ready!(poll_drain(cx, socket));
                }
                self.shut = true;
                // The server is gone already; that it may not hear this is no error
                _ = ready!(Pin::new(&mut *socket).poll_close(cx));
                Ok(())
            }
        };
        self.drop_socket();
        Poll::Ready(closed.map_err(Error::Io))
    }
}

/// Reads and throws away until the stream has ended, either way
fn poll_drain<S: Socket + Unpin>(cx: &mut Context<'_>, socket: &mut Layered<S>) -> Poll<()> {
    let mut unwanted = pool::block();
    let mut polled = Poll::Pending;
    for reads in 0.. {
        if reads == BUDGET {
            cx.waker().wake_by_ref();
            break;
        }
        match Pin::new(&mut *socket).poll_read(cx, &mut unwanted) {
            Poll::Ready(Ok(1..)) => {}
            Poll::Ready(Ok(0) | Err(_)) => {
                polled = Poll::Ready(());
                break;
            }
            Poll::Pending => break,
        }
    }
    pool::give_block(unwanted);
    polled
}
