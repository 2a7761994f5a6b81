//! One WebSocket at message level: the reading half, the writing half and the socket between them,
//! as a [`Transport`]. Time, heartbeats and reconnecting are in front of it.

mod closing;
mod line;

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use everbeat_core::Cause;
use everbeat_core::cause::CloseFrame;
use everbeat_core::transport::{Hatch, Incoming, Outgoing, PathEvidence, Transport};
use futures_io::AsyncWrite;

use crate::error::Error;
use crate::read::{self, Expected};
use crate::role::{Role, Rules};
use crate::settings::Settings;
use crate::socket::{Counted, Socket, local_address, reset_on_drop, tune_stream};
use crate::tls::{self, Layered};
use crate::underway::Place;
use crate::write;

use line::Line;

/// One WebSocket over a byte stream, either role, after its upgrade
///
/// It holds no codec and no buffer between messages: at rest it is its socket and 48 bytes.
/// Incoming, it buffers what has arrived of a message that is not whole, up to four times as much in
/// room for the rest, and at most 16 KiB that the application has not taken, or behind a large message as
/// much as that was, up to 160 KiB. Outgoing, at most 64 KiB
/// of messages and one more, of which a server's large ones are the application's own bytes.
///
/// Over TLS the session stays, idle or not: rustls keeps its keys and a few KiB of buffers, and up
/// to 64 KiB that the socket has not taken.
///
/// A large message may keep up to twice its size, which goes back to the thread that drops it, for the
/// next one to come. A small message that came in one frame shares 4 KiB with others, which stay for as long as one of
/// them is kept: copy what is to be kept for long.
///
/// Dropping it closes the socket without a Close frame.
///
/// # Cancel safety
///
/// Every method may be called again after `Pending`; nothing is lost in between.
pub struct WebSocket<S> {
    line: Line<S>,
    underway: Place,
    settings: Arc<Settings>,
    role: Role,
    receiving: Receiving,
    /// How much the next message may be
    expected: Expected,
    /// A Close was taken: nothing can be sent behind it
    closing: bool,
    /// Closing went as far as our own part: a server has shut its half, a client has seen the end
    shut: bool,
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

    /// A server's end of one over a stream that a web framework has upgraded, with the options that an
    /// acceptor sets on its sockets
    ///
    /// `early` is what the peer sent behind its head, if that was read already. A stream that is no
    /// TCP socket ([`Socket::tcp`]) has no options.
    #[must_use]
    pub fn hosted(stream: S, settings: Settings, early: Vec<u8>) -> Self {
        tune_stream(&stream, &settings);
        Self::from_upgraded(stream, Role::Server, settings, early)
    }
}

impl<S> WebSocket<S> {
    pub(crate) fn new(socket: Layered<S>, role: Role, settings: &Settings, early: Vec<u8>) -> Self {
        let mut underway = Place::default();
        if !early.is_empty() {
            underway.read().begin_with(early);
        }
        Self {
            line: Line::Open(socket),
            underway,
            settings: settings.shared(),
            role,
            receiving: Receiving::Open,
            expected: Expected::default(),
            closing: false,
            shut: false,
        }
    }

    /// Which side we are
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Lets go of the socket, and of all that would only have meaning with it
    fn drop_socket(&mut self) {
        self.line.cut();
        self.underway.clear();
        self.closing = true;
    }
}

impl<S: Socket + Unpin> WebSocket<S> {
    /// Writes what is owed, while reading
    #[inline]
    fn write_aside(&mut self, cx: &mut Context<'_>) {
        let held = matches!(&self.line, Line::Open(socket) if socket.holds_bytes());
        if held || self.underway.writing_mut().is_some() {
            self.write_owed(cx);
        }
    }

