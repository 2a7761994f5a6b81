//! The driver of a client: waits, connects, feeds the connection from the queue, and decides what
//! an end means. One step at a time, and with each step happens what is one event.

use core::future::Future;
use core::task::{Poll, ready};

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::backlog::Backlog;
use super::ending::{Ending, Farewell};
use super::road::RoadMemory;
use super::settings::{Custom, Settings, Shared};
use super::state::State;
use crate::cause::{Cause, CloseCode, CloseFrame};
use crate::connection::Connection;
use crate::event::Event;
use crate::hint::Hint;
use crate::outcome::{Disconnected, Tally};
use crate::reconnect::{Decision, Endpoints, Reconnect};
use crate::time::{Instant, Timer, Wake};
use crate::transport::{Attempt, Connect, Transport};
use crate::turn::Turn;

/// One client; [`Client`](super::Client) is a pointer to it
///
/// Most of its life a connection stands and nothing happens: what only the way there needs, or few
/// clients have, or only for a while, is behind a pointer that is null by then.
pub(crate) struct Driver<C: Connect, K: Timer> {
    pub(super) connector: C,
    pub(super) timer: K,
    /// Whether and when to try again, and the settings, which are its own too
    pub(super) reconnect: Reconnect<Shared>,
    /// What few clients have
    pub(super) custom: Option<Box<Custom>>,
    pub(super) seeds: fastrand::Rng,
    pub(super) state: State<C, K>,
    /// What waits to be sent or read
    pub(super) backlog: Backlog,
    /// What there is of it once it is to close
    pub(super) ending: Option<Box<Ending<K::Sleep>>>,
    pub(super) counts: Counts,
    /// What the connections so far have learnt of the road from this address
    pub(super) road: RoadMemory,
    /// Whether a connection ever stood
    pub(super) established: bool,
    /// Its application's, while that does nothing but send
    pub(super) turn: Turn,
}

/// How many messages met which fate, without those whose fate the present connection knows
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) accepted: u64,
    delivered: u64,
    unconfirmed: u64,
}

impl<C: Connect, K: Timer> Driver<C, K> {
    pub(super) const fn connection(&self) -> Option<&Connection<C::Transport, K>> {
        match &self.state {
            State::Up(connection) => Some(connection),
            _ => None,
        }
    }

    pub(super) fn settings(&self) -> &Settings {
        self.reconnect.source().get()
    }

    pub(super) fn tally(&self) -> Tally {
        let Counts { accepted, delivered, unconfirmed } = self.counts;
        let delivered = delivered + self.connection().map_or(0, Connection::delivered);
        let unsent = self.ending.as_ref().map_or(0, |ending| ending.unsent);
        let pending = accepted - delivered - unsent - unconfirmed;
        Tally { accepted, delivered, unsent, unconfirmed, pending }
    }

    /// Why there is no further event
    pub(super) fn outcome(&self) -> Option<&Cause> {
        self.ending.as_ref()?.outcome.as_ref()
    }

    /// Asked to close
    pub(super) fn is_closing(&self) -> bool {
        self.ending.as_ref().is_some_and(|ending| ending.farewell.is_some())
    }

    /// Whether nothing moves before somebody reads
    pub(super) fn is_stuck(&self) -> bool {
        self.state.is_idle() && self.backlog.is_full() && !self.is_closing()
    }

    /// The health of its endpoints, if it has several
    fn endpoints(&mut self) -> Option<&mut Endpoints> {
        self.custom.as_mut()?.endpoints.as_mut()
    }

    /// What its log lines are told by
    pub(super) fn span(&self) -> Option<Arc<tracing::Span>> {
        self.custom.as_ref()?.span.clone()
    }
}

impl<C: Connect, K: Timer + Clone> Driver<C, K> {
    /// The next event
    pub(crate) fn poll_next(&mut self, wake: &mut Wake<'_, '_>) -> Poll<Option<Event>> {
        let event = match self.backlog.next_unread() {
            Some(event) => Some(event),
            None => {
                let span = self.span();
                let _entered = span.as_deref().map(tracing::Span::enter);
                match self.poll_step(wake, true) {
                    Poll::Ready(event) => event,
                    Poll::Pending => {
                        self.backlog.rest();
                        return Poll::Pending;
                    }
                }
            }
        };
        Poll::Ready(event.map(|mut event| {
            if let (Event::Closed(end) | Event::GaveUp(end), Some(ending)) =
                (&mut event, &mut self.ending)
            {
                end.unconfirmed.prepend(core::mem::take(&mut ending.untold));
            }
            event
        }))
    }

    /// Drives the client while nobody reads; ready once it is over, and its end waits to be read
    pub(crate) fn poll_unread(&mut self, wake: &mut Wake<'_, '_>) -> Poll<()> {
        while !self.state.is_over() {
            ready!(self.poll_step_unread(wake));
        }
        Poll::Ready(())
    }

