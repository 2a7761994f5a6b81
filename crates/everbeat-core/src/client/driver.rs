//! The driver of a client: waits, connects, feeds the connection from the queue, and decides what
//! an end means. One step at a time; what happens is pushed to the events.

use core::future::Future;
use core::net::IpAddr;
use core::pin::Pin;
use core::task::{Poll, ready};

use alloc::boxed::Box;
use pin_project::pin_project;

use super::builder::Settings;
use super::unread::Unread;
use super::{Outbox, SendError, over};
use crate::cause::{Cause, CloseCode, CloseFrame};
use crate::connection::Connection;
use crate::event::Event;
use crate::hint::{Feed, Hint};
use crate::message::Message;
use crate::outcome::{Disconnected, Tally, Unconfirmed};
use crate::reconnect::{Decision, Reconnect};
use crate::time::{Alarm, Instant, Timer, Wake};
use crate::transport::{Attempt, Connect, Transport};
use crate::turn::Turn;

/// Steps that one message drives at most, so that no connector that fails at once can hold it up
const STEPS_PER_MESSAGE: usize = 8;

/// A client that was asked to close
#[derive(Debug)]
pub(super) struct Farewell {
    /// What the Close frame will say
    pub(super) frame: CloseFrame,
    /// Whether whoever closes has more to send first
    more: bool,
    /// When the queue began to be sent off; `None` until the clock is next read
    since: Option<Instant>,
}

impl From<CloseFrame> for Farewell {
    fn from(frame: CloseFrame) -> Self {
        Self { frame, more: false, since: None }
    }
}

/// What was learnt of a road, which is another one from another address of ours
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RoadMemory {
    from: Option<IpAddr>,
    millis: u32,
}

impl RoadMemory {
    /// A connection stands from this address: what was learnt elsewhere says nothing of its road
    fn leave_if_elsewhere(&mut self, from: Option<IpAddr>) {
        if from != self.from {
            *self = Self { from, millis: 0 };
        }
    }
}

/// Where a client is in its life
#[pin_project(project = StateProjection)]
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
        /// One that hurries and came meanwhile
        hint: Option<Hint>,
    },
    /// A connection stands, or is closing
    Up(Connection<C::Transport, K>),
    /// No more
    Over,
}

/// One client; [`Client`](super::Client) is a pointer to it
#[pin_project]
pub(crate) struct Driver<C: Connect, K: Timer> {
    pub(super) connector: C,
    pub(super) timer: K,
    pub(super) settings: Settings,
    pub(super) reconnect: Reconnect,
    pub(super) seeds: fastrand::Rng,
    #[pin]
    pub(super) state: State<C, K>,
    #[pin]
    pub(super) alarm: Alarm<K::Sleep>,
    pub(super) outbox: Outbox,
    pub(super) unread: Unread,
    pub(super) tally: Tally,
    /// What earlier ends left unconfirmed, and `close` came upon unread
    pub(super) untold: Unconfirmed,
    pub(super) span: tracing::Span,
    /// Asked to close
    pub(super) closing: Option<Farewell>,
    /// Whether a connection ever stood
    pub(super) established: bool,
    /// What the connections so far have learnt of the road from this address
    pub(super) road: RoadMemory,
    /// What is heard from outside
    pub(super) hints: Feed,
    /// Why there is no further event
    pub(super) outcome: Option<Cause>,
    /// Its application's, while that does nothing but send
    pub(super) turn: Turn,
}

impl<C: Connect, K: Timer> Driver<C, K> {
    pub(super) const fn connection(&self) -> Option<&Connection<C::Transport, K>> {
        match &self.state {
            State::Up(connection) => Some(connection),
            _ => None,
        }
    }
}

impl<C: Connect, K: Timer + Clone> Driver<C, K> {
    /// Takes a message into the queue, if it fits
    pub(super) fn offer(self: Pin<&mut Self>, message: Message) -> Result<(), SendError> {
        let this = self.project();
        if let Some(cause) = over(this.outcome.as_ref(), this.closing.is_some()) {
            return Err(SendError::Over { message, cause: Some(cause) });
        }
        this.outbox.push(message, &this.settings.queue)?;
        this.tally.accepted += 1;
        this.turn.note_sent();
        Ok(())
    }

