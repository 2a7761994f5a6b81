//! [`Wire`]: the protocol as a [`Transport`], over any byte stream of tokio's.
//!
//! Time is not its business: it writes Pings when it is told to, answers those that come, and counts
//! bytes. When to ping, and what a silence means, is the connection's.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use everbeat_tokio::core::cause::{CloseCode, CloseFrame};
use everbeat_tokio::transport::{Incoming, Outgoing, Transport};
use everbeat_tokio::{Cause, Message};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::frame::{self, Frame, Kind, MESSAGE, PART, WireError};

/// How much is read at once
const READ: usize = 4 << 10;

/// One end of a connection, either role
pub(crate) struct Wire<S> {
    /// `None` once it is closed or aborted
    stream: Option<S>,
    /// Read, and not yet a frame
    read: BytesMut,
    /// The message whose last part has not come
    parts: Option<(Kind, BytesMut)>,
    /// Frames that are being written
    out: BytesMut,
    /// What waits for `out`, in this order
    pong: Option<Bytes>,
    ping: Option<[u8; 8]>,
    close: Option<Option<CloseFrame>>,
    message: Option<(Kind, Bytes)>,
    /// Nothing is said after a Close
    closed: bool,
    shut: bool,
    received: u64,
    sent: u64,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream: Some(stream),
            read: BytesMut::new(),
            parts: None,
            out: BytesMut::new(),
            pong: None,
            ping: None,
            close: None,
            message: None,
            closed: false,
            shut: false,
            received: 0,
            sent: 0,
        }
    }

    /// Puts what is to be said next into `out`; whether there was something
    fn load(&mut self) -> bool {
        if self.closed {
            return false;
        }
        if let Some(payload) = self.pong.take() {
            frame::put(&mut self.out, Kind::Pong, false, &payload);
        } else if let Some(payload) = self.ping.take() {
            frame::put(&mut self.out, Kind::Ping, false, &payload);
        } else if let Some(close) = self.close.take() {
            frame::put(&mut self.out, Kind::Close, false, &body(close));
            self.closed = true;
        } else if let Some((kind, mut rest)) = self.message.take() {
            let part = rest.split_to(rest.len().min(PART));
            frame::put(&mut self.out, kind, !rest.is_empty(), &part);
            self.message = (!rest.is_empty()).then_some((kind, rest));
        } else {
            return false;
        }
        true
    }

    /// Writes all there is to be said, and has the stream pass it on
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), WireError>> {
        loop {
            while !self.out.is_empty() {
                let Some(stream) = self.stream.as_mut().map(Pin::new) else {
                    return Poll::Ready(Ok(()));
                };
                let some = ready!(stream.poll_write(cx, &self.out))?;
                if some == 0 {
                    return Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into()));
                }
                self.out.advance(some);
                self.sent += some as u64;
            }
            if !self.load() {
                return match self.stream.as_mut().map(Pin::new) {
                    Some(stream) => stream.poll_flush(cx).map_err(Into::into),
                    None => Poll::Ready(Ok(())),
                };
            }
        }
    }

    /// Reads some bytes; 0 at the end
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Some(stream) = self.stream.as_mut().map(Pin::new) else {
            return Poll::Ready(Ok(0));
        };
        let mut space = [0; READ];
        let mut space = ReadBuf::new(&mut space);
        ready!(stream.poll_read(cx, &mut space))?;
        let read = space.filled();
        self.read.put_slice(read);
        self.received += read.len() as u64;
        Poll::Ready(Ok(read.len()))
    }

    /// What a frame means; `None` if more is to come
    fn hear(&mut self, frame: Frame) -> Result<Option<Incoming>, WireError> {
        let Frame { kind, more, payload } = frame;
        Ok(Some(match kind {
            Kind::Ping => {
                self.pong = Some(payload.clone());
                Incoming::Ping(payload)
            }
            Kind::Pong => Incoming::Pong(payload),
            Kind::Close => {
                let frame = parse(&payload);
                self.close.get_or_insert_with(|| frame.clone());
                Incoming::Close(frame)
            }
            Kind::Text | Kind::Binary => {
                let (began, mut all) = self.parts.take().unwrap_or_else(|| (kind, BytesMut::new()));
                if began != kind {
                    return Err(WireError::Mixed);
                }
                let length = all.len() + payload.len();
                if length > MESSAGE {
                    return Err(WireError::TooLong { length, limit: MESSAGE });
                }
                all.put_slice(&payload);
                if more {
                    self.parts = Some((kind, all));
                    return Ok(None);
                }
                Incoming::Message(match kind {
                    Kind::Text => {
                        let text = String::from_utf8(all.into());
                        text.map_err(|_| WireError::NotText)?.into()
                    }
                    _ => Message::Binary(all.freeze()),
                })
            }
        }))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Transport for Wire<S> {
    type Error = WireError;

    fn poll_recv(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Incoming, WireError>>> {
        let this = self.get_mut();
        loop {
            // An answer that is owed goes out whoever polls; an error of it does not keep from us
            // what the peer had said before.
            _ = this.poll_write(cx);
            while let Some(frame) = frame::take(&mut this.read)? {
                if let Some(incoming) = this.hear(frame)? {
                    _ = this.poll_write(cx);
                    return Poll::Ready(Some(Ok(incoming)));
                }
            }
            if ready!(this.poll_read(cx))? == 0 {
                let whole = this.read.is_empty() && this.parts.is_none();
                return Poll::Ready((!whole).then_some(Err(WireError::Torn)));
            }
        }
    }

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), WireError>> {
        self.get_mut().poll_write(cx)
    }

    fn start_send(self: Pin<&mut Self>, outgoing: Outgoing) -> Result<(), WireError> {
        let this = self.get_mut();
        match outgoing {
            Outgoing::Message(Message::Text(text)) => {
                this.message = Some((Kind::Text, text.into_bytes()));
            }
            Outgoing::Message(Message::Binary(bytes)) => this.message = Some((Kind::Binary, bytes)),
            Outgoing::Ping(payload) => this.ping = Some(payload),
            Outgoing::Close(frame) => this.close = Some(frame),
            // Core may learn to say more; what this protocol has no frame for is not said.
            _ => {}
        }
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), WireError>> {
        self.get_mut().poll_write(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), WireError>> {
        let this = self.get_mut();
        ready!(this.poll_write(cx))?;
        if let Some(stream) = this.stream.as_mut().filter(|_| !this.shut) {
            ready!(Pin::new(stream).poll_shutdown(cx))?;
            this.shut = true;
        }
        // Whoever closes first has no TIME_WAIT to bear here, so neither waits for the other.
        while ready!(this.poll_read(cx))? != 0 {
            this.read.clear();
        }
        this.stream = None;
        Poll::Ready(Ok(()))
    }

    fn abort(self: Pin<&mut Self>) {
        self.get_mut().stream = None;
    }

    fn received(&self) -> u64 {
        self.received
    }

    fn sent(&self) -> u64 {
        self.sent
    }

    fn classify(error: &WireError) -> Cause {
        error.classify()
    }
}

/// A Close's payload: nothing, or a code of two bytes and a reason
fn body(close: Option<CloseFrame>) -> Vec<u8> {
    let Some(CloseFrame { code, reason, .. }) = close else {
        return Vec::new();
    };
    [&code.0.to_be_bytes()[..], reason.as_bytes()].concat()
}

fn parse(payload: &[u8]) -> Option<CloseFrame> {
    let (&code, reason) = payload.split_first_chunk()?;
    let reason = String::from_utf8_lossy(reason).into_owned();
    Some(CloseFrame::new(CloseCode(u16::from_be_bytes(code)), reason))
}
