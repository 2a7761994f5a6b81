//! The driver of a client: waits, connects, feeds the connection from the queue, and decides what
//! an end means. One step at a time; what happens is pushed to the events.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use alloc::boxed::Box;
use futures_core::Stream;
use futures_sink::Sink;
use pin_project::pin_project;

use super::Client;
use crate::cause::{Cause, CloseCode, CloseFrame};
use crate::connection::Connection;
use crate::event::Event;
use crate::outcome::Disconnected;
use crate::reconnect::Decision;
use crate::time::{Instant, Timer};
use crate::transport::{Attempt, Connect};

/// Lifecycle events that wait to be read before the client stops to make more: whoever never reads
/// them cannot have them pile up
const UNREAD_EVENTS: usize = 64;

/// A client that was asked to close
#[derive(Debug)]
pub(super) struct Farewell {
    /// What the Close frame will say
    pub(super) frame: CloseFrame,
    /// When the queue began to be sent off; `None` until the clock is next read
    since: Option<Instant>,
}

impl From<CloseFrame> for Farewell {
    fn from(frame: CloseFrame) -> Self {
        Self { frame, since: None }
    }
}

/// Where a client is in its life
#[pin_project(project = StateProjection)]
#[expect(clippy::large_enum_variant, reason = "a client is mostly up; a box would be its rule")]
pub(super) enum State<C: Connect, K: Timer> {
    /// Nothing was tried yet
    Start,
    /// An attempt is due at an instant
    Waiting { until: Instant, after: Cause },
    /// An attempt is under way
    Connecting {
        #[pin]
        attempt: C::Future,
        number: u32,
        since: Instant,
    },
    /// A connection stands, or is closing
    Up(#[pin] Connection<C::Transport, K>),
    /// No more
    Over,
}

impl<C: Connect, K: Timer + Clone> Client<C, K> {
    /// One step: ready when something has happened or the state has changed
    pub(super) fn poll_step(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.closing.is_some() && !matches!(self.state, State::Up(_)) {
            self.end(Disconnected::new(Cause::ClosedByUs));
            return Poll::Ready(());
        }
        let this = self.as_mut().project();
        match this.state.project() {
            StateProjection::Start => self.begin(None),
            StateProjection::Waiting { until, after } => {
                let now = this.timer.now();
                ready!(this.alarm.poll_due(cx, this.timer, now, *until));
                let after = after.clone();
                self.begin(Some(after));
            }
            StateProjection::Connecting { attempt, number, since } => {
                let (number, since) = (*number, *since);
                match attempt.poll(cx) {
                    Poll::Ready(Ok(transport)) => self.connected(transport, number, since),
                    Poll::Ready(Err(error)) => self.end(Disconnected::new(C::classify(&error))),
                    Poll::Pending => {
                        let limit = this.settings.connect_timeout;
                        let now = this.timer.now();
                        ready!(this.alarm.poll_due(cx, this.timer, now, since + limit));
                        self.end(Disconnected::new(Cause::TimedOut { limit }));
                    }
                }
            }
            StateProjection::Up(_) => return self.poll_up(cx),
            StateProjection::Over => {}
        }
        Poll::Ready(())
    }

    /// A step while nobody reads: stops before a second message is read ahead
    pub(crate) fn poll_unread(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let message = self.events.iter().any(|event| matches!(event, Event::Message(_)));
        if message || self.events.len() >= UNREAD_EVENTS {
            self.as_mut().pump(cx);
            return Poll::Pending;
        }
        self.poll_step(cx)
    }

    /// Waits for room for so many bytes; ready too if the client is over, or nobody reads its events
    pub(super) fn poll_room(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: usize,
    ) -> Poll<()> {
        loop {
            self.as_mut().pump(cx);
            let fits = self.outbox.fits(bytes, &self.settings.queue);
            let unread = self.events.len() >= UNREAD_EVENTS;
            if fits || unread || self.outcome.is_some() {
                return Poll::Ready(());
            }
            ready!(self.as_mut().poll_unread(cx));
        }
    }

