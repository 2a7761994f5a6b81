//! The driver of an open connection: flush, read, then look at the clock once and let the policies
//! speak. The order is the point: an answer that waits in the socket is read before it is missed.

use core::pin::Pin;
use core::task::Poll;
use core::time::Duration;

use alloc::boxed::Box;
use alloc::format;

use super::driver::{Driver, SinceClock};
use super::unusual::{Ending, Unusual};
use crate::cause::{Cause, CloseCode, Cut, Evidence, Expired, Verdict};
use crate::config::PingLimit;
use crate::event::Event;
use crate::heartbeat::{Answer, Beat, Millis};
use crate::message::Incoming;
use crate::outcome::Disconnected;
use crate::time::{Instant, Timer, Wake};
use crate::transport::Transport;

/// Frames read before the task yields, and messages handed up before the clock is read even though
/// more are waiting: a peer that floods starves neither its neighbours nor its own heartbeat
pub(super) const FRAMES_PER_POLL: u8 = 64;

/// From how long on it is told that we did not run, or slept: timers are coarse, a busy task is not a
/// stalled one, and two clocks that are read one after the other differ
const STALL: Duration = Duration::from_secs(1);

/// How long after a beat that was asked for the next such goes out: an application may be told of
/// every change of its network, and the peer counts our Pings
const PROBE_PAUSE: Duration = Duration::from_secs(1);

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

impl<T: Transport, K: Timer> Driver<T, K> {
    /// One round of an open connection; `None` if the phase has changed
    pub(super) fn poll_open(
        mut self: Pin<&mut Self>,
        wake: &mut Wake<'_, '_>,
    ) -> Poll<Option<Event>> {
        if !self.has_failed_to_write() {
            if let Err(cause) = self.as_mut().flush(wake) {
                // What the peer said before it went away is read first.
                Unusual::of(self.as_mut().project().unusual).write_failed = Some(cause);
            }
        }
        match self.as_mut().read(wake) {
            Read::Event(event) => Poll::Ready(Some(event)),
            Read::Turned => {
                self.tell_stall(wake);
                Poll::Ready(None)
            }
            Read::Drained => {
                let unusual = self.as_mut().project().unusual.as_mut();
                match unusual.and_then(|unusual| unusual.write_failed.take()) {
                    Some(cause) => {
                        self.as_mut().fail(cause);
                        self.tell_stall(wake);
                        Poll::Ready(None)
                    }
                    None => self.poll_time(wake),
                }
            }
            Read::Yield => {
                wake.cx.waker().wake_by_ref();
                if self.has_failed_to_write() {
                    self.project().since_clock.frames = 0;
                    return Poll::Pending;
                }
                // What was not read yet may be the answer: beat, but do not judge.
                if !self.pace.heartbeat().is_some_and(|heartbeat| heartbeat.is_judging()) {
                    return self.poll_time(wake);
                }
                self.as_mut().project().since_clock.frames = 0;
                let now = wake.now(&self.timer);
                self.settle(now).map_or(Poll::Pending, |event| Poll::Ready(Some(event)))
            }
        }
    }

    fn has_failed_to_write(&self) -> bool {
        self.unusual.as_ref().is_some_and(|unusual| unusual.write_failed.is_some())
    }

    #[inline]
    pub(super) fn flush(mut self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) -> Result<(), Cause> {
        if !self.since_clock.unflushed {
            return Ok(());
        }
        match self.as_mut().poll_flush_all(wake.cx) {
            Poll::Ready(Ok(())) => self.project().since_clock.note_flushed(),
            Poll::Ready(Err(error)) => return Err(T::classify(&error)),
            Poll::Pending => {}
        }
        Ok(())
    }

