//! Tungstenite's messages as a transport's, either way; and closing, which is done when the codec says
//! that it is, for it knows its role.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use bytestring::ByteString;
use everbeat_core::Message;
use everbeat_core::cause::{CloseCode, CloseFrame};
use everbeat_core::transport::{Incoming, Outgoing};
use futures_core::Stream;
use futures_sink::Sink;
use pin_project::pin_project;
use tungstenite::protocol::CloseFrame as TheirClose;
use tungstenite::{Error as TheirError, Message as Theirs, Utf8Bytes};

use crate::error::Error;

/// How many unwanted messages one poll throws away before the task lets others run
const BUDGET: usize = 64;

/// A stream of tungstenite's, with messages of a transport's
#[pin_project]
#[derive(Debug)]
pub(crate) struct Messages<W> {
    #[pin]
    stream: W,
    /// A Close was said, by either side, and is on its way
    shut: bool,
}

impl<W> Messages<W> {
    pub(crate) const fn new(stream: W) -> Self {
        Self { stream, shut: false }
    }
}

impl<W: Stream<Item = Result<Theirs, TheirError>>> Stream for Messages<W> {
    type Item = Result<Incoming, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match ready!(self.project().stream.poll_next(cx)) {
            Some(theirs) => Poll::Ready(Some(theirs.and_then(incoming).map_err(Error::new))),
            None => Poll::Ready(None),
        }
    }
}

impl<W> Sink<Outgoing> for Messages<W>
where
    W: Stream<Item = Result<Theirs, TheirError>> + Sink<Theirs, Error = TheirError>,
{
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.project().stream.poll_ready(cx).map_err(Error::new)
    }

    fn start_send(self: Pin<&mut Self>, ours: Outgoing) -> Result<(), Error> {
        let theirs = outgoing(ours).map_err(Error::new)?;
        self.project().stream.start_send(theirs).map_err(Error::new)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.project().stream.poll_flush(cx).map_err(Error::new)
    }

    /// Ready when the socket may be dropped: for a server once its Close is written, for a client
    /// once the server has ended the stream (RFC 6455, section 7.1.1)
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut this = self.project();
        if !*this.shut {
            ready!(this.stream.as_mut().poll_close(cx)).map_err(Error::new)?;
            *this.shut = true;
        }
        for _ in 0..BUDGET {
            if !matches!(ready!(this.stream.as_mut().poll_next(cx)), Some(Ok(_))) {
                return Poll::Ready(Ok(()));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

fn incoming(theirs: Theirs) -> Result<Incoming, TheirError> {
    Ok(match theirs {
        Theirs::Text(text) => Incoming::Message(Message::Text(ours(text)?)),
        Theirs::Binary(bytes) => Incoming::Message(Message::Binary(bytes)),
        Theirs::Ping(bytes) => Incoming::Ping(bytes),
        Theirs::Pong(bytes) => Incoming::Pong(bytes),
        Theirs::Close(None) => Incoming::Close(None),
        Theirs::Close(Some(frame)) => {
            let reason = ours(frame.reason)?;
            Incoming::Close(Some(CloseFrame::new(CloseCode(frame.code.into()), reason)))
        }
        // It says that it never reads one
        Theirs::Frame(_) => return Err(TheirError::AttackAttempt),
    })
}

fn outgoing(ours: Outgoing) -> Result<Theirs, TheirError> {
    Ok(match ours {
        Outgoing::Message(Message::Text(text)) => Theirs::Text(text.into_bytes().try_into()?),
        Outgoing::Message(Message::Binary(bytes)) => Theirs::Binary(bytes),
        Outgoing::Ping(payload) => Theirs::Ping(Bytes::copy_from_slice(&payload)),
        Outgoing::Close(frame) => Theirs::Close(match frame {
            Some(frame) => Some(TheirClose {
                code: frame.code.0.into(),
                reason: frame.reason.into_bytes().try_into()?,
            }),
            None => None,
        }),
        // What later versions may add, this one cannot say
        _ => return Err(TheirError::AlreadyClosed),
    })
}

/// Text that is looked at twice: to take the other library's word for it would be unsafe code
fn ours(text: Utf8Bytes) -> Result<ByteString, TheirError> {
    Ok(ByteString::try_from(Bytes::from(text))?)
}