    /// An error waits for its turn
    fn write_owed(&mut self, cx: &mut Context<'_>) {
        let Self { line: Line::Open(socket), underway, .. } = self else {
            return;
        };
        let rules = Rules { role: self.role, settings: &self.settings };
        let written = match underway.writing_mut() {
            Some(writing) if writing.error.is_some() => return,
            Some(writing) if !writing.is_written() => writing.poll_write(rules, cx, socket),
            _ if socket.holds_bytes() => Poll::Ready(Ok(())),
            _ => return,
        };
        // What was written may sit in the socket's own buffer, TLS's for one
        let flushed = match written {
            Poll::Ready(Ok(())) => Pin::new(socket).poll_flush(cx),
            other => other,
        };
        if let Poll::Ready(Err(error)) = flushed {
            underway.write().error = Some(error);
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Incoming, Error>>> {
        self.write_aside(cx);
        let Line::Open(socket) = &mut self.line else {
            return Poll::Ready(None);
        };
        let rules = Rules { role: self.role, settings: &self.settings };
        match read::poll_next(&mut self.underway, &mut self.expected, rules, cx, socket) {
            Poll::Ready(Ok(Some(incoming))) => {
                match &incoming {
                    Incoming::Ping(payload) if !self.closing => {
                        self.underway.write().pong(payload.clone());
                        self.write_aside(cx);
                    }
                    Incoming::Close(frame) => {
                        self.receiving = Receiving::Closed;
                        // The same code back (RFC 6455, section 5.5.1)
                        self.take_close(frame.clone());
                        self.write_aside(cx);
                    }
                    _ => {}
                }
                Poll::Ready(Some(Ok(incoming)))
            }
            Poll::Ready(Ok(None)) => self.fail(Error::End),
            Poll::Ready(Err(error)) => self.fail(error),
            Poll::Pending => match self.write_error() {
                Some(error) => self.fail(Error::Io(error)),
                None => Poll::Pending,
            },
        }
    }

    /// A second Close changes nothing, and both sides may have had the same idea
    fn take_close(&mut self, frame: Option<CloseFrame>) {
        if !self.closing {
            self.closing = true;
            self.underway.write().close(frame);
        }
    }

    /// The error of a write that failed while reading
    fn write_error(&mut self) -> Option<io::Error> {
        self.underway.writing_mut()?.error.take()
    }

    fn fail(&mut self, error: Error) -> Poll<Option<Result<Incoming, Error>>> {
        self.receiving = Receiving::Failed;
        // A failed write is why the stream ended, more often than not
        let error = match (error, self.write_error()) {
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
        let polled = this.poll_next(cx);
        this.underway.settle();
        polled
    }

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        let Line::Open(socket) = &mut this.line else {
            return Poll::Ready(Err(Error::Closed));
        };
        if this.closing {
            return Poll::Ready(Err(Error::Closed));
        }
        let rules = Rules { role: this.role, settings: &this.settings };
        match this.underway.writing_mut() {
            Some(writing) => writing.poll_ready(rules, cx, socket).map_err(Error::Io),
            None => Poll::Ready(Ok(())),
        }
    }

    fn start_send(self: Pin<&mut Self>, outgoing: Outgoing) -> Result<(), Error> {
        let this = self.get_mut();
        if let Line::Gone { .. } = this.line {
            return Err(Error::Closed);
        }
        match outgoing {
            Outgoing::Close(frame) => this.take_close(frame),
            _ if this.closing => return Err(Error::Closed),
            Outgoing::Message(message) => {
                let rules = Rules { role: this.role, settings: &this.settings };
                this.underway.write().message(rules, message);
            }
            Outgoing::Ping(payload) => this.underway.write().ping(payload),
            _ => return Err(Error::Closed),
        }
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        let Line::Open(socket) = &mut this.line else {
            return Poll::Ready(Err(Error::Closed));
        };
        if let Some(writing) = this.underway.writing_mut() {
            if let Some(error) = writing.error.take() {
                return Poll::Ready(Err(Error::Io(error)));
            }
            let rules = Rules { role: this.role, settings: &this.settings };
            ready!(writing.poll_write(rules, cx, socket))?;
            this.underway.settle();
        }
        Pin::new(socket).poll_flush(cx).map_err(Error::Io)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.get_mut().poll_closed(cx)
    }

    fn abort(self: Pin<&mut Self>) {
        let this = self.get_mut();
        let reset = this.line.open().and_then(|socket| socket.get_ref().tcp(reset_on_drop));
        if let Some(Err(error)) = reset {
            tracing::debug!(target: "everbeat", %error, "a plain close instead of a reset");
        }
        this.drop_socket();
    }

    fn received(&self) -> u64 {
        self.line.received()
    }

    fn sent(&self) -> u64 {
        self.line.sent()
    }

    fn unfinished(&self) -> u64 {
        self.underway.reading().map_or(0, read::Reading::unfinished)
    }

    fn path(&self) -> Option<PathEvidence> {
        self.line.open()?.path()
    }

    fn local_address(&self) -> Option<IpAddr> {
        self.line.open()?.get_ref().tcp(local_address)?
    }

    fn release(self: Pin<&mut Self>) -> bool {
        let this = self.get_mut();
        this.underway.settle();
        // What was lent is back already; what TLS has is not ours to give
        let busy = match &mut this.line {
            Line::Open(socket) => socket.is_busy(),
            Line::Gone { .. } => false,
        };
        this.underway.is_idle() && !busy
    }

    fn hatch(&self) -> Option<Hatch> {
        let whole = self.settings.fragment.is_none_or(|longest| longest >= write::LONGEST_PASSED);
        if self.role != Role::Server || !whole {
            return None;
        }
        self.line.open()?.plain()?.get_ref().hatch()
    }

    fn lend(self: Pin<&mut Self>) -> bool {
        let open = self.line.open().is_some() && !self.closing;
        open && self.receiving == Receiving::Open && self.underway.is_said()
    }

    fn take_back(self: Pin<&mut Self>, bytes: u64, left: Option<Bytes>) {
        let this = self.get_mut();
        if let Line::Open(socket) = &mut this.line {
            if let Some(counted) = socket.plain_mut() {
                counted.note_sent(bytes);
            }
            if let Some(left) = left {
                this.underway.write().begun(left);
            }
        }
    }

    fn classify(error: &Error) -> Cause {
        error.classify()
    }
}

impl<S: fmt::Debug> fmt::Debug for WebSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("role", &self.role)
            .field("line", &self.line)
            .field("receiving", &self.receiving)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use super::*;

    /// As large as tokio's TCP connection, and like it with values of its bytes that it never has: a
    /// socket that is gone is told by them, and TLS
    enum Stream {
        _OneThread([u64; 3]),
        _Many([u64; 3]),
    }

    #[test]
    fn at_rest_it_is_its_socket_and_48_bytes() {
        assert_eq!(size_of::<Stream>(), 32);
        // Two counters and where the road's scale begins, what is under way, the settings, flags
        assert_eq!(size_of::<WebSocket<Stream>>(), 32 + 24 + 8 + 8 + 8);
    }
}
