//! The end of a connection: what was sent is confirmed if it can be, Close is said and answered
//! (RFC 6455, section 7.1), and a deadline stands over all of it.

use core::pin::Pin;
use core::task::Poll;

use super::driver::Driver;
use super::open::Read;
use super::unusual::{Ending, Unusual};
use crate::cause::{Cause, CloseFrame, Cut};
use crate::event::Event;
use crate::message::Outgoing;
use crate::time::{Instant, Timer, Wake};
use crate::transport::Transport;

/// A connection on its way out
#[derive(Debug)]
pub(super) struct Closing {
    cause: Cause,
    /// What our Close will say, until it is said
    farewell: Option<CloseFrame>,
    step: Step,
    /// Whether whoever closes has more to send first
    more: bool,
    /// Whether an order to close came in between
    ordered: bool,
    /// When it began; `None` until the clock is next read
    since: Option<Instant>,
}

/// How far the farewell has come
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// A Ping, or a beat of one's own, is to vouch for the messages sent
    Confirming,
    /// It is on its way; Close follows its answer
    Confirmed,
    /// Our Close is on its way, the peer's is awaited
    Awaiting,
    /// Nothing more is read; the socket is being closed in order
    Leaving,
}

impl Closing {
    pub(super) const fn cause(&self) -> &Cause {
        &self.cause
    }
}

impl<T: Transport, K: Timer> Driver<T, K> {
    fn closing_mut(self: Pin<&mut Self>) -> Option<&mut Closing> {
        self.project().unusual.as_mut()?.closing_mut()
    }

    /// We close: first what was sent is confirmed, if somebody keeps count of it
    pub(crate) fn begin_close(self: Pin<&mut Self>, frame: CloseFrame) {
        if self.is_open() {
            self.enter(Cause::ClosedByUs, Step::Confirming, Some(frame));
        }
    }

    /// We close, but for as long as there is time what waits in front of us goes first:
    /// [`poll_room_for_rest`](Self::poll_room_for_rest) says when
    #[cfg(feature = "std")]
    pub(crate) fn begin_close_after(mut self: Pin<&mut Self>, more: bool) {
        self.as_mut().begin_close(crate::cause::CloseCode::NORMAL.into());
        if let Some(closing) = self.closing_mut() {
            closing.more = more;
        }
    }

    /// Ready when a message would be taken, also while a close waits for it; never if it ends
    #[cfg(feature = "std")]
    pub(crate) fn poll_room_for_rest(
        mut self: Pin<&mut Self>,
        wake: &mut Wake<'_, '_>,
    ) -> Poll<()> {
        let room = match self.closing() {
            _ if self.is_open() => self.poll_room(wake).map_err(drop),
            Some(Closing { step: Step::Confirming, more: true, .. }) => {
                self.as_mut().poll_transport_room(wake.cx).map_err(drop)
            }
            _ => Poll::Pending,
        };
        match room {
            Poll::Ready(Ok(())) => Poll::Ready(()),
            // The end is the last event.
            Poll::Ready(Err(())) | Poll::Pending => Poll::Pending,
        }
    }

    /// The peer closed; the transport has queued the reply
    pub(super) fn closed_by_peer(self: Pin<&mut Self>, cause: Cause) {
        self.enter(cause, Step::Leaving, None);
    }

    /// The connection cannot go on: the peer is told why, if there is a peer to tell
    pub(super) fn fail(mut self: Pin<&mut Self>, cause: Cause) {
        let words = self.as_mut().project().transport.farewell();
        match (cause.farewell().map(|own| words.unwrap_or(own)), &cause) {
            // After a violation nothing the peer says can be trusted (RFC 6455, section 7.1.7).
            (Some(frame), Cause::Violation { .. }) => self.as_mut().say_close(frame),
            // What was sent goes first, and what handles sent.
            (Some(frame), _) => return self.enter(cause, Step::Confirming, Some(frame)),
            (None, Cause::Cut { how: Cut::End, .. }) => {}
            (None, _) => self.as_mut().project().transport.abort(),
        }
        self.enter(cause, Step::Leaving, None);
    }