    pub(super) fn read(mut self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) -> Read {
        for _ in 0..FRAMES_PER_POLL {
            let mut this = self.as_mut().project();
            if this.since_clock.frames >= FRAMES_PER_POLL {
                return Read::Yield;
            }
            let incoming = match this.transport.as_mut().poll_recv(wake.cx) {
                Poll::Pending => {
                    this.since_clock.drained = true;
                    return Read::Drained;
                }
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
            if self.has_own_beat() && self.is_answer(&incoming) {
                if let Some(event) = self.as_mut().handle_answer(None, wake) {
                    return Read::Event(event);
                }
                continue;
            }
            let this = self.as_mut().project();
            match incoming {
                Incoming::Message(message) => {
                    this.since_clock.heard_message = true;
                    return Read::Event(Event::Message(message));
                }
                Incoming::Ping(_) => {
                    this.since_clock.unflushed = true;
                    let limit = this.pace.config().ping_limit();
                    if this.pings.handle_ping(limit, wake.now(this.timer)) {
                        self.fail(flood(limit));
                        return Read::Turned;
                    }
                }
                Incoming::Pong(payload) => {
                    if let Some(event) = self.as_mut().handle_answer(Some(&payload), wake) {
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

    /// A Pong with this payload, or the answer to a beat of one's own
    fn handle_answer(
        mut self: Pin<&mut Self>,
        pong: Option<&[u8]>,
        wake: &mut Wake<'_, '_>,
    ) -> Option<Event> {
        let now = wake.now(&self.timer);
        let alive = self.as_mut().settle(now);
        let this = self.project();
        let heartbeat = this.pace.heartbeat_mut()?;
        let answer = match pong {
            Some(payload) => heartbeat.handle_pong(payload, now),
            None => heartbeat.handle_answer(now),
        };
        if let Some(Answer { round_trip, mark }) = answer {
            wake.answered = true;
            this.ledger.prove(mark, this.transport.sent_aside());
            this.transport.noted(now, heartbeat.round_trip());
            tracing::trace!(target: "everbeat", ?round_trip, mark, "answered");
        }
        alive
    }

    /// Turns what happened since the last look at the clock into instants
    #[inline]
    pub(super) fn settle(mut self: Pin<&mut Self>, now: Instant) -> Option<Event> {
        self.as_mut().note_late(now);
        let this = self.project();
        let since = core::mem::take(this.since_clock);
        let (received, sent) = (this.transport.received() as u32, this.transport.sent());
        let heard = core::mem::replace(this.received, received) != received;
        *this.since_clock = SinceClock {
            unflushed: since.unflushed,
            frames: since.frames,
            ..SinceClock::default()
        };
        if since.drained {
            this.pings.handle_drained(this.pace.config().ping_limit(), now);
        }
        if let Some(unusual) = this.unusual {
            unusual.note_message(
                since.wrote || since.heard_message,
                this.transport.sent_aside(),
                now,
            );
        }
        let progress = this.pace.heartbeat().is_some_and(|heartbeat| sent != heartbeat.sent());
        if !(heard || since.heard_message || since.wrote || since.flushed || progress) {
            return None;
        }
        this.transport.noted(now, None);
        let heartbeat = this.pace.heartbeat_mut()?;
        if since.wrote {
            heartbeat.handle_write(now);
        }
        if since.unproven {
            heartbeat.handle_unproven(now);
        }
        if since.flushed && !since.unflushed {
            heartbeat.handle_flushed(sent, now);
        } else if progress {
            heartbeat.handle_progress(sent, now);
        }
        if since.heard_message {
            heartbeat.handle_talk(now);
        }
        if heard && heartbeat.handle_heard(now) {
            tracing::debug!(target: "everbeat", "alive");
            return Some(Event::Alive);
        }
        None
    }

    /// Whether we are late for what is due now, before what is heard moves it: the alarm is never armed
    /// for later than that
    #[inline]
    fn note_late(self: Pin<&mut Self>, now: Instant) {
        if self.alarm.lateness(now) >= STALL {
            self.measure_late(now);
        }
    }

    #[cold]
    fn measure_late(self: Pin<&mut Self>, now: Instant) {
        let late = now.saturating_duration_since(self.beat_at());
        if late >= STALL {
            let told = Unusual::of(self.project().unusual);
            told.late = told.late.max(late);
        }
    }

    /// Reads the clock, lets the policies speak, sets the alarm
    pub(super) fn poll_time(
        mut self: Pin<&mut Self>,
        wake: &mut Wake<'_, '_>,
    ) -> Poll<Option<Event>> {
        self.as_mut().project().since_clock.frames = 0;
        let now = wake.now(&self.timer);
        if let Some(event) = self.as_mut().settle(now) {
            return Poll::Ready(Some(event));
        }
        // For nearly every message nothing is due, and that is asked once.
        let mut beat_at = self.beat_at();
        let unusual = self.unusual.as_ref();
        if now >= beat_at || unusual.is_some_and(|unusual| unusual.is_due(now)) {
            if let Poll::Ready(end) = self.as_mut().poll_due(&mut beat_at, now, wake) {
                return Poll::Ready(end);
            }
        }
        if self.transport.unfinished() > 0 || self.is_unfinished() {
            self.as_mut().note_unfinished(now);
            if now >= self.unfinished_at() {
                self.fail(Cause::Expired(Expired::Unfinished));
                return Poll::Ready(None);
            }
        }
        if now >= self.idle_at() {
            self.fail(Cause::Expired(Expired::Idle));
            return Poll::Ready(None);
        }
        let mut deadline = beat_at.min(self.idle_at());
        if let Some(unusual) = &self.unusual {
            deadline = deadline.min(unusual.probe_at()).min(self.unfinished_at());
        }
        let mut this = self.project();
        if this.alarm.has_rung(now) {
            // Once a beat, and not with each message: what was used will be used again.
            this.ledger.shrink();
            *this.unusual = this.unusual.take().filter(|unusual| !unusual.is_over(now));
        }
        if wake.answered {
            // Once a beat, and not with each message: else it would ring for what is answered.
            this.alarm.as_mut().put_off(deadline);
        }
        if this.alarm.poll_due(wake.cx, this.timer, now, deadline).is_ready() {
            // All that was due has been done: a policy that wants more is asked after the others.
            wake.cx.waker().wake_by_ref();
        }
        this.turn.end();
        // Whether the kernel takes bytes is a fact that a judgement may rest on: it is the task's own.
        let asks = this.pace.heartbeat().is_some_and(|heartbeat| heartbeat.is_judging());
        if !asks && !this.since_clock.unflushed && this.pace.config().idle().is_none() {
            this.transport.lend();
        }
        Poll::Pending
    }

    /// Something is due, or asked for: sees whether we are late for it, then does it
    ///
    /// `beat_at` is when the heartbeat is due, and if this is pending when it is due next.
    #[cold]
    fn poll_due(
        mut self: Pin<&mut Self>,
        beat_at: &mut Instant,
        now: Instant,
        wake: &mut Wake<'_, '_>,
    ) -> Poll<Option<Event>> {
        let stall = self.as_mut().notice_stall(now);
        if stall.is_some() {
            *beat_at = self.beat_at();
        }
        let polled = if self.unusual.as_ref().is_some_and(|unusual| unusual.address_gone) {
            Poll::Ready(Some(self.as_mut().die(Verdict::Path, now)))
        } else {
            self.as_mut().poll_beat(beat_at, now, wake)
        };
        let Some(stall) = stall else {
            return polled;
        };
        // First what happened to us, then what came of it.
        let unusual = Unusual::of(self.project().unusual);
        unusual.stash(stall);
        match polled {
            Poll::Ready(Some(event)) => unusual.stash(event),
            Poll::Ready(None) | Poll::Pending => {}
        }
        Poll::Ready(None)
    }

    /// Does what the heartbeat has to do by now, or is asked for; pending if the connection is still
    /// open and there is nothing to tell
    fn poll_beat(
        mut self: Pin<&mut Self>,
        beat_at: &mut Instant,
        now: Instant,
        wake: &mut Wake<'_, '_>,
    ) -> Poll<Option<Event>> {
        let this = self.as_mut().project();
        if let Some(unusual) = this.unusual.as_mut().filter(|unusual| unusual.probe_at() <= now) {
            unusual.probe = false;
            unusual.probe_from = now + PROBE_PAUSE;
            let beat = this.pace.heartbeat_mut().map(|beat| beat.beat_now(now));
            if let Some(Err(cause)) = beat.map(|beat| self.as_mut().beat(beat, now, wake)) {
                self.fail(cause);
                return Poll::Ready(None);
            }
            *beat_at = self.beat_at();
        }
        while now >= *beat_at {
            let this = self.as_mut().project();
            let path = || this.transport.path();
            let Some(beat) = this.pace.heartbeat_mut().and_then(|it| it.handle_due(now, path))
            else {
                *beat_at = self.beat_at();
                break;
            };
            match beat {
                Beat::ReadFirst => {
                    // The reactor turns before the next look; what it finds is read before that.
                }
                Beat::Ping(_) | Beat::Own => {
                    if let Err(cause) = self.as_mut().beat(beat, now, wake) {
                        self.fail(cause);
                        return Poll::Ready(None);
                    }
                }
                Beat::Suspect => {
                    let evidence = self.evidence_at(now);
                    tracing::debug!(target: "everbeat", %evidence, "suspect");
                    let silent_for = evidence.silent_for;
                    let evidence = Box::new(evidence);
                    return Poll::Ready(Some(Event::Suspect { silent_for, evidence }));
                }
                Beat::Alive => {
                    tracing::debug!(target: "everbeat", "alive");
                    return Poll::Ready(Some(Event::Alive));
                }
                Beat::Dead(verdict) => {
                    return Poll::Ready(Some(self.die(verdict, now)));
                }
            }
            *beat_at = self.beat_at();
        }
        Poll::Pending
    }

    /// Something is due: are we late for it, and has the machine slept since the last time?
    fn notice_stall(self: Pin<&mut Self>, now: Instant) -> Option<Event> {
        let this = self.project();
        let unusual = this.unusual.as_mut();
        let late = unusual.map_or(Duration::ZERO, |unusual| core::mem::take(&mut unusual.late));
        let slept = Millis::of_total(this.timer.slept());
        let since = core::mem::replace(this.slept, slept).until(slept);
        let slept_for = if since >= STALL { since } else { Duration::ZERO };
        if late.is_zero() && slept_for.is_zero() {
            return None;
        }
        tracing::debug!(target: "everbeat", stalled_for = ?late, ?slept_for, "stalled");
        if let Some(heartbeat) = this.pace.heartbeat_mut().filter(|_| !slept_for.is_zero()) {
            heartbeat.handle_slept(slept_for, now);
        }
        Some(Event::Stalled { stalled_for: late, slept_for })
    }

    /// It ends; if that was while we did not run, what happened to us is told first
    #[cold]
    pub(super) fn tell_stall(mut self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) {
        let now = wake.now(&self.timer);
        self.as_mut().note_late(now);
        if let Some(stall) = self.as_mut().notice_stall(now) {
            Unusual::of(self.project().unusual).stash(stall);
        }
    }

    /// The peer is gone, and there is nobody to say Close to
    fn die(mut self: Pin<&mut Self>, verdict: Verdict, now: Instant) -> Event {
        let evidence = self.evidence_at(now);
        self.as_mut().project().transport.abort();
        let cause = Cause::Dead { verdict, evidence: Box::new(evidence) };
        self.finish(cause, evidence)
    }

    /// When the application has been idle for too long
    fn idle_at(&self) -> Instant {
        let last = self.unusual.as_ref().and_then(|unusual| unusual.last_message);
        let idle = self.pace.config().idle().zip(last);
        idle.map_or(Instant::NEVER, |(idle, (last, _))| last + idle)
    }

    /// Whether a message was begun and not ended when this was last looked at
    fn is_unfinished(&self) -> bool {
        self.unusual.as_ref().is_some_and(|unusual| unusual.unfinished.is_some())
    }

    /// When a message that was begun has made no progress for too long
    fn unfinished_at(&self) -> Instant {
        let last = self.unusual.as_ref().and_then(|unusual| unusual.unfinished);
        let limit = self.pace.config().unfinished().zip(last);
        limit.map_or(Instant::NEVER, |(limit, (_, last))| last + limit)
    }

    /// A message is not whole, or was not when this was last looked at
    ///
    /// While we did not run, our kernel may not have either: the peer has its time again.
    #[cold]
    fn note_unfinished(self: Pin<&mut Self>, now: Instant) {
        let stalled = self.alarm.lateness(now) >= STALL;
        let this = self.project();
        let bytes = this.transport.unfinished();
        let unusual = Unusual::of(this.unusual);
        unusual.unfinished = match unusual.unfinished {
            _ if bytes == 0 => None,
            Some((before, last)) if before == bytes && !stalled => Some((bytes, last)),
            _ => Some((bytes, now)),
        };
    }

    /// When the heartbeat has something to do, if nothing happens until then
    fn beat_at(&self) -> Instant {
        self.pace.heartbeat().map_or(Instant::NEVER, |heartbeat| heartbeat.poll_timeout())
    }

    /// Ends the ledger and the connection; the transport is done for
    pub(super) fn finish(mut self: Pin<&mut Self>, cause: Cause, evidence: Evidence) -> Event {
        let this = self.as_mut().project();
        let unconfirmed = this.ledger.close(this.transport.sent_aside());
        tracing::debug!(
            target: "everbeat", %cause, %evidence, unconfirmed = unconfirmed.count, "disconnected"
        );
        this.transport.ended(&cause);
        Unusual::of(this.unusual).ending = Some(Ending::Over(cause.clone()));
        Event::from(Disconnected { evidence, unconfirmed, ..Disconnected::new(cause) })
    }
}

/// The peer sent more Pings than it may
fn flood(limit: PingLimit) -> Cause {
    let (burst, per_second) = (limit.burst(), limit.per_second());
    let detail =
        format!("more Pings than {burst} at once and {per_second} a second (`ping_limit`)");
    Cause::Violation { code: CloseCode::POLICY, detail: detail.into() }
}
