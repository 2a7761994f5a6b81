//! One WebSocket at message level: the reading half, the writing half and the socket between them,
//! as a [`Transport`]. Time, heartbeats and reconnecting are in front of it.

mod closing;

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use everbeat_core::Cause;
use everbeat_core::transport::{Incoming, Outgoing, PathEvidence, Transport};
use futures_io::AsyncWrite;

use crate::error::Error;
use crate::read::Reader;
use crate::role::Role;
use crate::settings::Settings;
use crate::socket::{Counted, Socket, local_address, reset_on_drop};
use crate::tls::{self, Layered};
use crate::write::Writer;

/// One WebSocket over a byte stream, either role, after its upgrade
///
/// It holds no codec and no buffer between messages. Incoming, it buffers what has arrived of a
/// message that is not whole, and at most 16 KiB that the application has not taken. Outgoing, at
/// most 64 KiB of small messages, or one message, and one frame.
///
/// Over TLS the session stays, idle or not: rustls keeps its keys and a few KiB of buffers, and up
/// to 64 KiB that the socket has not taken.
///
/// A small message that came in one frame shares 4 KiB with others, which stay for as long as one of
/// them is kept, and a large one may hold twice its length: copy what is to be kept for long.
///
/// Dropping it closes the socket without a Close frame.
///
/// # Cancel safety
///
/// Every method may be called again after `Pending`; nothing is lost in between.
pub struct WebSocket<S> {
    /// `None` once it is closed
    socket: Option<Layered<S>>,
    reader: Reader,
    writer: Writer,
    role: Role,
    receiving: Receiving,
    /// Closing went as far as our own part: a server has shut its half, a client has seen the end
    shut: bool,
    /// A write failed while reading: told once nothing more can be read
    write_error: Option<io::Error>,
    /// The totals of a socket that is gone
    received: u64,
    sent: u64,
}

/// What may still come from the peer
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Receiving {
    Open,
    /// Its Close came: it says no more (RFC 6455, section 5.5.1)
    Closed,
    /// The stream ended, failed, or cannot be understood
    Failed,
}

impl<S: Socket + Unpin> WebSocket<S> {
    /// A WebSocket over a stream whose upgrade was done elsewhere, such as by a web framework
    ///
    /// `early` is what the peer sent behind its head, if that was read already.
    ///
    /// ```
    /// use everbeat_ws::{Role, Settings, Socket, WebSocket};
    ///
    /// fn upgraded<S: Socket + Unpin>(stream: S, early: Vec<u8>) -> WebSocket<S> {
    ///     WebSocket::from_upgraded(stream, Role::Server, Settings::default(), early)
    /// }
    /// ```
    #[must_use]
    pub fn from_upgraded(stream: S, role: Role, settings: Settings, early: Vec<u8>) -> Self {
        Self::new(tls::plain(Counted::new(stream)), role, &settings, early)
    }
}

impl<S> WebSocket<S> {
    pub(crate) fn new(socket: Layered<S>, role: Role, settings: &Settings, early: Vec<u8>) -> Self {
        Self {
            socket: Some(socket),
            reader: Reader::new(role, settings, early),
            writer: Writer::new(role, settings),
            role,
            receiving: Receiving::Open,
            shut: false,
            write_error: None,
            received: 0,
            sent: 0,
        }
    }

    /// Which side we are
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Lets go of the socket, and of all that would only have meaning with it
    fn drop_socket(&mut self) {
        if let Some(socket) = self.socket.take() {
            self.received = socket.received();
            self.sent = socket.sent();
        }
        self.reader.clear();
        self.writer.clear();
    }
}

impl<S: Socket + Unpin> WebSocket<S> {
    /// Writes what is owed, while reading; an error waits for its turn
    fn write_aside(&mut self, cx: &mut Context<'_>) {
        let Some(socket) = &mut self.socket else {
            return;
        };
        if self.write_error.is_none() && (!self.writer.is_idle() || socket.holds_bytes()) {
            let polled = self.writer.poll_write(cx, socket);
            // What was written may sit in the socket's own buffer, TLS's for one
            let polled = match polled {
                Poll::Ready(Ok(())) => Pin::new(socket).poll_flush(cx),
                other => other,
            };
            if let Poll::Ready(Err(error)) = polled {
                self.write_error = Some(error);
            }
        }
    }

