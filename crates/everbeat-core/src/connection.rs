//! One WebSocket with its heartbeat, either role: the driver between a transport, a timer and the
//! policies. It never reconnects.

mod beating;
mod closing;
mod driver;
mod ping_bucket;
mod sending;

use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use futures_core::Stream;
use futures_sink::Sink;
use pin_project::pin_project;

use self::beating::Own;
use self::closing::Closing;
use self::ping_bucket::PingBucket;
use crate::cause::{Cause, CloseCode, CloseFrame, Evidence};
use crate::config::{ConnectionConfig, OwnBeat};
use crate::event::Event;
use crate::heartbeat::{Heartbeat, RoundTrip};
use crate::hint::Hint;
use crate::message::Message;
use crate::outcome::{Disconnected, Ledger};
use crate::time::{Alarm, Instant, Timer, Wake};
use crate::transport::Transport;
use crate::turn::Turn;

/// One WebSocket with its heartbeat; works with any RFC 6455 peer, in either role
///
/// A `Stream` of [`Event`]s and a `Sink` of [`Message`]s, or [`recv`](Self::recv) and
/// [`send`](Self::send). It is driven by being polled: while the application awaits any of these,
/// Pings are sent, answered and judged. While it sends, at most one message is read ahead, and what
/// is behind that one, the peer's Pings too, waits until it is read. A task that does nothing but
/// send now and then is driven by that: whatever is due is done with the next message.
///
/// The last event is [`Event::Disconnected`]: why, on what evidence, and what became of the
/// messages. Dropping a connection closes the socket without a Close frame; [`close`](Self::close)
/// is the polite way.
///
/// It is `Send` if the transport and the timer are.
#[pin_project]
pub struct Connection<T: Transport, K: Timer> {
    #[pin]
    transport: T,
    #[pin]
    alarm: Alarm<K::Sleep>,
    timer: K,
    config: ConnectionConfig,
    heartbeat: Option<Heartbeat>,
    /// What is sent in place of Pings; apart, for few have one
    own: Option<Box<Own>>,
    /// What the peer may still ping
    pings: PingBucket,
    ledger: Ledger,
    phase: Phase,
    /// What was read or noticed while the application was sending
    ahead: VecDeque<Event>,
    /// Why nothing can be written any more, while what the peer had said before is being read
    write_failed: Option<Cause>,
    /// When a message last went either way
    last_message: Instant,
    /// What happened since the clock was last read: a wake-up reads it once, at its end
    since_clock: SinceClock,
    /// How long the machine had slept when something was last due
    slept: Duration,
    out_of_turn: OutOfTurn,
    /// Its application's, while that does nothing but send
    turn: Turn,
}

/// Where a connection is in its life
#[derive(Debug)]
enum Phase {
    Open,
    Closing(Closing),
    Over(Cause),
}

/// Facts that wait for a clock reading to become instants
#[derive(Debug, Default)]
struct SinceClock {
    /// The transport's counters when the clock was last read
    received: u64,
    sent: u64,
    sent_aside: u64,
    /// Frames read
    frames: u32,
    /// Everything that had come was read
    drained: bool,
    message: bool,
    /// One of the peer's
    heard_message: bool,
    wrote: bool,
    /// And a Pong must vouch for it
    unproven: bool,
    flushed: bool,
    /// The transport holds something that is not flushed
    unflushed: bool,
}

/// What lies out of turn before the connection: what it was told, and its own lateness
#[derive(Debug)]
struct OutOfTurn {
    /// A beat is asked for
    probe: bool,
    /// From when on it may go out
    probe_from: Instant,
    /// Our end's address is gone
    address_gone: bool,
    /// How late we were for something that was due, before something was heard; zero if not worth a word
    late: Duration,
}

impl OutOfTurn {
    const NOTHING: Self = Self {
        probe: false,
        probe_from: Instant::ORIGIN,
        address_gone: false,
        late: Duration::ZERO,
    };

    /// Whether something is to be done or told now
    const fn is_due(&self, now: Instant) -> bool {
        self.address_gone
            || !self.late.is_zero()
            || (self.probe && now.as_nanos() >= self.probe_from.as_nanos())
    }
}

impl<T: Transport, K: Timer> Connection<T, K> {
    /// A connection over a transport whose upgrade is done
    ///
    /// `seed` draws the phase and the jitter of the beat: take it from the operating system, for a
    /// fixed one would march a fleet in step.
    pub fn new(transport: T, timer: K, config: ConnectionConfig, seed: u64) -> Self {
        let now = timer.now();
        Self::begin(transport, timer, config, None, seed, now)
    }

