//! The end of a connection: what was sent is confirmed if it can be, Close is said and answered
//! (RFC 6455, section 7.1), and a deadline stands over all of it.

use core::pin::Pin;
use core::task::{Context, Poll};

use super::driver::Read;
use super::{Connection, Phase};
use crate::cause::{Cause, CloseFrame, Cut};
use crate::event::Event;
use crate::message::Outgoing;
use crate::time::{Instant, Timer};
use crate::transport::Transport;

/// A connection on its way out
#[derive(Debug)]
pub(super) struct Closing {
    cause: Cause,
    /// What our Close will say, until it is said
    farewell: Option<CloseFrame>,
    step: Step,
    /// When it began; `None` until the clock is next read
    since: Option<Instant>,
}

/// How far the farewell has come
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// A Ping is to vouch for the messages sent
    Confirming,
    /// It is on its way; Close follows its Pong
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

impl<T: Transport, K: Timer> Connection<T, K> {
    /// We close: first what was sent is confirmed, if somebody keeps count of it
    pub(crate) fn begin_close(self: Pin<&mut Self>, frame: CloseFrame) {
        if matches!(self.phase, Phase::Open) {
            self.enter(Cause::ClosedByUs, Step::Confirming, Some(frame));
        }
    }

    /// The peer closed; the transport has queued the reply
    pub(super) fn closed_by_peer(self: Pin<&mut Self>, cause: Cause) {
        self.enter(cause, Step::Leaving, None);
    }

    /// The connection cannot go on: the peer is told why, if there is a peer to tell
    pub(super) fn fail(mut self: Pin<&mut Self>, cause: Cause) {
        let mut step = Step::Leaving;
        match (cause.farewell(), &cause) {
            (Some(frame), cause) => {
                self.as_mut().say_close(frame);
                // After a violation nothing the peer says can be trusted (RFC 6455, section 7.1.7).
                if !matches!(cause, Cause::Violation { .. }) {
                    step = Step::Awaiting;
                }
            }
            (None, Cause::Cut { how: Cut::End, .. }) => {}
            (None, _) => self.as_mut().project().transport.abort(),
        }
        self.enter(cause, step, None);
    }

    fn enter(self: Pin<&mut Self>, cause: Cause, step: Step, farewell: Option<CloseFrame>) {
        *self.project().phase = Phase::Closing(Closing { cause, farewell, step, since: None });
    }

    fn say_close(self: Pin<&mut Self>, frame: CloseFrame) {
        let this = self.project();
        this.since_clock.unflushed = true;
        // An error means that the socket is gone, which closing it will say again.
        let _ = this.transport.start_send(Outgoing::Close(Some(frame)));
    }

    /// One round of a closing connection; `None` if the phase or the step has changed
    pub(super) fn poll_closing(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Event>> {
        let Phase::Closing(closing) = &self.phase else {
            return Poll::Ready(None);
        };
        match closing.step {
            Step::Confirming => {
                if self.as_mut().flush(cx).is_err() {
                    self.step_to(Step::Leaving);
                } else if self.since_clock.unflushed && !self.is_proven() {
                    // A Ping would overtake what is not flushed, and prove too little.
                    return self.poll_last_words(cx);
                } else {
                    let asked = self.as_mut().ask_for_proof(cx);
                    self.step_to(if asked { Step::Confirmed } else { Step::Awaiting });
                }
                Poll::Ready(None)
            }
            Step::Confirmed | Step::Awaiting => {
                if self.as_mut().flush(cx).is_err() {
                    self.step_to(Step::Leaving);
                    return Poll::Ready(None);
                }
                self.poll_last_words(cx)
            }
            Step::Leaving => match self.as_mut().project().transport.poll_close(cx) {
                // An error while leaving changes nothing: the socket is closed either way.
                Poll::Ready(_) => Poll::Ready(Some(self.over())),
                Poll::Pending => self.poll_deadline(cx),
            },
        }
    }

    /// Sends the Ping that vouches for the messages sent; whether there is anything to prove
    fn ask_for_proof(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> bool {
        if self.config.retain_bytes() == 0 || self.ledger.proven() == self.ledger.newest() {
            return false;
        }
        let now = self.as_mut().clock();
        let this = self.as_mut().project();
        let Some(heartbeat) = this.heartbeat.as_mut() else {
            return false;
        };
        let payload = heartbeat.ping_now(now);
        self.ping(payload, now, cx).is_ok()
    }

    /// Hands up what still comes in, until the peer has answered
    fn poll_last_words(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let Phase::Closing(closing) = &self.phase else {
            return Poll::Ready(None);
        };
        let awaiting_close = closing.step == Step::Awaiting;
        match self.as_mut().read_while_closing(cx) {
            Read::Event(event) => return Poll::Ready(Some(event)),
            Read::Turned => return Poll::Ready(None),
            Read::Drained | Read::Yield if !awaiting_close && self.is_proven() => {
                self.step_to(Step::Awaiting);
                return Poll::Ready(None);
            }
            Read::Drained => {}
            Read::Yield => cx.waker().wake_by_ref(),
        }
        self.poll_deadline(cx)
    }

    /// Reads as ever, but the peer's Close or end no longer is the cause: we closed first
    fn read_while_closing(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Read {
        let phase = self.as_mut().project().phase;
        let Phase::Closing(ours) = core::mem::replace(phase, Phase::Open) else {
            return Read::Turned;
        };
        let read = self.as_mut().read(cx);
        let this = self.project();
        match this.phase {
            // Awaiting or not, the peer's end is the end; we closed first, so the cause stays.
            Phase::Closing(closing) => *closing = Closing { step: Step::Leaving, ..ours },
            phase => *phase = Phase::Closing(ours),
        }
        read
    }

    fn is_proven(&self) -> bool {
        self.ledger.proven() == self.ledger.newest()
    }

    /// Goes on to `step`; on the way to `Awaiting`, Close is said
    fn step_to(mut self: Pin<&mut Self>, step: Step) {
        let this = self.as_mut().project();
        let Phase::Closing(closing) = this.phase else {
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
    fn poll_deadline(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let now = self.as_mut().clock();
        let _ = self.as_mut().settle(now);
        let mut this = self.as_mut().project();
        let Phase::Closing(closing) = this.phase else {
            return Poll::Ready(None);
        };
        let since = *closing.since.get_or_insert(now);
        let timeout = this.config.close_timeout();
        let proving = matches!(closing.step, Step::Confirming | Step::Confirmed);
        let deadline = since + if proving { timeout / 2 } else { timeout };
        if this.alarm.as_mut().poll_due(cx, this.timer, now, deadline).is_pending() {
            return Poll::Pending;
        }
        if proving {
            self.step_to(Step::Awaiting);
            return Poll::Ready(None);
        }
        this.transport.abort();
        Poll::Ready(Some(self.over()))
    }

    fn over(mut self: Pin<&mut Self>) -> Event {
        let now = self.as_mut().clock();
        let cause = match &self.phase {
            Phase::Closing(closing) => closing.cause.clone(),
            Phase::Over(cause) => cause.clone(),
            Phase::Open => Cause::ClosedByUs,
        };
        self.finish(cause, now)
    }
}