    fn fail(&mut self, error: Error) -> Poll<Option<Result<Incoming, Error>>> {
        self.receiving = Receiving::Failed;
        // A failed write is why the stream ended, more often than not
        let error = match (error, self.write_error.take()) {
            (Error::End | Error::Io(_), Some(cause)) => Error::Io(cause),
            (error, _) => error,
        };
        Poll::Ready(Some(Err(error)))
    }
}

impl<S: Socket + Unpin> Transport for WebSocket<S> {
    type Error = Error;

    fn poll_recv(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Incoming, Error>>> {
        let this = self.get_mut();
        if this.receiving != Receiving::Open {
            return Poll::Ready(None);
        }
        this.write_aside(cx);
        let Some(socket) = &mut this.socket else {
            return Poll::Ready(None);
        };
        match this.reader.poll_next(cx, socket) {
            Poll::Ready(Ok(Some(incoming))) => {
                match &incoming {
                    Incoming::Ping(payload) if !this.writer.is_closed() => {
                        this.writer.pong(payload.clone());
                        this.write_aside(cx);
                    }
                    Incoming::Close(frame) => {
                        this.receiving = Receiving::Closed;
                        // The same code back (RFC 6455, section 5.5.1)
                        this.writer.close(frame.clone());
                        this.write_aside(cx);
                    }
                    _ => {}
                }
                Poll::Ready(Some(Ok(incoming)))
            }
            Poll::Ready(Ok(None)) => this.fail(Error::End),
            Poll::Ready(Err(error)) => this.fail(error),
            Poll::Pending => match this.write_error.take() {
                Some(error) => this.fail(Error::Io(error)),
                None => Poll::Pending,
            },
        }
    }

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        let Some(socket) = &mut this.socket else {
            return Poll::Ready(Err(Error::Closed));
        };
        if this.writer.is_closed() {
            return Poll::Ready(Err(Error::Closed));
        }
        this.writer.poll_ready(cx, socket).map_err(Error::Io)
    }

    fn start_send(self: Pin<&mut Self>, outgoing: Outgoing) -> Result<(), Error> {
        let this = self.get_mut();
        if this.socket.is_none() {
            return Err(Error::Closed);
        }
        match outgoing {
            // A second Close changes nothing, and both sides may have had the same idea
            Outgoing::Close(frame) => this.writer.close(frame),
            _ if this.writer.is_closed() => return Err(Error::Closed),
            Outgoing::Message(message) => this.writer.message(message),
            Outgoing::Ping(payload) => this.writer.ping(payload),
            _ => return Err(Error::Closed),
        }
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        let Some(socket) = &mut this.socket else {
            return Poll::Ready(Err(Error::Closed));
        };
        if let Some(error) = this.write_error.take() {
            return Poll::Ready(Err(Error::Io(error)));
        }
        ready!(this.writer.poll_write(cx, socket))?;
        Pin::new(socket).poll_flush(cx).map_err(Error::Io)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.get_mut().poll_closed(cx)
    }

    fn abort(self: Pin<&mut Self>) {
        let this = self.get_mut();
        if let Some(tcp) = this.socket.as_ref().and_then(|socket| socket.get_ref().tcp()) {
            if let Err(error) = reset_on_drop(&tcp) {
                tracing::debug!(target: "everbeat", %error, "a plain close instead of a reset");
            }
        }
        this.drop_socket();
    }

    fn received(&self) -> u64 {
        self.socket.as_ref().map_or(self.received, Layered::received)
    }

    fn sent(&self) -> u64 {
        self.socket.as_ref().map_or(self.sent, Layered::sent)
    }

    fn path(&self) -> Option<PathEvidence> {
        self.socket.as_ref().and_then(Layered::path)
    }

    fn local_address(&self) -> Option<IpAddr> {
        local_address(&self.socket.as_ref()?.get_ref().tcp()?)
    }

    fn release(self: Pin<&mut Self>) -> bool {
        // Nothing to do: what was lent is back already
        self.reader.is_idle() && self.writer.is_idle()
    }

    fn classify(error: &Error) -> Cause {
        error.classify()
    }
}

impl<S: fmt::Debug> fmt::Debug for WebSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("role", &self.role)
            .field("socket", &self.socket)
            .field("receiving", &self.receiving)
            .finish_non_exhaustive()
    }
}
