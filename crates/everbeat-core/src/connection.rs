//! One WebSocket with its heartbeat, either role: the driver between a transport, a timer and the
//! policies. It never reconnects.

mod beating;
mod closing;
mod driver;
mod open;
mod pace;
mod ping_bucket;
mod sending;
mod unusual;

use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use alloc::boxed::Box;
use alloc::sync::Arc;
use futures_core::Stream;
use futures_sink::Sink;

pub(crate) use self::driver::Driver;
use crate::cause::{Cause, CloseCode, CloseFrame, Evidence};
use crate::config::{ConnectionConfig, OwnBeat};
use crate::event::Event;
use crate::heartbeat::RoundTrip;
use crate::hint::Hint;
use crate::message::Message;
use crate::outcome::Disconnected;
use crate::time::{Instant, Timer, Wake};
use crate::transport::Transport;

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
/// It is `Send` if the transport and the timer are. It is a pointer, so that whoever holds one, in a
/// future of his own, holds eight bytes.
pub struct Connection<T: Transport, K: Timer> {
    driver: Pin<Box<Driver<T, K>>>,
}

impl<T: Transport, K: Timer> Connection<T, K> {
    /// A connection over a transport whose upgrade is done
    ///
    /// Many connections share their settings, if each is given a clone of the same `Arc`. `seed` draws
    /// the phase and the jitter of the beat: take it from the operating system, for a fixed one would
    /// march a fleet in step.
    pub fn new(
        transport: T,
        timer: K,
        config: impl Into<Arc<ConnectionConfig>>,
        seed: u64,
    ) -> Self {
        let now = timer.now();
        Self::begin(transport, timer, config.into(), None, seed, now)
    }

    /// [`new`](Self::new), with a message of the application's own in place of the Pings
    ///
    /// It beats by the heartbeat of `config`, also over a transport that cannot ping. If `config`
    /// turns the heartbeat off it never beats, and answers still are not handed up.
    pub fn with_beat(
        transport: T,
        timer: K,
        config: impl Into<Arc<ConnectionConfig>>,
        beat: OwnBeat,
        seed: u64,
    ) -> Self {
        let now = timer.now();
        Self::begin(transport, timer, config.into(), Some(beat), seed, now)
    }

    /// [`new`](Self::new) or [`with_beat`](Self::with_beat), by a clock that has been read already
    pub(crate) fn begin(
        transport: T,
        timer: K,
        config: Arc<ConnectionConfig>,
        beat: Option<OwnBeat>,
        seed: u64,
        now: Instant,
    ) -> Self {
        Self { driver: Box::pin(Driver::begin(transport, timer, config, beat, seed, now)) }
    }

    /// What drives it
    pub(crate) fn driver(&mut self) -> Pin<&mut Driver<T, K>> {
        self.driver.as_mut()
    }

    // None of these is an `async fn`: nested ones hold each other's arguments twice, and a server's
    // handlers are all the while in the midst of one. As they are, a future is a pointer, and what it
    // sends.

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
    pub fn recv(&mut self) -> impl Future<Output = Result<Option<Message>, Cause>> {
        poll_fn(move |cx| {
            let wake = &mut Wake::new(cx);
            loop {
                return Poll::Ready(match ready!(self.driver().poll_next(wake)) {
                    Some(Event::Message(message)) => Ok(Some(message)),
                    Some(Event::Disconnected(end)) if !end.cause.is_polite() => Err(end.cause),
                    Some(_) => continue,
                    None => Ok(None),
                });
            }
        })
    }

