//! A transport with a mailbox: [`Handled`] mixes what others left for a connection into what the
//! connection itself sends. Decides their order; how much fits is the mailbox's.

mod error;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use everbeat_core::Cause;
use everbeat_core::cause::CloseFrame;
use everbeat_core::heartbeat::RoundTrip;
use everbeat_core::time::Instant;
use everbeat_core::transport::{Incoming, Outgoing, PathEvidence, Transport};
use pin_project::pin_project;

use crate::registry::AnyRecord;
use crate::registry::marks::{BLOCKED, CLOSED, HELD, MAIL, Marks, ORDERED, OVER, ROOM, UNFLUSHED};

pub use error::HandledError;
use error::Kind;

/// The transport of a server's connection: the acceptor's, and the mailbox of its
/// [`ConnectionHandle`](crate::ConnectionHandle)s
///
/// Messages from handles go out when the transport below has room, in their order, ahead of the
/// connection's own next one. An order (close, evict, shut down) comes up as an error, whose cause
/// makes the connection say the right farewell. While nothing is left in the mailbox, a message of
/// the connection's own costs a look at whose task polls and at a flag, and no lock; in another task
/// than its handler's, a lock that is the connection's own.
///
/// It adds two words to the transport: what there is to remember is in what the handles share.
#[pin_project]
pub struct Handled<T> {
    /// Dropped first, for from then on nobody else writes to the socket
    record: Seat,
    #[pin]
    inner: T,
}

/// The mailbox, as long as there is a connection to look into it
struct Seat(Arc<AnyRecord>);

impl Deref for Seat {
    type Target = AnyRecord;

    fn deref(&self) -> &AnyRecord {
        &self.0
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        _ = self.0.keep();
        self.0.set_over();
        self.0.close();
    }
}

/// Not all of what was left in the mailbox has been done
const LEFT: u8 = MAIL | HELD | UNFLUSHED | ORDERED;

/// Messages of handles that go out in one poll before the connection has its turn
const MAIL_PER_POLL: usize = 64;

impl<T: Transport> Handled<T> {
    pub(crate) const fn new(inner: T, record: Arc<AnyRecord>) -> Self {
        Self { record: Seat(record), inner }
    }

    /// The acceptor's transport
    pub const fn inner(&self) -> &T {
        &self.inner
    }

    /// Nobody else writes from now on
    #[inline]
    fn keep(self: Pin<&mut Self>) {
        let this = self.project();
        if let Some((bytes, left)) = this.record.keep() {
            if left.is_some() {
                this.record.marks.set(UNFLUSHED);
            }
            this.inner.take_back(bytes, left);
        }
    }