    /// Takes a message into the queue, whose limit is not reached
    pub(crate) fn accept(self: Pin<&mut Self>, message: Message) {
        let this = self.project();
        this.outbox.push_over(message);
        this.tally.accepted += 1;
    }

    /// The next event
    pub(crate) fn poll_next(
        mut self: Pin<&mut Self>,
        wake: &mut Wake<'_, '_>,
    ) -> Poll<Option<Event>> {
        loop {
            if let Some(mut event) = self.as_mut().project().unread.pop() {
                if let Event::Closed(end) | Event::GaveUp(end) = &mut event {
                    let untold = core::mem::take(self.project().untold);
                    end.unconfirmed.prepend(untold);
                }
                return Poll::Ready(Some(event));
            }
            if self.outcome.is_some() {
                return Poll::Ready(None);
            }
            let span = self.span.clone();
            let _entered = span.enter();
            ready!(self.as_mut().poll_step(wake, true));
        }
    }

    /// Drives the client while nobody reads; ready once it is over, and its end waits to be read
    pub(crate) fn poll_unread(mut self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) -> Poll<()> {
        while self.outcome.is_none() {
            ready!(self.as_mut().poll_step_unread(wake));
        }
        Poll::Ready(())
    }

    /// A step while nobody reads: reads no second message ahead, and brings no further connection
    /// up once many messages wait
    pub(super) fn poll_step_unread(mut self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) -> Poll<()> {
        if self.is_stuck() {
            return Poll::Pending;
        }
        let span = self.span.clone();
        let _entered = span.enter();
        let reading = !self.unread.has_message();
        self.as_mut().poll_step(wake, reading)
    }

    /// One step: ready when something has happened or the state has changed
    fn poll_step(mut self: Pin<&mut Self>, wake: &mut Wake<'_, '_>, reading: bool) -> Poll<()> {
        self.as_mut().listen(wake);
        if self.closing.is_some() && !matches!(self.state, State::Up(_)) {
            self.end(Disconnected::new(Cause::ClosedByUs), wake);
            return Poll::Ready(());
        }
        let this = self.as_mut().project();
        match this.state.project() {
            StateProjection::Start => self.begin(None, wake),
            StateProjection::Waiting { until, after } => {
                let now = wake.now(this.timer);
                ready!(this.alarm.poll_due(wake.cx, this.timer, now, *until));
                let after = after.clone();
                self.begin(Some(after), wake);
            }
            StateProjection::Connecting { attempt, number, since, hint } => {
                let (number, since, hint) = (*number, *since, *hint);
                match attempt.poll(wake.cx) {
                    Poll::Ready(Ok(transport)) => self.connected(transport, number, since, wake),
                    Poll::Ready(Err(error)) => {
                        self.fail(Disconnected::new(C::classify(&error)), hint, wake);
                    }
                    Poll::Pending => {
                        let limit = this.settings.connect_timeout;
                        let now = wake.now(this.timer);
                        ready!(this.alarm.poll_due(wake.cx, this.timer, now, since + limit));
                        self.fail(Disconnected::new(Cause::TimedOut { limit }), hint, wake);
                    }
                }
            }
            StateProjection::Up(_) => return self.poll_up(wake, reading),
            StateProjection::Over => {}
        }
        Poll::Ready(())
    }

    /// Asks to close, once what whoever asks still has in front of the queue is taken, if there is
    /// time
    pub(crate) fn begin_close_after(self: Pin<&mut Self>, more: bool) {
        let farewell = || Farewell::from(CloseFrame::from(CloseCode::NORMAL));
        self.project().closing.get_or_insert_with(farewell).more = more;
    }

    /// Whether nothing moves before somebody reads
    pub(super) const fn is_stuck(&self) -> bool {
        let idle = matches!(self.state, State::Start | State::Waiting { .. });
        idle && self.unread.is_full() && self.closing.is_none()
    }

    /// Waits until `room` says that there is; ready too if none can be made
    pub(super) fn poll_room(
        mut self: Pin<&mut Self>,
        wake: &mut Wake<'_, '_>,
        room: impl Fn(&Self) -> bool,
    ) -> Poll<()> {
        loop {
            self.as_mut().pump(wake);
            if room(&self) || self.is_stuck() || self.outcome.is_some() {
                return Poll::Ready(());
            }
            ready!(self.as_mut().poll_step_unread(wake));
        }
    }

