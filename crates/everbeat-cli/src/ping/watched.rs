//! One WebSocket whose beats are ours to time: everbeat's own heartbeat judges the silence, and the
//! beats go out when `ping` says so, not when they are due.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use everbeat_core::Cause;
use everbeat_core::cause::{CloseCode, Evidence};
use everbeat_core::config::HeartbeatConfig;
use everbeat_core::heartbeat::{Beat, Heartbeat};
use everbeat_core::time::{Instant, Timer};
use everbeat_core::transport::{Incoming, Outgoing, Transport};
use everbeat_tokio::transport::TokioTimer;
use tokio::time::timeout;

use super::beats::{Answered, Beats, Totals};

/// How long a polite end may take: what was to be measured has been
const CLOSING: Duration = Duration::from_secs(1);
/// How much may come out of the socket in a row before a beat that is due goes out: a server that never
/// stops talking has its beats, too
const TURNS: u32 = 64;

/// What happened next
#[derive(Debug)]
pub(super) enum Step {
    /// It is the time that was given
    Due,
    Answered(Answered),
    /// A Pong that answers no beat of ours, which is allowed (RFC 6455, section 5.5.3)
    Unsolicited,
    /// The server's own Ping; it was answered
    Pinged,
    /// A message of so many bytes
    Said(usize),
    Suspect(Box<Evidence>),
    Alive,
    Ended(Cause),
}

pub(super) struct Watched<T: Transport> {
    transport: Pin<Box<T>>,
    heartbeat: Heartbeat,
    beats: Beats,
    rng: fastrand::Rng,
    timer: TokioTimer,
    /// Something was given to the transport and is not known to be written
    flushing: bool,
    /// A write that failed; what the peer said before is read first
    failed: Option<Cause>,
    heard: u64,
    /// How many steps in a row came out of the socket
    turns: u32,
}

impl<T: Transport> Watched<T> {
    /// `clocks` are when a silence is death; its interval is of no account
    pub(super) fn new(transport: T, clocks: HeartbeatConfig, timer: TokioTimer, seed: u64) -> Self {
        Self {
            heard: transport.received(),
            transport: Box::pin(transport),
            heartbeat: Heartbeat::new(clocks, seed, timer.now()),
            beats: Beats::default(),
            rng: fastrand::Rng::with_seed(!seed),
            timer,
            flushing: false,
            failed: None,
            turns: 0,
        }
    }

    /// Sends a beat; its number
    pub(super) fn beat(&mut self) -> Result<u64, Cause> {
        // While a silence is being judged, the clocks of the first beat in it go on: one that the
        // heartbeat knew of would take its place, and begin them anew.
        let payload = match self.heartbeat.is_judging() {
            true => self.rng.u64(..).to_be_bytes(),
            false => self.heartbeat.ping_now(self.timer.now()),
        };
        let number = self.beats.sent(payload);
        self.send(payload)?;
        Ok(number)
    }

    fn send(&mut self, payload: [u8; 8]) -> Result<(), Cause> {
        self.flushing = true;
        self.transport
            .as_mut()
            .start_send(Outgoing::Ping(payload))
            .map_err(|error| T::classify(&error))
    }

    /// How many answers are waited for
    pub(super) fn out(&self) -> usize {
        self.beats.out()
    }

    /// Nothing more is waited for: what became of all beats
    pub(super) fn totals(&mut self) -> Totals {
        self.beats.give_up();
        self.beats.totals()
    }

    /// The next thing that happens, at `until` at the latest
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: nothing that was read is lost.
    pub(super) async fn next(&mut self, until: Instant) -> Step {
        loop {
            if self.turns >= TURNS {
                self.turns = 0;
                if self.timer.now() >= until {
                    return Step::Due;
                }
            }
            let wake = until.min(self.heartbeat.poll_timeout());
            let mut sleep = self.timer.sleep_until(wake);
            // The socket first: an answer that waits in it is an answer.
            let io = poll_fn(|cx| self.poll_io(cx));
            tokio::select! {
                biased;
                step = io => {
                    self.turns += 1;
                    return step;
                }
                () = &mut sleep => self.turns = 0,
            }
            if let Some(step) = self.judge() {
                return step;
            }
            if self.timer.now() >= until {
                return Step::Due;
            }
        }
    }

