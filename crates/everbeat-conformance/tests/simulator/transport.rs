//! The simulator's pipe, with faults.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use everbeat_core::Cause;
use everbeat_core::transport::{Incoming, Outgoing, PathEvidence, Transport};
use everbeat_sim::Pipe;
use everbeat_sim::net::PipeError;

use crate::rig::Fault;

pub(crate) struct Wire {
    pipe: Pipe,
    fault: Option<Fault>,
    /// What is held back until everything before it has left
    held: Option<Outgoing>,
    first: Option<Waker>,
    counted: u64,
    said_close: bool,
    pinged: bool,
    ended: bool,
    aborted: bool,
    /// A message of ours is not out yet
    busy: bool,
    failed: bool,
    aside: u64,
}

/// The pipe's error, which may be classified wrongly
#[derive(Debug)]
pub(crate) struct WireError(PipeError, Option<Fault>);

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for WireError {}

impl Wire {
    pub(crate) const fn new(pipe: Pipe, fault: Option<Fault>) -> Self {
        Self {
            pipe,
            fault,
            held: None,
            first: None,
            counted: 0,
            said_close: false,
            pinged: false,
            ended: false,
            aborted: false,
            busy: false,
            failed: false,
            aside: 0,
        }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn pipe(&mut self) -> Pin<&mut Pipe> {
        Pin::new(&mut self.pipe)
    }

    fn loses(&self, said: &Incoming) -> bool {
        match said {
            Incoming::Message(message) => self.has(Fault::LosesEmpty) && message.is_empty(),
            Incoming::Pong(_) => {
                self.has(Fault::LosesPong) || self.has(Fault::PongWaits) && self.busy
            }
            Incoming::Close(_) => self.has(Fault::LosesReply) && self.said_close,
            _ => false,
        }
    }
}

impl Wire {
    fn poll_said(&mut self, cx: &Context<'_>) -> Poll<Option<Result<Incoming, PipeError>>> {
        if self.failed && self.has(Fault::DeafAfterError) {
            return Poll::Ready(None);
        }
        let first = self.first.get_or_insert_with(|| cx.waker().clone()).clone();
        let waker = if self.has(Fault::FirstRecvWaker) { first } else { cx.waker().clone() };
        let cx = &mut Context::from_waker(&waker);
        loop {
            let said = ready!(self.pipe().poll_recv(cx));
            self.counted = self.pipe.received();
            match &said {
                Some(Ok(said)) if self.loses(said) => continue,
                Some(Ok(_)) => {}
                _ => self.ended = true,
            }
            return Poll::Ready(said);
        }
    }

    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), PipeError>> {
        if let Some(held) = self.held.take() {
            self.pipe().start_send(held)?;
        }
        self.pipe().poll_ready(cx)
    }

    fn send(&mut self, outgoing: Outgoing) -> Result<(), PipeError> {
        match (self.fault, &outgoing) {
            (Some(Fault::PingWaits), Outgoing::Ping(_))
            | (Some(Fault::CloseWaits), Outgoing::Close(_))
            | (Some(Fault::ClosesUnflushed), Outgoing::Message(_)) => {
                self.held = Some(outgoing);
                return Ok(());
            }
            (Some(Fault::KeepsOldPing), Outgoing::Ping(_)) if self.pinged => return Ok(()),
            (_, Outgoing::Ping(_)) => self.pinged = true,
            (_, Outgoing::Close(_)) => self.said_close = true,
            (_, Outgoing::Message(_)) => {
                self.busy = true;
                self.aside += 1;
            }
            _ => {}
        }
        self.pipe().start_send(outgoing)
    }

    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), PipeError>> {
        assert!(!(self.ended && self.has(Fault::PanicsAfterEnd)), "the fault that was asked for");
        let flushed = self.pipe().poll_flush(cx);
        // A task's own flush is left alone, so that only the lie is seen and not what rests on it.
        if self.has(Fault::FlushLies) && cx.waker().will_wake(Waker::noop()) {
            return Poll::Ready(Ok(()));
        }
        ready!(flushed)?;
        (self.pinged, self.busy) = (false, false);
        match self.held.take() {
            Some(held) => {
                self.pipe().start_send(held)?;
                self.pipe().poll_flush(cx)
            }
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_shut(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), PipeError>> {
        if self.has(Fault::CloseWaits) {
            if let Some(held) = self.held.take() {
                self.pipe().start_send(held)?;
            }
        }
        if self.has(Fault::ClosesAtOnce) {
            return self.pipe().poll_flush(cx);
        }
        if self.has(Fault::ClosesWithReset) {
            ready!(self.pipe().poll_flush(cx))?;
            let read = self.pipe.received();
            let _discarded = self.pipe().poll_recv(cx);
            if self.pipe.received() > read {
                self.pipe().abort();
                return Poll::Ready(Ok(()));
            }
        }
        self.pipe().poll_close(cx)
    }

    /// Remembers that sending failed
    fn keeping<T>(&mut self, result: Result<T, PipeError>) -> Result<T, WireError> {
        self.failed |= result.is_err();
        result.map_err(|error| WireError(error, self.fault))
    }
}

impl Transport for Wire {
    type Error = WireError;

    fn poll_recv(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Incoming, WireError>>> {
        let said = ready!(self.poll_said(cx));
        Poll::Ready(said.map(|said| said.map_err(|error| WireError(error, self.fault))))
    }

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), WireError>> {
        let polled = self.poll_room(cx);
        polled.map(|result| self.keeping(result))
    }

    fn start_send(mut self: Pin<&mut Self>, outgoing: Outgoing) -> Result<(), WireError> {
        let sent = self.send(outgoing);
        self.keeping(sent)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), WireError>> {
        let polled = self.poll_written(cx);
        polled.map(|result| self.keeping(result))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), WireError>> {
        let polled = self.poll_shut(cx);
        polled.map(|result| self.keeping(result))
    }

    fn abort(mut self: Pin<&mut Self>) {
        if !self.has(Fault::AbortDoesNothing) {
            self.aborted = true;
            self.pipe().abort();
        }
    }

    fn received(&self) -> u64 {
        if self.has(Fault::CountsWholeMessages) { self.counted } else { self.pipe.received() }
    }

    fn sent(&self) -> u64 {
        self.pipe.sent() / if self.has(Fault::HalfSent) { 2 } else { 1 }
    }

    fn path(&self) -> Option<PathEvidence> {
        self.has(Fault::PathBeyondSent).then(|| {
            let mut path = PathEvidence::default();
            path.acknowledged = self.sent() + 1;
            path
        })
    }

    fn release(mut self: Pin<&mut Self>) -> bool {
        if self.has(Fault::ReleasesTooMuch) {
            self.pipe().abort();
            return true;
        }
        self.pipe().release()
    }

    fn sent_aside(&self) -> u64 {
        if self.has(Fault::CountsOwnAside) { self.aside } else { self.pipe.sent_aside() }
    }

    fn classify(WireError(error, fault): &WireError) -> Cause {
        match fault {
            Some(Fault::CutIsPolite) => Cause::ClosedByUs,
            _ => Pipe::classify(error),
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.has(Fault::DropSaysClose) && !self.aborted {
            let _whether = self.pipe().start_send(Outgoing::Close(None));
            let _whether = self.pipe().poll_flush(&mut Context::from_waker(Waker::noop()));
        }
    }
}
