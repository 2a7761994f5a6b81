//! The driver of an open connection: flush, read, then look at the clock once and let the policies
//! speak. The order is the point: an answer that waits in the socket is read before it is missed.

use core::pin::Pin;
use core::task::{Context, Poll};

use super::{Connection, Phase, SinceClock};
use crate::cause::{Cause, Cut, Expired};
use crate::event::Event;
use crate::heartbeat::{Answer, Beat, Heartbeat};
use crate::message::{Incoming, Message, Outgoing};
use crate::outcome::Disconnected;
use crate::time::{Instant, Timer};
use crate::transport::Transport;

/// Frames read before the task yields, and messages handed up before the clock is read even though
/// more are waiting: a peer that floods starves neither its neighbours nor its own heartbeat
const FRAMES_PER_POLL: u32 = 64;

/// What reading the transport came to
pub(super) enum Read {
    /// Something for the application
    Event(Event),
    /// Nothing more is waiting
    Drained,
    /// More may be waiting, but it is somebody else's turn
    Yield,
    /// The connection left the open phase
    Turned,
}

impl SinceClock {
    pub(super) const fn note_flushed(&mut self) {
        if self.unflushed {
            self.flushed = true;
            self.unflushed = false;
        }
    }
}

impl<T: Transport, K: Timer> Connection<T, K> {
    /// The next event, in whatever phase the connection is
    pub(super) fn poll_event(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Event>> {
        self.as_mut().project().since_clock.now = None;
        loop {
            let step = match self.phase {
                Phase::Open => self.as_mut().poll_open(cx),
                Phase::Closing(_) => self.as_mut().poll_closing(cx),
                Phase::Over(_) => return Poll::Ready(None),
            };
            match step {
                Poll::Ready(Some(event)) => return Poll::Ready(Some(event)),
                Poll::Ready(None) => {} // the phase has changed
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Drives the connection while the application sends: reads one message ahead, keeps the beat
    ///
    /// Pending, unless the connection ends.
    pub(crate) fn poll_ahead(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Cause>> {
        loop {
            let full = self.ahead.iter().any(|event| matches!(event, Event::Message(_)));
            let step = match self.phase {
                Phase::Open if full => self.as_mut().poll_unread_time(cx),
                _ => self.as_mut().poll_event(cx),
            };
            match step {
                Poll::Ready(Some(event)) => self.as_mut().stash(event),
                Poll::Ready(None) => {}
                Poll::Pending => return Poll::Pending,
            }
            self.refuse_unless_open()?;
        }
    }

    pub(super) fn refuse_unless_open(&self) -> Result<(), Cause> {
        match &self.phase {
            Phase::Open => Ok(()),
            Phase::Closing(closing) => Err(closing.cause().clone()),
            Phase::Over(cause) => Err(cause.clone()),
        }
    }

    /// A write failed: what the peer said before it went away is read first
    pub(super) fn fail_sending<R>(
        mut self: Pin<&mut Self>,
        error: T::Error,
        cx: &mut Context<'_>,
    ) -> Poll<Result<R, Cause>> {
        while let Read::Event(event) = self.as_mut().read(cx) {
            self.as_mut().stash(event);
            if self.ahead.len() > FRAMES_PER_POLL as usize {
                break;
            }
        }
        if matches!(self.phase, Phase::Open) {
            self.as_mut().fail(T::classify(&error));
        }
        Poll::Ready(self.refuse_unless_open().and(Err(T::classify(&error))))
    }

    fn stash(self: Pin<&mut Self>, event: Event) {
        let ahead = self.project().ahead;
        // A suspicion that nobody has seen, and that is over, never was.
        if event == Event::Alive && matches!(ahead.back(), Some(Event::Suspect { .. })) {
            ahead.pop_back();
        } else {
            ahead.push_back(event);
        }
    }

    /// One round of an open connection; `None` if the phase has changed
    fn poll_open(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        if let Err(cause) = self.as_mut().flush(cx) {
            self.fail(cause);
            return Poll::Ready(None);
        }
        match self.as_mut().read(cx) {
            Read::Event(event) => Poll::Ready(Some(event)),
            Read::Turned => Poll::Ready(None),
            Read::Drained => self.poll_time(cx),
            Read::Yield => {
                cx.waker().wake_by_ref();
                // What was not read yet may be the answer: beat, but do not judge.
                if !self.heartbeat.as_ref().is_some_and(Heartbeat::is_judging) {
                    return self.poll_time(cx);
                }
                let now = self.as_mut().clock();
                self.settle(now).map_or(Poll::Pending, |event| Poll::Ready(Some(event)))
            }
        }
    }

    pub(super) fn flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Result<(), Cause> {
        let this = self.project();
        if !this.since_clock.unflushed {
            return Ok(());
        }
        match this.transport.poll_flush(cx) {
            Poll::Ready(Ok(())) => this.since_clock.note_flushed(),
            Poll::Ready(Err(error)) => return Err(T::classify(&error)),
            Poll::Pending => {}
        }
        Ok(())
    }

    pub(super) fn read(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Read {
        for _ in 0..FRAMES_PER_POLL {
            let mut this = self.as_mut().project();
            if this.since_clock.frames >= FRAMES_PER_POLL {
                return Read::Yield;
            }
            let incoming = match this.transport.as_mut().poll_recv(cx) {
                Poll::Pending => return Read::Drained,
                Poll::Ready(Some(Ok(incoming))) => incoming,
                Poll::Ready(Some(Err(error))) => {
                    self.fail(T::classify(&error));
                    return Read::Turned;
                }
                Poll::Ready(None) => {
                    self.fail(Cause::Cut { how: Cut::End, detail: "".into() });
                    return Read::Turned;
                }
            };
            this.since_clock.frames += 1;
            match incoming {
                Incoming::Message(message) => {
                    this.since_clock.message = true;
                    return Read::Event(Event::Message(message));
                }
                Incoming::Ping(_) => this.since_clock.unflushed = true,
                Incoming::Pong(payload) => {
                    if let Some(event) = self.as_mut().handle_pong(&payload) {
                        return Read::Event(event);
                    }
                }
                Incoming::Close(frame) => {
                    self.closed_by_peer(frame.into());
                    return Read::Turned;
                }
            }
        }
        Read::Yield
    }

    fn handle_pong(mut self: Pin<&mut Self>, payload: &[u8]) -> Option<Event> {
        let now = self.as_mut().clock();
        let alive = self.as_mut().settle(now);
        let this = self.project();
        let answer = this.heartbeat.as_mut().and_then(|beat| beat.handle_pong(payload, now));
        if let Some(Answer { round_trip, mark }) = answer {
            this.ledger.prove(mark);
            tracing::trace!(target: "everbeat", ?round_trip, mark, "pong");
        }
        alive
    }

    /// The present, read from the timer at most once a wake-up
    pub(super) fn clock(self: Pin<&mut Self>) -> Instant {
        let this = self.project();
        *this.since_clock.now.get_or_insert_with(|| this.timer.now())
    }

    /// Turns what happened since the last look at the clock into instants
    pub(super) fn settle(self: Pin<&mut Self>, now: Instant) -> Option<Event> {
        let this = self.project();
        let since = core::mem::take(this.since_clock);
        let (received, sent) = (this.transport.received(), this.transport.sent());
        let sent_aside = this.transport.sent_aside();
        *this.since_clock = SinceClock {
            received,
            sent,
            sent_aside,
            unflushed: since.unflushed,
            now: Some(now),
            ..SinceClock::default()
        };
        if since.message || sent_aside != since.sent_aside {
            *this.last_message = now;
        }
        let heartbeat = this.heartbeat.as_mut()?;
        if since.wrote {
            heartbeat.handle_write(now);
        }
        if since.flushed && !since.unflushed {
            heartbeat.handle_flushed(now);
        } else if sent != since.sent {
            heartbeat.handle_progress(now);
        }
        if received != since.received && heartbeat.handle_heard(now) {
            tracing::debug!(target: "everbeat", "alive");
            return Some(Event::Alive);
        }
        None
    }

    /// [`poll_time`](Self::poll_time) while the application sends and a message waits to be read
    ///
    /// Whatever the peer answers is behind that message, so only one thing can be held against it:
    /// that it takes nothing of ours either.
    fn poll_unread_time(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.as_mut().project().since_clock.now = None;
        let now = self.as_mut().clock();
        let progressed = self.transport.sent() != self.since_clock.sent;
        if let Some(heartbeat) = self.as_mut().project().heartbeat {
            heartbeat.handle_unread(progressed, now);
        }
        self.poll_time(cx)
    }

    /// Reads the clock, lets the policies speak, sets the alarm
    fn poll_time(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let now = self.as_mut().clock();
        if let Some(event) = self.as_mut().settle(now) {
            return Poll::Ready(Some(event));
        }
        loop {
            let heartbeat = self.as_mut().project().heartbeat.as_mut();
            match heartbeat.and_then(|heartbeat| heartbeat.handle_timeout(now)) {
                None => break,
                Some(Beat::Ping(payload)) => {
                    if let Err(cause) = self.as_mut().ping(payload, now, cx) {
                        self.fail(cause);
                        return Poll::Ready(None);
                    }
                }
                Some(Beat::Suspect) => {
                    let silent_for = self.evidence_at(now).silent_for;
                    tracing::debug!(target: "everbeat", ?silent_for, "suspect");
                    return Poll::Ready(Some(Event::Suspect { silent_for }));
                }
                Some(Beat::Dead(verdict)) => {
                    let evidence = self.evidence_at(now);
                    self.as_mut().project().transport.abort();
                    let end = self.finish(Cause::Dead { verdict, evidence }, now);
                    return Poll::Ready(Some(end));
                }
            }
        }
        let idle = self.config.idle().map_or(Instant::NEVER, |idle| self.last_message + idle);
        if now >= idle {
            self.fail(Cause::Expired(Expired::Idle));
            return Poll::Ready(None);
        }
        let this = self.project();
        let beat = this.heartbeat.as_ref().map_or(Instant::NEVER, Heartbeat::poll_timeout);
        if this.alarm.poll_due(cx, this.timer, now, beat.min(idle)).is_ready() {
            // All that was due has been done: a policy that wants more is asked after the others.
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Sends a Ping that vouches for every message before it
    pub(super) fn ping(
        self: Pin<&mut Self>,
        payload: [u8; 8],
        now: Instant,
        cx: &mut Context<'_>,
    ) -> Result<(), Cause> {
        let mut this = self.project();
        tracing::trace!(target: "everbeat", "ping");
        // A Ping overtakes the rest of a message whose frames are still being written, so it proves
        // only those before it: the transport took that one once it was ready for it.
        let newest = this.ledger.newest();
        let behind = match this.transport.as_mut().poll_ready(cx) {
            Poll::Ready(ready) => ready.map(|()| newest).map_err(|error| T::classify(&error))?,
            Poll::Pending => newest.saturating_sub(1),
        };
        let sent = this.transport.as_mut().start_send(Outgoing::Ping(payload));
        sent.map_err(|error| T::classify(&error))?;
        let Some(heartbeat) = this.heartbeat else {
            return Ok(());
        };
        heartbeat.handle_ping_sent(behind);
        if behind < newest && this.config.retain_bytes() > 0 {
            heartbeat.handle_write(now);
        }
        match this.transport.poll_flush(cx) {
            Poll::Ready(Ok(())) => {
                this.since_clock.unflushed = false;
                heartbeat.handle_flushed(now);
            }
            Poll::Ready(Err(error)) => return Err(T::classify(&error)),
            Poll::Pending => this.since_clock.unflushed = true,
        }
        Ok(())
    }

    /// Ends the ledger and the connection; the transport is done for
    pub(super) fn finish(mut self: Pin<&mut Self>, cause: Cause, now: Instant) -> Event {
        let evidence = self.evidence_at(now);
        let this = self.as_mut().project();
        let unconfirmed = this.ledger.close();
        tracing::debug!(
            target: "everbeat", %cause, %evidence, unconfirmed = unconfirmed.count, "disconnected"
        );
        *this.phase = Phase::Over(cause.clone());
        Event::from(Disconnected { evidence, unconfirmed, ..Disconnected::new(cause) })
    }
}

impl From<Message> for Outgoing {
    fn from(message: Message) -> Self {
        Self::Message(message)
    }
}
