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
use std::task::{Context, Poll, Waker, ready};

use everbeat_core::cause::CloseFrame;
use everbeat_core::heartbeat::RoundTrip;
use everbeat_core::time::Instant;
use everbeat_core::transport::{Incoming, Outgoing, PathEvidence, Transport};
use everbeat_core::{Cause, Message};
use pin_project::pin_project;

use crate::registry::{Mailbox, Order};

pub use error::HandledError;
use error::Kind;

/// The transport of a server's connection: the acceptor's, and the mailbox of its
/// [`ConnectionHandle`](crate::ConnectionHandle)s
///
/// Messages from handles go out when the transport below has room, in their order, ahead of the
/// connection's own next one. An order (close, evict, shut down) comes up as an error, whose cause
/// makes the connection say the right farewell. While nothing is left in the mailbox, a message of
/// the connection's own costs one atomic load more.
#[pin_project]
pub struct Handled<T> {
    #[pin]
    inner: T,
    mailbox: Seat,
    /// The waker that the mailbox knows
    seen: Option<Waker>,
    /// An order that was not told to the connection yet
    order: Option<Order>,
    /// How many messages were in the mailbox when the order was seen: they go first
    ahead: usize,
    /// What an ordered Close is to say
    farewell: Option<Box<CloseFrame>>,
    /// A message of the connection's own, for which there was room until a handle's took it
    held: Option<Box<Message>>,
    /// Messages that handles sent
    aside: u64,
    /// The mailbox may hold messages
    mail: bool,
    /// There was room, and nothing has been given to the transport since
    room: bool,
    /// What a handle sent is not flushed yet; the connection does not know of it
    unflushed: bool,
    /// An order was told, or the transport is closed: nothing more goes out of the mailbox
    over: bool,
    /// A Close went either way, or the transport failed: nothing more is sent at all
    closed: bool,
    /// The last write was not taken whole
    blocked: bool,
}

/// The mailbox, as long as there is a connection to look into it
struct Seat(Arc<Mailbox>);

impl Deref for Seat {
    type Target = Mailbox;

    fn deref(&self) -> &Mailbox {
        &self.0
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.vitals().leave();
        self.0.close();
    }
}

/// Messages of handles that go out in one poll before the connection has its turn
const MAIL_PER_POLL: usize = 64;

impl<T: Transport> Handled<T> {
    pub(crate) const fn new(inner: T, mailbox: Arc<Mailbox>) -> Self {
        Self {
            inner,
            mailbox: Seat(mailbox),
            seen: None,
            order: None,
            ahead: 0,
            farewell: None,
            held: None,
            aside: 0,
            mail: false,
            room: false,
            unflushed: false,
            over: false,
            closed: false,
            blocked: false,
        }
    }

    /// The acceptor's transport
    pub const fn inner(&self) -> &T {
        &self.inner
    }