    /// [`new`](Self::new), with a message of the application's own in place of the Pings
    ///
    /// It beats by the heartbeat of `config`, also over a transport that cannot ping. If `config`
    /// turns the heartbeat off it never beats, and answers still are not handed up.
    pub fn with_beat(
        transport: T,
        timer: K,
        config: ConnectionConfig,
        beat: OwnBeat,
        seed: u64,
    ) -> Self {
        let now = timer.now();
        Self::begin(transport, timer, config, Some(beat), seed, now)
    }

    /// [`new`](Self::new) or [`with_beat`](Self::with_beat), by a clock that has been read already
    pub(crate) fn begin(
        transport: T,
        timer: K,
        config: ConnectionConfig,
        beat: Option<OwnBeat>,
        seed: u64,
        now: Instant,
    ) -> Self {
        let heartbeat = config.heartbeat().map(|beat| Heartbeat::new(beat, seed, now));
        let heartbeat = match beat {
            Some(_) => heartbeat.map(Heartbeat::with_own_beat),
            None => heartbeat.filter(|_| transport.can_ping()),
        };
        // What it slept before is none of this connection's business.
        let slept = timer.slept();
        Self {
            since_clock: SinceClock {
                received: transport.received(),
                sent: transport.sent(),
                sent_aside: transport.sent_aside(),
                ..SinceClock::default()
            },
            pings: PingBucket::new(config.ping_limit(), now),
            ledger: Ledger::new(config.retain_bytes()),
            transport,
            alarm: Alarm::new(),
            timer,
            config,
            heartbeat,
            own: beat.map(|beat| Box::new(Own::new(beat))),
            phase: Phase::Open,
            ahead: VecDeque::new(),
            write_failed: None,
            last_message: now,
            slept,
            out_of_turn: OutOfTurn::NOTHING,
            turn: Turn::default(),
        }
    }