    /// Ready when the queue's limit is not reached, also while a close waits; never if it is over
    #[cfg(feature = "std")]
    pub(crate) fn poll_room_for_rest(
        mut self: Pin<&mut Self>,
        wake: &mut Wake<'_, '_>,
    ) -> Poll<()> {
        self.as_mut().pump(wake);
        let room = self.outcome.is_none() && self.outbox.has_room(&self.settings.queue);
        if room { Poll::Ready(()) } else { Poll::Pending }
    }

    /// After a message: on its way, if a connection stands; if none does, what is due is done, for
    /// the task may do nothing but send
    pub(super) fn keep_going(mut self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) {
        self.as_mut().listen(wake);
        self.as_mut().pump(wake);
        for _ in 0..STEPS_PER_MESSAGE {
            let open = self.connection().is_some_and(Connection::is_open);
            if open || self.outcome.is_some() || self.as_mut().poll_step_unread(wake).is_pending() {
                return;
            }
        }
    }

    /// Gives the connection what is queued, as far as it takes it, and asks it once to write
    pub(crate) fn pump(self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) {
        let this = self.project();
        let StateProjection::Up(connection) = this.state.project() else {
            return;
        };
        let mut wrote = false;
        // Errors are left to the connection's last event, which tells the whole.
        while !this.outbox.is_empty() {
            let Poll::Ready(Ok(())) = connection.driver().poll_room(wake) else {
                break;
            };
            let Some(message) = this.outbox.pop() else {
                break;
            };
            connection.driver().accept(message);
            wrote = true;
        }
        if wrote {
            let _ = connection.driver().poll_write(wake);
        }
    }

    /// Ready once the connection's transport has written all it was given
    pub(super) fn poll_written(self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) -> Poll<()> {
        match self.project().state.project() {
            // An error is the connection's last event.
            StateProjection::Up(connection) => connection.driver().poll_write(wake).map(drop),
            _ => Poll::Ready(()),
        }
    }

    fn push(self: Pin<&mut Self>, event: Event) {
        let this = self.project();
        this.unread.push(event, this.settings.connection.retain_bytes());
    }

    /// Hears what it was told from outside since it was last driven
    fn listen(mut self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) {
        while let Some(hint) = self.as_mut().project().hints.poll(wake.cx) {
            let now = wake.now(&self.timer);
            self.as_mut().hear(hint, now);
        }
    }

    /// Something happened outside
    pub(super) fn hear(self: Pin<&mut Self>, hint: Hint, now: Instant) {
        tracing::debug!(target: "everbeat", ?hint, "hint");
        let this = self.project();
        this.reconnect.note_hint(hint);
        match this.state.project() {
            StateProjection::Up(connection) => connection.driver().hear(hint),
            StateProjection::Waiting { until, .. } => {
                let sooner = this.reconnect.handle_hint(hint, now);
                *until = sooner.map_or(*until, |sooner| sooner.min(*until));
            }
            // What this attempt sent may have gone with the network: the next is not to wait long.
            StateProjection::Connecting { hint: newest, .. } if hint.hurries() => {
                *newest = Some(hint);
            }
            StateProjection::Start | StateProjection::Connecting { .. } | StateProjection::Over => {
            }
        }
    }

    fn begin(mut self: Pin<&mut Self>, after: Option<Cause>, wake: &mut Wake<'_, '_>) {
        let mut this = self.as_mut().project();
        let number = this.reconnect.attempt();
        tracing::debug!(target: "everbeat", attempt = number, "connecting");
        let attempt = this.connector.connect(Attempt { number, after });
        let since = wake.now(this.timer);
        this.state.set(State::Connecting { attempt, number, since, hint: None });
        self.push(Event::Connecting { attempt: number });
    }

    /// An attempt failed, during which it was told this
    fn fail(
        mut self: Pin<&mut Self>,
        end: Disconnected,
        hint: Option<Hint>,
        wake: &mut Wake<'_, '_>,
    ) {
        self.as_mut().end(end, wake);
        if let Some(hint) = hint {
            let now = wake.now(&self.timer);
            self.hear(hint, now);
        }
    }