    /// A step while nobody reads: reads no second message ahead, and brings no further connection
    /// up once many messages wait
    pub(super) fn poll_step_unread(&mut self, wake: &mut Wake<'_, '_>) -> Poll<()> {
        if self.is_stuck() {
            return Poll::Pending;
        }
        let span = self.span();
        let _entered = span.as_deref().map(tracing::Span::enter);
        let reading = !self.backlog.has_message();
        if let Some(event) = ready!(self.poll_step(wake, reading)) {
            let retain_bytes = self.settings().connection.retain_bytes();
            self.backlog.stash(event, retain_bytes);
        }
        Poll::Ready(())
    }

    /// One step, with what has happened; `None` once it is over
    fn poll_step(&mut self, wake: &mut Wake<'_, '_>, reading: bool) -> Poll<Option<Event>> {
        self.listen(wake);
        let closing = self.is_closing();
        Poll::Ready(Some(match &mut self.state {
            State::Over => return Poll::Ready(None),
            State::Up(_) => return self.poll_up(wake, reading),
            _ if closing => self.end(Disconnected::new(Cause::ClosedByUs), wake),
            State::Start => self.begin(None, wake),
            State::Waiting(waiting) => {
                let waiting = waiting.as_mut().project();
                let now = wake.now(&self.timer);
                ready!(waiting.alarm.poll_due(wake.cx, &self.timer, now, *waiting.until));
                let after = waiting.after.clone();
                self.begin(Some(after), wake)
            }
            State::Connecting(connecting) => {
                let connecting = connecting.as_mut().project();
                let (number, since, hint) =
                    (*connecting.number, *connecting.since, *connecting.hint);
                match connecting.attempt.poll(wake.cx) {
                    Poll::Ready(Ok(transport)) => self.connected(transport, number, since, wake),
                    Poll::Ready(Err(error)) => self.fail(C::classify(&error), hint, wake),
                    Poll::Pending => {
                        let limit = self.reconnect.source().get().connect_timeout;
                        let now = wake.now(&self.timer);
                        let deadline = since + limit;
                        ready!(connecting.alarm.poll_due(wake.cx, &self.timer, now, deadline));
                        self.fail(Cause::TimedOut { limit }, hint, wake)
                    }
                }
            }
        }))
    }

    /// Asks to close, once what whoever asks still has in front of the queue is taken, if there is
    /// time
    pub(crate) fn begin_close_after(&mut self, more: bool) {
        self.farewell(|| CloseCode::NORMAL.into()).more = more;
    }

    /// How it closes: as whoever first asked for it said
    pub(super) fn farewell(
        &mut self,
        frame: impl FnOnce() -> CloseFrame,
    ) -> &mut Farewell<K::Sleep> {
        Ending::of(&mut self.ending).farewell.get_or_insert_with(|| Farewell::new(frame()))
    }

    /// Hears what it was told from outside since it was last driven
    pub(super) fn listen(&mut self, wake: &mut Wake<'_, '_>) {
        while let Some(hint) = self.custom.as_mut().and_then(|it| it.hints.as_mut()?.poll(wake.cx))
        {
            let now = wake.now(&self.timer);
            self.hear(hint, now);
        }
    }

    /// Something happened outside
    pub(super) fn hear(&mut self, hint: Hint, now: Instant) {
        tracing::debug!(target: "everbeat", ?hint, "hint");
        self.reconnect.note_hint(hint);
        if hint.is_of_the_network() {
            if let Some(endpoints) = self.endpoints() {
                endpoints.handle_moved();
            }
        }
        match &mut self.state {
            State::Up(connection) => connection.driver().hear(hint),
            State::Waiting(waiting) => {
                let until = waiting.as_mut().project().until;
                let sooner = self.reconnect.handle_hint(hint, now);
                *until = sooner.map_or(*until, |sooner| sooner.min(*until));
            }
            // What this attempt sent may have gone with the network: the next is not to wait long.
            State::Connecting(connecting) if hint.hurries() => {
                *connecting.as_mut().project().hint = Some(hint);
            }
            State::Start | State::Connecting(_) | State::Over => {}
        }
    }

    fn begin(&mut self, after: Option<Cause>, wake: &mut Wake<'_, '_>) -> Event {
        let attempt = self.reconnect.attempt();
        let now = wake.now(&self.timer);
        let endpoint = self.endpoints().map_or(0, |endpoints| endpoints.choose(now));
        tracing::debug!(target: "everbeat", attempt, endpoint, "connecting");
        let future = self.connector.connect(Attempt { number: attempt, after, endpoint });
        self.state = State::connecting(future, attempt, now);
        Event::Connecting { attempt, endpoint }
    }

    /// An attempt failed, during which it was told this
    fn fail(&mut self, cause: Cause, hint: Option<Hint>, wake: &mut Wake<'_, '_>) -> Event {
        let event = self.end(Disconnected::new(cause), wake);
        if let Some(hint) = hint {
            let now = wake.now(&self.timer);
            self.hear(hint, now);
        }
        event
    }