    /// Does what others have asked for, as far as it can be done now
    fn poll_mailbox(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Result<(), HandledError<T::Error>> {
        if self.over {
            return self.push_held(cx);
        }
        let this = self.as_mut().project();
        let raised = this.mailbox.poll_raised(this.seen, cx);
        if raised {
            *this.mail = true;
            if this.order.is_none() {
                (*this.order, *this.ahead) = this.mailbox.standing_order();
            }
        }
        let mut more = false;
        if *this.mail || this.held.is_some() {
            more = self.as_mut().push_mail(cx)?;
        }
        // Whoever asked it to look may want to know how a blocked write is
        let flush = self.unflushed || raised && self.blocked;
        if flush && self.as_mut().poll_inner_flush(cx)?.is_ready() {
            *self.as_mut().project().unflushed = false;
        }
        let this = self.project();
        // The rest of the mail waits for its turn, not for room, so the order waits with it: but
        // only behind what was there before it, or handles that go on sending would put it off
        if more && *this.ahead > 0 {
            return Ok(());
        }
        match this.order.take() {
            Some(order) => {
                *this.over = true;
                let cause = order.cause();
                *this.farewell = order.farewell().map(Box::new);
                Err(HandledError(Kind::Ordered(cause)))
            }
            None => Ok(()),
        }
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
    fn note_write(self: Pin<&mut Self>, blocked: bool) {
        let this = self.project();
        if blocked {
            let sent = this.inner.sent();
            // Who cannot tell what was sent cannot tell whether it gets on either
            if sent > 0 {
                this.mailbox.vitals().note_blocked(sent);
            }
            if !*this.blocked {
                // The handler's task may be another one
                this.mailbox.attention().look();
            }
        } else if *this.blocked {
            this.mailbox.vitals().note_unblocked();
        }
        *this.blocked = blocked;
    }

    /// A message that the connection itself has sent still goes before an ordered Close
    fn push_held(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Result<(), HandledError<T::Error>> {
        let mut this = self.project();
        if !*this.closed && this.held.is_some() && this.inner.as_mut().poll_ready(cx)?.is_ready() {
            if let Some(held) = this.held.take() {
                this.inner.start_send(Outgoing::Message(*held))?;
            }
        }
        Ok(())
    }

    /// Gives the transport what waits for room; whether only the budget stopped it
    fn push_mail(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Result<bool, T::Error> {
        let mut this = self.project();
        for _ in 0..MAIL_PER_POLL {
            if this.inner.as_mut().poll_ready(cx)?.is_pending() {
                return Ok(false);
            }
            let message = match this.held.take() {
                Some(held) => *held,
                None => match this.mailbox.pop() {
                    Some(message) => {
                        *this.aside += 1;
                        *this.ahead = this.ahead.saturating_sub(1);
                        message
                    }
                    None => {
                        *this.mail = false;
                        *this.room = true;
                        return Ok(false);
                    }
                },
            };
            *this.room = false;
            *this.unflushed = true;
            this.inner.as_mut().start_send(Outgoing::Message(message))?;
        }
        cx.waker().wake_by_ref();
        Ok(true)
    }
}

impl<T: Transport> Transport for Handled<T> {
    type Error = HandledError<T::Error>;

    fn poll_recv(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Incoming, Self::Error>>> {
        let mailed = match self.as_mut().poll_mailbox(cx) {
            Err(ordered @ HandledError(Kind::Ordered(_))) => {
                return Poll::Ready(Some(Err(ordered)));
            }
            mailed => mailed,
        };
        let this = self.project();
        let incoming = match (this.inner.poll_recv(cx), mailed) {
            // What the peer said before it went away is read before the failed write is told.
            (Poll::Pending, Ok(())) => return Poll::Pending,
            (Poll::Pending, Err(error)) => Some(Err(error)),
            (Poll::Ready(incoming), _) => incoming.map(|incoming| incoming.map_err(Into::into)),
        };
        let open = matches!(
            incoming,
            Some(Ok(Incoming::Message(_) | Incoming::Ping(_) | Incoming::Pong(_)))
        );
        *this.over |= !open;
        *this.closed |= !open;
        Poll::Ready(incoming)
    }

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.as_mut().poll_mailbox(cx)?;
        let this = self.as_mut().project();
        if this.held.is_some() {
            return Poll::Pending;
        }
        let ready = this.inner.poll_ready(cx);
        if ready.is_pending() {
            self.note_write(true);
            return Poll::Pending;
        }
        *this.room = true;
        ready.map_err(Into::into)
    }

    fn start_send(self: Pin<&mut Self>, outgoing: Outgoing) -> Result<(), Self::Error> {
        let this = self.project();
        let outgoing = match outgoing {
            Outgoing::Message(message) if !*this.room => {
                *this.held = Some(Box::new(message));
                return Ok(());
            }
            Outgoing::Message(message) => {
                *this.room = false;
                Outgoing::Message(message)
            }
            Outgoing::Close(frame) => {
                (*this.over, *this.closed) = (true, true);
                Outgoing::Close(frame)
            }
            outgoing => outgoing,
        };
        Ok(this.inner.start_send(outgoing)?)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.as_mut().poll_mailbox(cx)?;
        if self.held.is_some() && !self.closed {
            return Poll::Pending;
        }
        ready!(self.as_mut().poll_inner_flush(cx))?;
        *self.project().unflushed = false;
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        let this = self.project();
        (*this.over, *this.closed) = (true, true);
        this.inner.poll_close(cx).map_err(Into::into)
    }

    fn abort(self: Pin<&mut Self>) {
        let this = self.project();
        (*this.over, *this.closed) = (true, true);
        this.inner.abort();
    }

    fn received(&self) -> u64 {
        self.inner.received()
    }

    fn sent(&self) -> u64 {
        self.inner.sent()
    }

    fn sent_aside(&self) -> u64 {
        self.aside + self.inner.sent_aside()
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
        this.farewell.take().map(|farewell| *farewell).or_else(|| this.inner.farewell())
    }

    fn noted(self: Pin<&mut Self>, now: Instant, round_trip: Option<RoundTrip>) {
        let this = self.project();
        let vitals = this.mailbox.vitals();
        vitals.note(this.inner.received(), this.inner.sent(), now);
        if let Some(round_trip) = round_trip {
            vitals.note_round_trip(round_trip.smoothed);
        }
        this.inner.noted(now, round_trip);
    }

    fn ended(self: Pin<&mut Self>, cause: &Cause) {
        let this = self.project();
        this.mailbox.vitals().end(cause);
        this.mailbox.close();
        this.inner.ended(cause);
    }

    fn release(self: Pin<&mut Self>) -> bool {
        let this = self.project();
        !*this.mail && this.held.is_none() && !*this.unflushed && this.inner.release()
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
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}