    fn enter(mut self: Pin<&mut Self>, cause: Cause, step: Step, farewell: Option<CloseFrame>) {
        // What others than the connection sent, only the transport knows of: it is flushed as well.
        self.as_mut().project().since_clock.unflushed = true;
        let (more, ordered, since) = (false, false, None);
        let closing = Closing { cause, farewell, step, more, ordered, since };
        Unusual::of(self.project().unusual).ending = Some(Ending::Closing(closing));
    }

    fn say_close(mut self: Pin<&mut Self>, frame: CloseFrame) {
        if let Some(own) = self.as_mut().own() {
            own.forget();
        }
        let this = self.project();
        this.since_clock.unflushed = true;
        // An error means that the socket is gone, which closing it will say again.
        let _ = this.transport.start_send(Outgoing::Close(Some(frame)));
    }

    /// One round of a closing connection; `None` if the phase or the step has changed
    pub(super) fn poll_closing(
        mut self: Pin<&mut Self>,
        wake: &mut Wake<'_, '_>,
    ) -> Poll<Option<Event>> {
        let Some(closing) = self.closing() else {
            return Poll::Ready(None);
        };
        let more = closing.more;
        match closing.step {
            Step::Confirming => {
                if let Err(cause) = self.as_mut().flush(wake) {
                    self.give_up_writing(&cause);
                } else if more || self.since_clock.unflushed {
                    // A Ping would overtake what is not flushed, and prove too little.
                    return self.poll_last_words(wake);
                } else {
                    let asked = self.as_mut().ask_for_proof(wake);
                    self.step_to(if asked { Step::Confirmed } else { Step::Awaiting });
                }
                Poll::Ready(None)
            }
            Step::Confirmed | Step::Awaiting => {
                if let Err(cause) = self.as_mut().flush(wake) {
                    self.give_up_writing(&cause);
                    return Poll::Ready(None);
                }
                self.poll_last_words(wake)
            }
            Step::Leaving => match self.as_mut().project().transport.poll_close(wake.cx) {
                // An error while leaving changes nothing: the socket is closed either way.
                Poll::Ready(_) => Poll::Ready(Some(self.over(wake))),
                Poll::Pending => self.poll_deadline(wake),
            },
        }
    }

    /// A write failed: the socket's error leaves nothing to be said, an order of the server's own
    /// only asks for what is being done already
    fn give_up_writing(mut self: Pin<&mut Self>, cause: &Cause) {
        let ordered = matches!(cause, Cause::Expired(_) | Cause::ClosedByUs);
        match self.as_mut().closing_mut() {
            Some(closing) if ordered && !closing.ordered => closing.ordered = true,
            _ => self.step_to(Step::Leaving),
        }
    }

    /// Sends the beat that vouches for the messages sent; whether there is anything to prove
    fn ask_for_proof(mut self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) -> bool {
        if self.pace.config().retain_bytes() == 0 || self.is_proven() {
            return false;
        }
        let now = wake.now(&self.timer);
        let this = self.as_mut().project();
        let Some(heartbeat) = this.pace.heartbeat_mut() else {
            return false;
        };
        let beat = heartbeat.beat_now(now);
        self.beat(beat, now, wake).is_ok()
    }

    /// Hands up what still comes in, until the peer has answered
    fn poll_last_words(mut self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) -> Poll<Option<Event>> {
        let Some(closing) = self.closing() else {
            return Poll::Ready(None);
        };
        let proving = closing.step == Step::Confirmed;
        let heard = !closing.cause.silences();
        // Before each message: who goes on saying something, and who takes long over it, is not
        // waited for either
        if let Some(ended) = self.as_mut().end_if_late(wake) {
            return Poll::Ready(ended);
        }
        match self.as_mut().read_while_closing(wake) {
            Read::Event(Event::Message(_)) if !heard => return Poll::Ready(None),
            Read::Event(event) => return Poll::Ready(Some(event)),
            Read::Turned => return Poll::Ready(None),
            Read::Drained | Read::Yield if proving && self.is_proven() => {
                self.step_to(Step::Awaiting);
                return Poll::Ready(None);
            }
            Read::Drained => {}
            Read::Yield => wake.cx.waker().wake_by_ref(),
        }
        self.poll_deadline(wake)
    }