    /// Gives the connection what is queued, as far as it takes it, and asks it once to write
    pub(super) fn pump(self: Pin<&mut Self>, cx: &mut Context<'_>) {
        let this = self.project();
        let StateProjection::Up(mut connection) = this.state.project() else {
            return;
        };
        let mut wrote = false;
        // Errors are left to the connection's last event, which tells the whole.
        while !this.outbox.is_empty() {
            let Poll::Ready(Ok(())) = connection.as_mut().poll_ready(cx) else {
                break;
            };
            let Some(message) = this.outbox.pop() else {
                break;
            };
            // After readiness this only takes: see `Connection::start_send`.
            let _ = connection.as_mut().start_send(message);
            wrote = true;
        }
        if wrote {
            let _ = connection.poll_flush(cx);
        }
    }

    /// Ready once the connection's transport has written all it was given
    pub(super) fn poll_written(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.project().state.project() {
            // An error is the connection's last event.
            StateProjection::Up(connection) => connection.poll_flush(cx).map(drop),
            _ => Poll::Ready(()),
        }
    }

    fn begin(mut self: Pin<&mut Self>, after: Option<Cause>) {
        let mut this = self.as_mut().project();
        let number = this.reconnect.attempt();
        tracing::debug!(target: "everbeat", attempt = number, "connecting");
        this.events.push_back(Event::Connecting { attempt: number });
        let attempt = this.connector.connect(Attempt { number, after });
        let since = this.timer.now();
        this.state.set(State::Connecting { attempt, number, since });
    }

    fn connected(self: Pin<&mut Self>, transport: C::Transport, attempt: u32, since: Instant) {
        let mut this = self.project();
        let now = this.timer.now();
        let took = now.saturating_duration_since(since);
        this.reconnect.handle_connected(now);
        *this.established = true;
        tracing::info!(target: "everbeat", attempt, ?took, "connected");
        let connection = Connection::new(
            transport,
            this.timer.clone(),
            this.settings.connection,
            this.seeds.u64(..),
        );
        this.state.set(State::Up(connection));
        this.events.push_back(Event::Connected { attempt, took });
    }

    fn poll_up(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.as_mut().pump(cx);
        let this = self.as_mut().project();
        let StateProjection::Up(mut connection) = this.state.project() else {
            return Poll::Ready(());
        };
        if let Some(closing) = this.closing {
            let now = this.timer.now();
            let deadline =
                *closing.since.get_or_insert(now) + this.settings.connection.close_timeout();
            let sent = this.outbox.is_empty();
            if sent || this.alarm.poll_due(cx, this.timer, now, deadline).is_ready() {
                connection.as_mut().begin_close(closing.frame.clone());
            }
        }
        match ready!(connection.as_mut().poll_next(cx)) {
            Some(Event::Disconnected(end)) => {
                this.tally.delivered += connection.delivered();
                this.tally.unconfirmed += end.unconfirmed.count;
                self.end(*end);
            }
            Some(event) => this.events.push_back(event),
            None => self.end(Disconnected::new(Cause::ClosedByUs)),
        }
        Poll::Ready(())
    }

    /// A connection ended or an attempt failed: again, or no more
    fn end(mut self: Pin<&mut Self>, mut end: Disconnected) {
        let mut this = self.as_mut().project();
        let now = this.timer.now();
        let verdict = match &this.settings.verdict {
            Some(decide) => decide(&end.cause),
            None => end.cause.default_verdict(),
        };
        let may_retry = this.closing.is_none() && (*this.established || this.settings.retry_first);
        match this.reconnect.handle_end(&end.cause, verdict, now) {
            Decision::RetryAt(until) if may_retry => {
                end.retry_in = Some(until.saturating_duration_since(now));
                tracing::info!(target: "everbeat", %end, "disconnected");
                let after = end.cause.clone();
                this.events.push_back(Event::Disconnected(Box::new(end)));
                this.state.set(State::Waiting { until, after });
            }
            _ => {
                end.unsent = this.outbox.drain();
                this.tally.unsent += end.unsent.len() as u64;
                tracing::info!(target: "everbeat", %end, "over");
                *this.outcome = Some(end.cause.clone());
                let closed = match &end.cause {
                    Cause::ClosedByUs => true,
                    Cause::Closed { code, .. } => *code == CloseCode::NORMAL,
                    _ => this.closing.is_some(),
                };
                let end = Box::new(end);
                let last = if closed { Event::Closed(end) } else { Event::GaveUp(end) };
                this.events.push_back(last);
                this.state.set(State::Over);
            }
        }
    }
}
