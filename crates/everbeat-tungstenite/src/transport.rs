//! A stream of tungstenite's messages as a [`Transport`]: core's adapter for streams does all but two
//! things, naming errors and letting go of the socket.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use everbeat_core::Cause;
use everbeat_core::transport::{FromStream, Incoming, Outgoing, Transport};
use futures_core::Stream;
use futures_sink::Sink;
use pin_project::pin_project;
use tungstenite::{Error as TheirError, Message as Theirs};

use crate::error::Error;
use crate::messages::Messages;

/// A `WebSocketStream` of `tokio-tungstenite` or `async-tungstenite` as a [`Transport`], in the role
/// that it has
///
/// Anything is one that is a stream and a sink of [`tungstenite`]'s messages, in the version that this
/// crate re-exports; of another version, [`FromStream`] and a `map` of one's own do the same. The
/// crate's page says what a connection over it knows, and what it does not.
///
/// Dropping it closes the socket without a Close frame.
///
/// # Cancel safety
///
/// Every method may be called again after `Pending`; nothing is lost in between.
#[pin_project]
pub struct Tungstenite<W> {
    #[pin]
    messages: FromStream<Messages<W>, Error>,
}

impl<W> Tungstenite<W>
where
    W: Stream<Item = Result<Theirs, TheirError>> + Sink<Theirs, Error = TheirError>,
{
    /// Takes over a stream, with all that its codec holds
    ///
    /// A sender or receiver that was split off is not the whole of it: put them together first.
    #[must_use]
    pub const fn new(stream: W) -> Self {
        Self { messages: FromStream::new(Messages::new(stream)) }
    }
}

impl<W> Transport for Tungstenite<W>
where
    W: Stream<Item = Result<Theirs, TheirError>> + Sink<Theirs, Error = TheirError>,
{
    type Error = Error;

    fn poll_recv(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Incoming, Error>>> {
        self.project().messages.poll_recv(cx)
    }

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.project().messages.poll_ready(cx)
    }

    fn start_send(self: Pin<&mut Self>, outgoing: Outgoing) -> Result<(), Error> {
        self.project().messages.start_send(outgoing)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.project().messages.poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut messages = self.project().messages;
        let closed = ready!(messages.as_mut().poll_close(cx));
        messages.abort();
        Poll::Ready(closed)
    }

    fn abort(self: Pin<&mut Self>) {
        self.project().messages.abort();
    }

    fn received(&self) -> u64 {
        self.messages.received()
    }

    fn classify(error: &Error) -> Cause {
        error.classify()
    }
}

impl<W> fmt::Debug for Tungstenite<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tungstenite").finish_non_exhaustive()
    }
}