    /// Reads as ever, but the peer's Close or end no longer is the cause: we closed first
    fn read_while_closing(mut self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) -> Read {
        let ending = self.as_mut().project().unusual.as_mut().and_then(|it| it.ending.take());
        let Some(Ending::Closing(mut ours)) = ending else {
            return Read::Turned;
        };
        let read = self.as_mut().read(wake);
        // Whatever ends it, we closed first, so the cause stays. Anything else that came in between is
        // an order to do what is being done already.
        let leaving = self.closing().is_some_and(|closing| closing.step == Step::Leaving);
        ours.step = if leaving { Step::Leaving } else { ours.step };
        Unusual::of(self.project().unusual).ending = Some(Ending::Closing(ours));
        read
    }

    fn is_proven(&self) -> bool {
        self.ledger.is_proven(self.transport.sent_aside())
    }

    /// Goes on to `step`; on the way to `Awaiting`, Close is said
    fn step_to(mut self: Pin<&mut Self>, step: Step) {
        let Some(closing) = self.as_mut().closing_mut() else {
            return;
        };
        closing.step = step;
        if step == Step::Awaiting {
            if let Some(frame) = closing.farewell.take() {
                self.say_close(frame);
            }
        }
    }

    /// Half the time is for the proof, the whole for everything
    fn poll_deadline(mut self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) -> Poll<Option<Event>> {
        self.as_mut().project().since_clock.frames = 0;
        let now = wake.now(&self.timer);
        let _ = self.as_mut().settle(now);
        if let Some(ended) = self.as_mut().end_if_late(wake) {
            return Poll::Ready(ended);
        }
        let Some(deadline) = self.as_mut().closing_deadline(now) else {
            return Poll::Ready(None);
        };
        let mut this = self.project();
        if this.alarm.as_mut().poll_due(wake.cx, this.timer, now, deadline).is_ready() {
            wake.cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// When the step that a closing connection is in has had its time
    fn closing_deadline(self: Pin<&mut Self>, now: Instant) -> Option<Instant> {
        let timeout = self.pace.config().close_timeout();
        let closing = self.closing_mut()?;
        let since = *closing.since.get_or_insert(now);
        let proving = matches!(closing.step, Step::Confirming | Step::Confirmed);
        Some(since + if proving { timeout / 2 } else { timeout })
    }

    /// The next step, or the end, of a closing connection whose time has come
    fn end_if_late(mut self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) -> Option<Option<Event>> {
        let now = wake.now(&self.timer);
        if self.as_mut().closing_deadline(now).is_none_or(|deadline| now < deadline) {
            return None;
        }
        let step = self.closing().map(|closing| closing.step)?;
        if matches!(step, Step::Confirming | Step::Confirmed) {
            self.step_to(Step::Awaiting);
            return Some(None);
        }
        self.as_mut().project().transport.abort();
        Some(Some(self.over(wake)))
    }

    /// Drives a connection that is saying why it ends, for who waits to send; ready once it is over,
    /// or at once if there is nobody to tell
    pub(super) fn poll_farewell(mut self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) -> Poll<()> {
        match self.closing() {
            Some(closing) if closing.cause.farewell().is_some() => self.as_mut().poll_unread(wake),
            _ => Poll::Ready(()),
        }
    }

    fn over(self: Pin<&mut Self>, wake: &mut Wake<'_, '_>) -> Event {
        let now = wake.now(&self.timer);
        let (cause, evidence) = (self.cause(), self.evidence_at(now));
        self.finish(cause, evidence)
    }
}