    /// Does what others have asked for, as far as it can be done now
    #[inline]
    fn poll_mailbox(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Result<(), HandledError<T::Error>> {
        self.as_mut().keep();
        let record = &*self.record.0;
        if record.is_quiet(cx) && !record.marks.any(LEFT) {
            return Ok(());
        }
        self.poll_left(cx)
    }

    /// Something may have been left in the mailbox, or not all of it has been done
    #[inline(never)]
    fn poll_left(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Result<(), HandledError<T::Error>> {
        let record = &*self.record.0;
        if record.marks.any(OVER) {
            return self.push_held(cx);
        }
        let raised = record.poll_raised(cx);
        if raised {
            record.marks.set(if record.has_order() { MAIL | ORDERED } else { MAIL });
        }
        if !raised && !record.marks.any(LEFT) {
            return Ok(());
        }
        let mut more = false;
        if record.marks.any(MAIL | HELD) {
            more = self.as_mut().push_mail(cx)?;
        }
        let marks = &self.record.marks;
        // Whoever asked it to look may want to know how a blocked write is
        let flush = marks.any(UNFLUSHED) || raised && marks.any(BLOCKED);
        if flush && self.as_mut().poll_inner_flush(cx)?.is_ready() {
            self.record.marks.clear(UNFLUSHED);
        }
        let record = &self.record;
        // The rest of the mail waits for its turn, not for room, so the order waits with it: but
        // only behind what was there before it, or handles that go on sending would put it off
        if !record.marks.any(ORDERED) || more && record.ahead() > 0 {
            return Ok(());
        }
        record.marks.clear(ORDERED);
        match record.obey() {
            Some(cause) => {
                record.marks.set(OVER);
                Err(HandledError(Kind::Ordered(cause)))
            }
            None => Ok(()),
        }
    }

    /// What the peer said before it went away is read before the failed write is told
    #[cold]
    fn poll_last_words(
        self: Pin<&mut Self>,
        error: HandledError<T::Error>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Incoming, HandledError<T::Error>>>> {
        if let HandledError(Kind::Ordered(_)) = error {
            return Poll::Ready(Some(Err(error)));
        }
        let this = self.project();
        let incoming = match this.inner.poll_recv(cx) {
            Poll::Ready(incoming) => incoming.map(|incoming| incoming.map_err(Into::into)),
            Poll::Pending => Some(Err(error)),
        };
        note_incoming(&this.record.marks, incoming.as_ref());
        Poll::Ready(incoming)
    }

    fn poll_inner_flush(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), T::Error>> {
        let polled = self.as_mut().project().inner.poll_flush(cx);
        self.note_write(polled.is_pending());
        polled
    }

    /// Tells others that a write is blocked, or is so no longer; costs nothing while none is
    fn note_write(&self, blocked: bool) {
        let record = &self.record;
        if blocked {
            record.note_blocked(self.inner.sent());
            if !record.marks.any(BLOCKED) {
                record.marks.set(BLOCKED);
                // The handler's task may be another one
                record.look();
            }
        } else if record.marks.any(BLOCKED) {
            record.marks.clear(BLOCKED);
        }
    }

    /// A message that the connection itself has sent still goes before an ordered Close
    fn push_held(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Result<(), HandledError<T::Error>> {
        let mut this = self.project();
        let marks = &this.record.marks;
        let held = marks.any(HELD) && !marks.any(CLOSED);
        if held && this.inner.as_mut().poll_ready(cx)?.is_ready() {
            marks.clear(HELD);
            if let Some(held) = this.record.take_held() {
                this.inner.start_send(Outgoing::Message(held))?;
            }
        }
        Ok(())
    }

    /// Gives the transport what waits for room; whether only the budget stopped it
    fn push_mail(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Result<bool, T::Error> {
        let mut this = self.project();
        let (record, marks) = (&*this.record, &this.record.marks);
        for _ in 0..MAIL_PER_POLL {
            if this.inner.as_mut().poll_ready(cx)?.is_pending() {
                return Ok(false);
            }
            let held = marks.any(HELD);
            let next = if held { record.take_held() } else { record.pop() };
            marks.clear(HELD);
            let Some(message) = next else {
                marks.clear(MAIL);
                marks.set(ROOM);
                return Ok(false);
            };
            marks.clear(ROOM);
            marks.set(UNFLUSHED);
            this.inner.as_mut().start_send(Outgoing::Message(message))?;
        }
        cx.waker().wake_by_ref();
        Ok(true)
    }
}

/// Nothing more is sent behind the peer's Close, nor over a transport that has failed
fn note_incoming<E>(marks: &Marks, incoming: Option<&Result<Incoming, E>>) {
    let open =
        matches!(incoming, Some(Ok(Incoming::Message(_) | Incoming::Ping(_) | Incoming::Pong(_))));
    if !open {
        marks.set(OVER | CLOSED);
    }
}

impl<T: Transport> Transport for Handled<T> {
    type Error = HandledError<T::Error>;

    fn poll_recv(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Incoming, Self::Error>>> {
        if let Err(error) = self.as_mut().poll_mailbox(cx) {
            return self.poll_last_words(error, cx);
        }
        let this = self.project();
        let incoming = ready!(this.inner.poll_recv(cx));
        note_incoming(&this.record.marks, incoming.as_ref());
        Poll::Ready(incoming.map(|incoming| incoming.map_err(Into::into)))
    }

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.as_mut().poll_mailbox(cx)?;
        let this = self.as_mut().project();
        if this.record.marks.any(HELD) {
            return Poll::Pending;
        }
        let ready = this.inner.poll_ready(cx);
        if ready.is_pending() {
            self.note_write(true);
            return Poll::Pending;
        }
        this.record.marks.set(ROOM);
        ready.map_err(Into::into)
    }

    fn start_send(mut self: Pin<&mut Self>, outgoing: Outgoing) -> Result<(), Self::Error> {
        self.as_mut().keep();
        let this = self.project();
        let marks = &this.record.marks;
        let outgoing = match outgoing {
            Outgoing::Message(message) if !marks.any(ROOM) => {
                this.record.hold(message);
                marks.set(HELD);
                return Ok(());
            }
            Outgoing::Message(message) => {
                marks.clear(ROOM);
                Outgoing::Message(message)
            }
            Outgoing::Close(frame) => {
                marks.set(OVER | CLOSED);
                Outgoing::Close(frame)
            }
            outgoing => outgoing,
        };
        Ok(this.inner.start_send(outgoing)?)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.as_mut().poll_mailbox(cx)?;
        let marks = &self.record.marks;
        if marks.any(HELD) && !marks.any(CLOSED) {
            return Poll::Pending;
        }
        ready!(self.as_mut().poll_inner_flush(cx))?;
        self.record.marks.clear(UNFLUSHED);
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.as_mut().keep();
        let this = self.project();
        this.record.marks.set(OVER | CLOSED);
        this.inner.poll_close(cx).map_err(Into::into)
    }

    fn abort(mut self: Pin<&mut Self>) {
        self.as_mut().keep();
        let this = self.project();
        this.record.marks.set(OVER | CLOSED);
        this.inner.abort();
    }

    fn received(&self) -> u64 {
        self.inner.received()
    }

    fn sent(&self) -> u64 {
        self.inner.sent() + self.record.sent_past()
    }

    fn lend(self: Pin<&mut Self>) -> bool {
        let this = self.project();
        let record = &*this.record.0;
        let busy = record.marks.any(LEFT | OVER | CLOSED | BLOCKED);
        !busy && record.may_lend() && this.inner.lend() && record.lend()
    }

    fn sent_aside(&self) -> u64 {
        self.record.sent_aside() + self.inner.sent_aside()
    }

    fn unfinished(&self) -> u64 {
        self.inner.unfinished()
    }

    fn can_ping(&self) -> bool {
        self.inner.can_ping()
    }

    fn local_address(&self) -> Option<IpAddr> {
        self.inner.local_address()
    }

    fn path(&self) -> Option<PathEvidence> {
        self.inner.path()
    }

    fn farewell(self: Pin<&mut Self>) -> Option<CloseFrame> {
        let this = self.project();
        this.record.take_farewell().or_else(|| this.inner.farewell())
    }

    fn noted(self: Pin<&mut Self>, now: Instant, round_trip: Option<RoundTrip>) {
        let this = self.project();
        let record = this.record;
        record.note(this.inner.received(), this.inner.sent(), now);
        if let Some(round_trip) = round_trip {
            record.note_round_trip(round_trip.smoothed);
            // Once a beat
            record.rest();
        }
        this.inner.noted(now, round_trip);
    }

    fn ended(self: Pin<&mut Self>, cause: &Cause) {
        let this = self.project();
        this.record.note_end(cause);
        this.record.close();
        this.inner.ended(cause);
    }

    fn release(self: Pin<&mut Self>) -> bool {
        let this = self.project();
        !this.record.marks.any(MAIL | HELD | UNFLUSHED) && this.inner.release()
    }

    fn classify(error: &Self::Error) -> Cause {
        match &error.0 {
            Kind::Transport(error) => T::classify(error),
            Kind::Ordered(cause) => cause.clone(),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Handled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handled")
            .field("inner", &self.inner)
            .field("over", &self.record.marks.any(OVER))
            .finish_non_exhaustive()
    }
}