    fn connected(
        mut self: Pin<&mut Self>,
        transport: C::Transport,
        attempt: u32,
        since: Instant,
        wake: &mut Wake<'_, '_>,
    ) {
        let mut this = self.as_mut().project();
        let now = wake.now(this.timer);
        let took = now.saturating_duration_since(since);
        this.reconnect.handle_connected(now);
        *this.established = true;
        tracing::info!(target: "everbeat", attempt, ?took, "connected");
        let (timer, config) = (this.timer.clone(), this.settings.connection.clone());
        let (beat, seed) = (this.settings.beat.clone(), this.seeds.u64(..));
        let mut connection = Connection::begin(transport, timer, config, beat, seed, now);
        this.road.leave_if_elsewhere(connection.transport().local_address());
        connection.driver().set_road_memory(this.road.millis);
        this.state.set(State::Up(connection));
        // For as long as the connection stands it has an alarm of its own.
        this.alarm.set(Alarm::new());
        self.push(Event::Connected { attempt, took });
    }

    fn poll_up(mut self: Pin<&mut Self>, wake: &mut Wake<'_, '_>, reading: bool) -> Poll<()> {
        self.as_mut().pump(wake);
        let this = self.as_mut().project();
        let StateProjection::Up(connection) = this.state.project() else {
            return Poll::Ready(());
        };
        if let Some(closing) = this.closing {
            let now = wake.now(this.timer);
            let deadline =
                *closing.since.get_or_insert(now) + this.settings.connection.close_timeout();
            let sent = this.outbox.is_empty() && !closing.more;
            if sent || this.alarm.poll_due(wake.cx, this.timer, now, deadline).is_ready() {
                connection.driver().begin_close(closing.frame.clone());
            }
        }
        if !reading {
            // Once it is over, what it read ahead and its end are taken from it.
            ready!(connection.driver().poll_unread(wake));
        }
        match ready!(connection.driver().poll_next(wake)) {
            Some(Event::Disconnected(end)) => {
                this.road.millis = connection.road_memory();
                this.tally.delivered += connection.delivered();
                this.tally.unconfirmed += end.unconfirmed.count;
                self.end(*end, wake);
            }
            Some(event) => self.push(event),
            None => self.end(Disconnected::new(Cause::ClosedByUs), wake),
        }
        Poll::Ready(())
    }

    /// A connection ended or an attempt failed: again, or no more
    fn end(mut self: Pin<&mut Self>, mut end: Disconnected, wake: &mut Wake<'_, '_>) {
        let mut this = self.as_mut().project();
        let now = wake.now(this.timer);
        let verdict = match &this.settings.verdict {
            Some(decide) => decide(&end.cause),
            None => end.cause.default_verdict(),
        };
        let may_retry = this.closing.is_none() && (*this.established || this.settings.retry_first);
        let last = match this.reconnect.handle_end(&end.cause, verdict, now) {
            Decision::RetryAt(until) if may_retry => {
                end.retry_in = Some(until.saturating_duration_since(now));
                tracing::info!(target: "everbeat", %end, "disconnected");
                let after = end.cause.clone();
                this.state.set(State::Waiting { until, after });
                Event::Disconnected(Box::new(end))
            }
            _ => {
                end.unsent = this.outbox.drain();
                this.tally.unsent += end.unsent.len() as u64;
                tracing::info!(target: "everbeat", %end, "over");
                *this.outcome = Some(end.cause.clone());
                this.state.set(State::Over);
                let closed = match &end.cause {
                    Cause::ClosedByUs => true,
                    Cause::Closed { code, .. } => *code == CloseCode::NORMAL,
                    _ => this.closing.is_some(),
                };
                let end = Box::new(end);
                if closed { Event::Closed(end) } else { Event::GaveUp(end) }
            }
        };
        self.push(last);
    }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_road_is_remembered_by_the_address_that_it_begins_at() {
        let home = Some(IpAddr::from(Ipv4Addr::new(192, 0, 2, 1)));
        let train = Some(IpAddr::from(Ipv4Addr::new(198, 51, 100, 1)));
        let mut road = RoadMemory { from: home, millis: 7_000 };
        road.leave_if_elsewhere(home);
        assert_eq!(road.millis, 7_000);
        road.leave_if_elsewhere(train);
        assert_eq!((road.from, road.millis), (train, 0));
    }
}