    /// What the silence means, once everything has been read
    fn judge(&mut self) -> Option<Step> {
        let Self { heartbeat, transport, .. } = self;
        let now = self.timer.now();
        match heartbeat.handle_timeout(now, || transport.path())? {
            // Asked anew behind a stall of our own; it is none of the beats that are counted.
            Beat::Ping(payload) => self.send(payload).err().map(Step::Ended),
            Beat::Suspect => Some(Step::Suspect(Box::new(self.evidence(now)))),
            Beat::Alive => Some(Step::Alive),
            Beat::Dead(verdict) => {
                let evidence = Box::new(self.evidence(now));
                self.transport.as_mut().abort();
                Some(Step::Ended(Cause::Dead { verdict, evidence }))
            }
            _ => None,
        }
    }

    fn evidence(&self, now: Instant) -> Evidence {
        let mut evidence = self.heartbeat.evidence(now);
        evidence.pings_unanswered = u32::try_from(self.beats.out()).unwrap_or(u32::MAX);
        evidence.path = self.transport.path();
        evidence.received = self.transport.received();
        evidence.sent = self.transport.sent();
        evidence
    }

    fn poll_io(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        self.write(cx);
        let polled = self.transport.as_mut().poll_recv(cx);
        let now = self.timer.now();
        if self.transport.received() != self.heard {
            self.heard = self.transport.received();
            if self.heartbeat.handle_heard(now) && polled.is_pending() {
                return Poll::Ready(Step::Alive);
            }
        }
        Poll::Ready(match polled {
            Poll::Pending => match self.failed.take() {
                Some(cause) => Step::Ended(cause),
                None => return Poll::Pending,
            },
            Poll::Ready(Some(Ok(Incoming::Pong(payload)))) => {
                self.heartbeat.handle_pong(&payload, now);
                self.beats.answer(&payload, now).map_or(Step::Unsolicited, Step::Answered)
            }
            Poll::Ready(Some(Ok(Incoming::Ping(_)))) => Step::Pinged,
            Poll::Ready(Some(Ok(Incoming::Message(message)))) => Step::Said(message.len()),
            Poll::Ready(Some(Ok(Incoming::Close(frame)))) => Step::Ended(frame.into()),
            Poll::Ready(Some(Ok(_))) => Step::Unsolicited,
            Poll::Ready(Some(Err(error))) => Step::Ended(T::classify(&error)),
            Poll::Ready(None) => Step::Ended(self.failed.take().unwrap_or(Cause::ClosedByUs)),
        })
    }

    fn write(&mut self, cx: &mut Context<'_>) {
        if !self.flushing {
            return;
        }
        // Before the system call, so that no pause of ours behind it shortens the round trip
        let at = self.timer.now();
        match self.transport.as_mut().poll_flush(cx) {
            Poll::Ready(Ok(())) => {
                self.flushing = false;
                self.beats.flushed(at);
                self.heartbeat.handle_flushed(self.transport.sent(), self.timer.now());
            }
            Poll::Ready(Err(error)) => {
                self.flushing = false;
                self.failed = Some(T::classify(&error));
            }
            Poll::Pending => {
                self.heartbeat.handle_progress(self.transport.sent(), self.timer.now());
            }
        }
    }

    /// Says goodbye, for a moment at most
    pub(super) async fn close(mut self) {
        let frame = Some(CloseCode::NORMAL.into());
        if self.transport.as_mut().start_send(Outgoing::Close(frame)).is_ok() {
            let closing = poll_fn(|cx| self.transport.as_mut().poll_close(cx));
            // Who does not answer it keeps nobody here.
            _ = timeout(CLOSING, closing).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// A server that never stops talking
    struct Talker(u64);

    impl Transport for Talker {
        type Error = Infallible;

        fn poll_recv(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Incoming, Infallible>>> {
            self.0 += 3;
            Poll::Ready(Some(Ok(Incoming::Message("x".into()))))
        }

        fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn start_send(self: Pin<&mut Self>, _: Outgoing) -> Result<(), Infallible> {
            Ok(())
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn abort(self: Pin<&mut Self>) {}

        fn received(&self) -> u64 {
            self.0
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_never_stops_talking_has_its_beats() {
        let timer = TokioTimer::new();
        let mut watched = Watched::new(Talker(0), HeartbeatConfig::CLIENT, timer, 7);
        let due = timer.now();
        for _ in 0..TURNS {
            assert!(matches!(watched.next(due).await, Step::Said(1)));
        }
        assert!(matches!(watched.next(due).await, Step::Due));
        assert!(matches!(watched.next(due).await, Step::Said(1)), "and then it is read again");
    }
}