    /// The next event; `None` after [`Event::Disconnected`]
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if the future is dropped, no event is lost.
    #[expect(clippy::should_implement_trait, reason = "it is awaited, as `StreamExt::next` is")]
    pub fn next(&mut self) -> impl Future<Output = Option<Event>> {
        poll_fn(move |cx| self.driver().poll_next(&mut Wake::new(cx)))
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
    pub fn send(&mut self, message: impl Into<Message>) -> impl Future<Output = Result<(), Cause>> {
        let mut message = Some(message.into());
        poll_fn(move |cx| {
            let wake = &mut Wake::new(cx);
            let mut this = self.driver();
            ready!(this.as_mut().project().turn.poll(wake.cx));
            if let Err(cause) = ready!(this.as_mut().poll_room(wake)) {
                // Whoever leaves at this error drops the connection, and the peer is to be told why
                ready!(this.as_mut().poll_farewell(wake));
                return Poll::Ready(Err(cause));
            }
            if let Some(message) = message.take() {
                this.as_mut().refuse_unless_open()?;
                this.as_mut().accept(message);
            }
            // What cannot be written now is the driver's to write; an error is the next event.
            let _ = this.poll_write(wake);
            Poll::Ready(Ok(()))
        })
    }

    /// Closes politely with 1000: sees to it that what was sent arrives, says Close, waits for the
    /// answer, and gives up on either after `close_timeout`
    ///
    /// Messages that still come in are discarded.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: called again, it goes on.
    pub fn close(&mut self) -> impl Future<Output = Disconnected> {
        self.close_with(CloseCode::NORMAL.into())
    }

    /// [`close`](Self::close) with a code and a reason of one's own
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: called again, it goes on.
    pub fn close_with(&mut self, frame: CloseFrame) -> impl Future<Output = Disconnected> {
        let mut frame = Some(frame);
        poll_fn(move |cx| {
            if let Some(frame) = frame.take() {
                self.driver().begin_close(frame);
            }
            let wake = &mut Wake::new(cx);
            loop {
                match ready!(self.driver().poll_next(wake)) {
                    Some(Event::Disconnected(end)) => return Poll::Ready(*end),
                    Some(_) => {}
                    None => return Poll::Ready(Disconnected::new(self.driver.cause())),
                }
            }
        })
    }

    /// A beat now, ahead of its time, for whoever learnt that the machine has slept, the network has
    /// changed or the application is in the foreground again
    ///
    /// It goes out when the connection is next awaited, and what is silent from then on is judged by
    /// the same clocks as ever: where the kernel tells of the road it is known after 10 s by default
    /// whether that is gone. Asked again in the same silence it changes nothing, so that a dead road is
    /// found however often it is asked; and none goes out within a second of the one before, so that
    /// asking is no flood. Nothing happens without a heartbeat.
    pub fn probe(&mut self) {
        self.driver().ask();
    }

    /// Tells the connection what happened outside of it: [`Hint`] has the table of what it does
    ///
    /// It takes effect when the connection is next awaited.
    pub fn hint(&mut self, hint: Hint) {
        self.driver().hear(hint);
    }

    /// The round trips of Pings so far; `None` before the first Pong
    #[must_use]
    pub fn round_trip(&self) -> Option<RoundTrip> {
        self.driver.round_trip()
    }

    /// What is known of the connection now; reads the clock
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        self.driver.evidence()
    }

    /// How many messages of ours are proven to have been delivered, those of a server's handles too
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.driver.delivered()
    }

    /// The transport
    #[must_use]
    pub fn transport(&self) -> &T {
        self.driver.transport()
    }

    pub(crate) fn is_open(&self) -> bool {
        self.driver.is_open()
    }

    pub(crate) fn road_memory(&self) -> u32 {
        self.driver.road_memory()
    }
}

impl<T: Transport, K: Timer> Stream for Connection<T, K> {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.get_mut().driver().poll_next(&mut Wake::new(cx))
    }
}

/// Errors are the cause for which the connection ends; the whole end comes as the last event.
/// A message for which `start_send` returned `Ok` has been accepted and is accounted for there.
impl<T: Transport, K: Timer> Sink<Message> for Connection<T, K> {
    type Error = Cause;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        let mut driver = self.get_mut().driver();
        ready!(driver.as_mut().project().turn.poll(cx));
        driver.poll_room(&mut Wake::new(cx))
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Cause> {
        self.driver.refuse_unless_open()?;
        self.get_mut().driver().accept(message);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        self.get_mut().driver().poll_write(&mut Wake::new(cx))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        let mut driver = self.get_mut().driver();
        driver.as_mut().begin_close(CloseCode::NORMAL.into());
        // The end stays to be read as the last event.
        ready!(driver.as_mut().poll_unread(&mut Wake::new(cx)));
        let cause = driver.cause();
        Poll::Ready(if cause.is_polite() { Ok(()) } else { Err(cause) })
    }
}

impl<T: Transport, K: Timer> fmt::Debug for Connection<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("pace", &self.driver.pace)
            .field("unusual", &self.driver.unusual)
            .finish_non_exhaustive()
    }
}

/// The last event, and what every later call is told
impl From<Disconnected> for Event {
    fn from(end: Disconnected) -> Self {
        Self::Disconnected(Box::new(end))
    }
}