    /// The next message; `None` once the connection has ended politely; other events are passed over,
    /// [`next`](Self::next) shows them
    ///
    /// # Errors
    ///
    /// The cause, if it did not end politely: see [`Cause::is_polite`]. Afterwards `None`.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if the future is dropped, no message is lost.
    pub async fn recv(&mut self) -> Result<Option<Message>, Cause>
    where
        Self: Unpin,
    {
        loop {
            match self.next().await {
                Some(Event::Message(message)) => return Ok(Some(message)),
                Some(Event::Disconnected(end)) if !end.cause.is_polite() => return Err(end.cause),
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }

    /// The next event; `None` after [`Event::Disconnected`]
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if the future is dropped, no event is lost.
    pub async fn next(&mut self) -> Option<Event>
    where
        Self: Unpin,
    {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Sends a message: returns once the transport has accepted it and was asked once to write it
    ///
    /// What is not written by then is written while the connection is awaited again. Of a task that
    /// sends without ever having to wait, each 64th message or so lets others run first.
    ///
    /// # Errors
    ///
    /// The cause, if the connection is ending or has ended; the message was not accepted. One that is
    /// ending is driven to its end first, within `close_timeout`, so that who leaves at the error does
    /// not take the Close with him.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if the future is dropped before it completes, nothing was accepted.
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), Cause>
    where
        Self: Unpin,
    {
        let mut message = Some(message.into());
        poll_fn(|cx| {
            let wake = &mut Wake::new(cx);
            let mut this = Pin::new(&mut *self);
            ready!(this.as_mut().project().turn.poll(wake.cx));
            if let Err(cause) = ready!(this.as_mut().poll_room(wake)) {
                // Whoever leaves at this error drops the connection, and the peer is to be told why
                ready!(this.as_mut().poll_farewell(wake));
                return Poll::Ready(Err(cause));
            }
            if let Some(message) = message.take() {
                this.as_mut().start_send(message)?;
            }
            // What cannot be written now is the driver's to write; an error is the next event.
            let _ = this.poll_write(wake);
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// Closes politely with 1000: sees to it that what was sent arrives, says Close, waits for the
    /// answer, and gives up on either after `close_timeout`
    ///
    /// Messages that still come in are discarded.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: called again, it goes on.
    pub async fn close(&mut self) -> Disconnected
    where
        Self: Unpin,
    {
        self.close_with(CloseCode::NORMAL.into()).await
    }

    /// [`close`](Self::close) with a code and a reason of one's own
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: called again, it goes on.
    pub async fn close_with(&mut self, frame: CloseFrame) -> Disconnected
    where
        Self: Unpin,
    {
        Pin::new(&mut *self).begin_close(frame);
        poll_fn(|cx| {
            let wake = &mut Wake::new(cx);
            loop {
                match ready!(Pin::new(&mut *self).poll_next_in(wake)) {
                    Some(Event::Disconnected(end)) => return Poll::Ready(*end),
                    Some(_) => {}
                    None => return Poll::Ready(Disconnected::new(self.cause())),
                }
            }
        })
        .await
    }

    /// A beat now, ahead of its time, for whoever learnt that the machine has slept, the network has
    /// changed or the application is in the foreground again
    ///
    /// It goes out when the connection is next awaited, and what is silent from then on is judged by
    /// the same clocks as ever: where the kernel tells of the road it is known after 10 s by default
    /// whether that is gone. Asked again in the same silence it changes nothing, so that a dead road is
    /// found however often it is asked; and none goes out within a second of the one before, so that
    /// asking is no flood. Nothing happens without a heartbeat.
    pub fn probe(&mut self)
    where
        Self: Unpin,
    {
        Pin::new(self).ask();
    }

    pub(crate) fn ask(self: Pin<&mut Self>) {
        let this = self.project();
        this.out_of_turn.probe = this.heartbeat.is_some();
    }

    /// Tells the connection what happened outside of it: [`Hint`] has the table of what it does
    ///
    /// It takes effect when the connection is next awaited.
    pub fn hint(&mut self, hint: Hint)
    where
        Self: Unpin,
    {
        Pin::new(self).hear(hint);
    }

    pub(crate) fn hear(self: Pin<&mut Self>, hint: Hint) {
        if let Hint::AddressGone(address) = hint {
            let this = self.project();
            let ours = this.transport.local_address().map(|ours| ours.to_canonical());
            this.out_of_turn.address_gone |= ours == Some(address.to_canonical());
        } else if hint.hurries() {
            self.ask();
        }
    }

    /// The round trips of Pings so far; `None` before the first Pong
    #[must_use]
    pub fn round_trip(&self) -> Option<RoundTrip> {
        self.heartbeat.as_ref().and_then(Heartbeat::round_trip)
    }

    /// What is known of the connection now; reads the clock
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        self.evidence_at(self.timer.now())
    }

    /// How many messages of ours are proven to have been delivered, those of a server's handles too
    #[must_use]
    pub const fn delivered(&self) -> u64 {
        self.ledger.proven()
    }

    /// The transport
    #[must_use]
    pub const fn transport(&self) -> &T {
        &self.transport
    }

    /// What an earlier connection to the same peer has learnt of the road
    pub(crate) const fn set_road_memory(&mut self, millis: u32) {
        if let Some(heartbeat) = &mut self.heartbeat {
            heartbeat.set_road_memory(millis);
        }
    }

    pub(crate) fn road_memory(&self) -> u32 {
        self.heartbeat.as_ref().map_or(0, Heartbeat::road_memory)
    }

    fn evidence_at(&self, now: Instant) -> Evidence {
        let judged = self.heartbeat.as_ref().map(|heartbeat| heartbeat.evidence(now));
        Evidence {
            timer_late: self.alarm.lateness(now),
            address_gone: self.out_of_turn.address_gone,
            path: self.transport.path(),
            received: self.transport.received(),
            sent: self.transport.sent(),
            ..judged.unwrap_or_default()
        }
    }
}

impl<T: Transport, K: Timer> Stream for Connection<T, K> {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll_next_in(&mut Wake::new(cx))
    }
}

/// Errors are the cause for which the connection ends; the whole end comes as the last event.
/// A message for which `start_send` returned `Ok` has been accepted and is accounted for there.
impl<T: Transport, K: Timer> Sink<Message> for Connection<T, K> {
    type Error = Cause;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        ready!(self.as_mut().project().turn.poll(cx));
        self.poll_room(&mut Wake::new(cx))
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Cause> {
        self.refuse_unless_open()?;
        self.accept(message);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        self.poll_write(&mut Wake::new(cx))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        self.as_mut().begin_close(CloseCode::NORMAL.into());
        // The end stays to be read as the last event.
        ready!(self.as_mut().poll_unread(&mut Wake::new(cx)));
        let cause = self.cause();
        Poll::Ready(if cause.is_polite() { Ok(()) } else { Err(cause) })
    }
}

impl<T: Transport, K: Timer> fmt::Debug for Connection<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("config", &self.config)
            .field("heartbeat", &self.heartbeat)
            .field("phase", &self.phase)
            .finish_non_exhaustive()
    }
}

/// The last event, and what every later call is told
impl From<Disconnected> for Event {
    fn from(end: Disconnected) -> Self {
        Self::Disconnected(Box::new(end))
    }
}
