//! Any `Stream + Sink` of messages as a [`Transport`]: without byte counts in mid-message, path
//! evidence or hibernation.

use core::error::Error;
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_sink::Sink;
use pin_project::pin_project;

use super::{Incoming, Outgoing, Transport};
use crate::cause::CloseFrame;

/// A [`Transport`] over any stream of [`Incoming`] that is also a sink of [`Outgoing`]
///
/// The stream answers Pings and Closes itself, as every WebSocket library does. "Heard" then means
/// whole messages, for a stream cannot tell of bytes in between: choose a heartbeat timeout that
/// the largest message fits into.
#[pin_project]
#[derive(Debug)]
pub struct FromStream<S, E> {
    #[pin]
    inner: Option<S>,
    /// A Ping, then a Close, that a sink which is not ready yet will be given
    ping: Option<[u8; 8]>,
    close: Option<Option<CloseFrame>>,
    received: u64,
    error: PhantomData<fn() -> E>,
}

impl<S, E> FromStream<S, E>
where
    S: Stream<Item = Result<Incoming, E>> + Sink<Outgoing, Error = E>,
{
    /// Lifts `stream`
    pub const fn new(stream: S) -> Self {
        Self { inner: Some(stream), ping: None, close: None, received: 0, error: PhantomData }
    }

    /// Gives the sink the control frames that wait, as soon as it takes them
    fn poll_control(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), E>> {
        let this = self.project();
        let Some(mut sink) = this.inner.as_pin_mut() else {
            return Poll::Ready(Ok(()));
        };
        if let Some(payload) = *this.ping {
            ready!(sink.as_mut().poll_ready(cx))?;
            *this.ping = None;
            sink.as_mut().start_send(Outgoing::Ping(payload))?;
        }
        if this.close.is_some() {
            ready!(sink.as_mut().poll_ready(cx))?;
            sink.start_send(Outgoing::Close(this.close.take().flatten()))?;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S, E> Transport for FromStream<S, E>
where
    S: Stream<Item = Result<Incoming, E>> + Sink<Outgoing, Error = E>,
    E: Error + 'static,
{
    type Error = E;

    fn poll_recv(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Incoming, E>>> {
        let this = self.project();
        let Some(stream) = this.inner.as_pin_mut() else {
            return Poll::Ready(None);
        };
        let item = stream.poll_next(cx);
        if let Poll::Ready(Some(Ok(incoming))) = &item {
            // A message of no bytes is heard as well: its frame has at least two.
            *this.received += 2 + match incoming {
                Incoming::Message(message) => message.len() as u64,
                Incoming::Ping(bytes) | Incoming::Pong(bytes) => bytes.len() as u64,
                Incoming::Close(_) => 0,
            };
        }
        item
    }

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), E>> {
        ready!(self.as_mut().poll_control(cx))?;
        match self.project().inner.as_pin_mut() {
            Some(sink) => sink.poll_ready(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    fn start_send(self: Pin<&mut Self>, outgoing: Outgoing) -> Result<(), E> {
        let this = self.project();
        match (outgoing, this.inner.as_pin_mut()) {
            (Outgoing::Ping(payload), _) => *this.ping = Some(payload),
            (Outgoing::Close(frame), _) => *this.close = Some(frame),
            (message, Some(sink)) => return sink.start_send(message),
            (_, None) => {}
        }
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), E>> {
        ready!(self.as_mut().poll_control(cx))?;
        match self.project().inner.as_pin_mut() {
            Some(sink) => sink.poll_flush(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), E>> {
        ready!(self.as_mut().poll_control(cx))?;
        match self.project().inner.as_pin_mut() {
            Some(sink) => sink.poll_close(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    fn abort(self: Pin<&mut Self>) {
        self.project().inner.set(None);
    }

    fn received(&self) -> u64 {
        self.received
    }
}