    fn connected(
        &mut self,
        transport: C::Transport,
        attempt: u32,
        since: Instant,
        wake: &mut Wake<'_, '_>,
    ) -> Event {
        let now = wake.now(&self.timer);
        let took = now.saturating_duration_since(since);
        self.reconnect.handle_connected(now);
        self.established = true;
        let endpoint = self.endpoints().map_or(0, |endpoints| {
            endpoints.handle_connected(now);
            endpoints.present()
        });
        tracing::info!(target: "everbeat", attempt, endpoint, ?took, "connected");
        let (timer, config) = (self.timer.clone(), self.settings().connection.clone());
        let beat = self.custom.as_ref().and_then(|custom| custom.beat.clone());
        let seed = self.seeds.u64(..);
        let mut connection = Connection::begin(transport, timer, config, beat, seed, now);
        self.road.leave_if_elsewhere(connection.transport().local_address());
        connection.driver().set_road_memory(self.road.millis);
        self.state = State::Up(connection);
        Event::Connected { attempt, endpoint, took }
    }

    fn poll_up(&mut self, wake: &mut Wake<'_, '_>, reading: bool) -> Poll<Option<Event>> {
        self.pump(wake);
        let settings = self.reconnect.source().get();
        let State::Up(connection) = &mut self.state else {
            return Poll::Ready(None);
        };
        if let Some(farewell) = self.ending.as_mut().and_then(|it| it.farewell.as_mut()) {
            let sent = !self.backlog.has_outgoing() && !farewell.more;
            let limit = settings.connection.close_timeout();
            if sent || farewell.poll_time_is_up(wake, &self.timer, limit).is_ready() {
                connection.driver().begin_close(farewell.frame.clone());
            }
        }
        if !reading {
            // Once it is over, what it read ahead and its end are taken from it.
            ready!(connection.driver().poll_unread(wake));
        }
        Poll::Ready(Some(match ready!(connection.driver().poll_next(wake)) {
            Some(Event::Disconnected(end)) => {
                self.road.millis = connection.road_memory();
                self.counts.delivered += connection.delivered();
                self.counts.unconfirmed += end.unconfirmed.count;
                self.end(*end, wake)
            }
            Some(event) => event,
            None => self.end(Disconnected::new(Cause::ClosedByUs), wake),
        }))
    }

    /// A connection ended or an attempt failed: again, or no more
    fn end(&mut self, mut end: Disconnected, wake: &mut Wake<'_, '_>) -> Event {
        let now = wake.now(&self.timer);
        let mut verdict = match self.custom.as_ref().and_then(|it| it.verdict.as_ref()) {
            Some(decide) => decide(&end.cause),
            None => end.cause.default_verdict(),
        };
        let closing = self.is_closing();
        let mut may_retry = self.established || self.settings().retry_first;
        let mut earliest = now;
        let backoff = self.settings().backoff;
        if let Some(endpoints) = self.endpoints() {
            end.endpoint = endpoints.present();
            let next = endpoints.handle_end(verdict, backoff.healthy_after(), backoff.first(), now);
            (verdict, earliest) = (next.retry, now + next.spread);
            may_retry |= endpoints.has_untried();
        }
        match self.reconnect.handle_end(&end.cause, verdict, now) {
            Decision::RetryAt(until) if may_retry && !closing => {
                let until = until.max(earliest);
                end.retry_in = Some(until.saturating_duration_since(now));
                tracing::info!(target: "everbeat", %end, "disconnected");
                self.state = State::waiting(until, end.cause.clone());
                Event::Disconnected(Box::new(end))
            }
            _ => {
                end.unsent = self.backlog.take_outgoing();
                tracing::info!(target: "everbeat", %end, "over");
                let ending = Ending::of(&mut self.ending);
                ending.unsent += end.unsent.len() as u64;
                ending.outcome = Some(end.cause.clone());
                self.state = State::Over;
                let closed = match &end.cause {
                    Cause::ClosedByUs => true,
                    Cause::Closed { code, .. } => *code == CloseCode::NORMAL,
                    _ => closing,
                };
                let end = Box::new(end);
                if closed { Event::Closed(end) } else { Event::GaveUp(end) }
            }
        }
    }
}

/// Of a client that waits this is nearly all that is not its connection's: what is not the connector's
/// or the timer's, and beside the state, in bytes
#[cfg(target_pointer_width = "64")]
#[test]
fn a_client_is_small() {
    let policy = size_of::<Reconnect<Shared>>() + size_of::<fastrand::Rng>();
    let pointers = size_of::<(Option<Box<Custom>>, Backlog, Option<Box<Ending<()>>>)>();
    let account = size_of::<Counts>() + size_of::<RoadMemory>() + size_of::<(bool, Turn)>();
    assert!(policy <= 72 && pointers == 24 && account <= 50, "{policy}, {pointers}, {account}");
}
