//! A client that reconnects: a chain of connections with one queue, one policy and one stream of
//! events.

mod builder;
mod driver;
mod queue;
mod unread;

use core::error::Error;
use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use alloc::boxed::Box;
use futures_core::Stream;
use futures_sink::Sink;
use pin_project::pin_project;

use self::builder::Settings;
use self::driver::{Farewell, RoadMemory, State, StateProjection};
pub(crate) use self::queue::Outbox;
use self::unread::Unread;
use crate::cause::{Cause, CloseCode, CloseFrame};
use crate::config::ConfigError;
use crate::connection::Connection;
use crate::event::Event;
use crate::hint::Feed;
use crate::message::Message;
use crate::outcome::{Disconnected, Tally, Unconfirmed};
use crate::reconnect::Reconnect;
use crate::time::{Alarm, Timer, Wake};
use crate::transport::{Connect, Endpoint};
use crate::turn::Turn;

pub use crate::hint::Hint;
#[cfg(feature = "std")]
pub use crate::hint::Hints;
pub use builder::ClientBuilder;
pub use queue::Queue;

/// A client that reconnects
///
/// A `Stream` of [`Event`]s, which ends only when the client gave up or was closed, and a `Sink` of
/// [`Message`]s. Messages wait in a bounded queue while no connection stands, and what was sent
/// without proof of delivery is handed back with [`Event::Disconnected`].
///
/// It is driven by being polled: await [`next`](Self::next) for as long as it shall live, or
/// [split](crate::halves::split) it and spawn the pump.
#[pin_project]
pub struct Client<C: Connect, K: Timer> {
    connector: C,
    timer: K,
    settings: Settings,
    reconnect: Reconnect,
    seeds: fastrand::Rng,
    #[pin]
    state: State<C, K>,
    #[pin]
    alarm: Alarm<K::Sleep>,
    outbox: Outbox,
    unread: Unread,
    tally: Tally,
    /// What earlier ends left unconfirmed, and `close` came upon unread
    untold: Unconfirmed,
    span: tracing::Span,
    /// Asked to close
    closing: Option<Farewell>,
    /// Whether a connection ever stood
    established: bool,
    /// What the connections so far have learnt of the road from this address
    road: RoadMemory,
    /// What is heard from outside
    hints: Feed,
    /// Why there is no further event
    outcome: Option<Cause>,
    /// Its application's, while that does nothing but send
    turn: Turn,
}

impl<C: Connect, K: Timer + Clone> Client<C, K> {
    /// A builder for a client over any connector and timer
    ///
    /// `seed` draws all jitter: take it from the operating system.
    pub fn over(connector: C, timer: K, seed: u64) -> ClientBuilder<C, K> {
        ClientBuilder::new(Ok((connector, timer, seed)))
    }

    /// The next event; `None` once the client has given up or was closed
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

    /// Sends a message: returns once it is queued, and on its way if a connection stands
    ///
    /// With [`Queue::or_wait`] it waits for room, and drives the client meanwhile.
    ///
    /// # Errors
    ///
    /// The queue is full, the message is larger than the queue, or the client is over. The error
    /// hands the message back.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if the future is dropped before it completes, nothing was accepted.
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), SendError>
    where
        Self: Unpin,
    {
        let mut message = Some(message.into());
        poll_fn(|cx| {
            let wake = &mut Wake::new(cx);
            let mut this = Pin::new(&mut *self);
            ready!(this.as_mut().project().turn.poll(wake.cx));
            let Some(offered) = message.take() else {
                return Poll::Ready(Ok(()));
            };
            let span = this.span.clone();
            let _entered = span.enter();
            let offered = match this.as_mut().offer(offered) {
                Err(SendError::Full { message, .. }) if this.settings.queue.waits() => message,
                done => {
                    this.keep_going(wake);
                    return Poll::Ready(done);
                }
            };
            let room = |client: &Self| client.outbox.fits(offered.len(), &client.settings.queue);
            if this.as_mut().poll_room(wake, room).is_ready() {
                let done = this.as_mut().offer(offered);
                this.keep_going(wake);
                return Poll::Ready(done);
            }
            message = Some(offered);
            Poll::Pending
        })
        .await
    }

    /// Queues a message without waiting; it goes out when the client is next awaited
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and never waits.
    pub fn try_send(&mut self, message: impl Into<Message>) -> Result<(), SendError>
    where
        Self: Unpin,
    {
        Pin::new(self).offer(message.into())
    }

    /// Closes politely with 1000: sends what is queued, sees to it that it arrives, says Close; all
    /// of it within twice the `close_timeout`
    ///
    /// Events that were not read are dropped; what they left unconfirmed is told with the end.
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
        self.closing.get_or_insert_with(|| frame.into());
        poll_fn(|cx| {
            let wake = &mut Wake::new(cx);
            loop {
                match ready!(Pin::new(&mut *self).poll_next_in(wake)) {
                    Some(Event::Closed(end) | Event::GaveUp(end)) => return Poll::Ready(*end),
                    // Nobody has read of these messages, and nobody will: the end tells of them.
                    Some(Event::Disconnected(earlier)) => {
                        let mut untold = earlier.unconfirmed;
                        untold.prepend(core::mem::take(&mut self.untold));
                        self.untold = untold;
                    }
                    Some(_) => {}
                    None => {
                        let cause = self.outcome.clone().unwrap_or(Cause::ClosedByUs);
                        return Poll::Ready(Disconnected::new(cause));
                    }
                }
            }
        })
        .await
    }

    /// A beat now on the connection that stands, if one does: see
    /// [`Connection::probe`](crate::Connection::probe)
    pub fn probe(&mut self)
    where
        Self: Unpin,
    {
        let this = Pin::new(self).project();
        if let StateProjection::Up(connection) = this.state.project() {
            connection.driver().ask();
        }
    }

    /// Tells the client what happened outside of it: [`Hint`] has the table of what it does
    ///
    /// It takes effect when the client is next awaited. Whoever has not got the client at hand, for it
    /// is awaited elsewhere, tells it through [`Hints`].
    pub fn hint(&mut self, hint: Hint)
    where
        Self: Unpin,
    {
        let now = self.timer.now();
        Pin::new(self).hear(hint, now);
    }

    /// How many messages met which fate so far
    #[must_use]
    pub fn tally(&self) -> Tally {
        let Tally { accepted, delivered, unsent, unconfirmed, .. } = self.tally;
        let delivered = delivered + self.connection().map_or(0, Connection::delivered);
        let pending = accepted - delivered - unsent - unconfirmed;
        Tally { accepted, delivered, unsent, unconfirmed, pending }
    }

    /// Why the client is over; `None` while it is not
    #[must_use]
    pub const fn outcome(&self) -> Option<&Cause> {
        self.outcome.as_ref()
    }

    /// The present connection, for its round trips and evidence; `None` while there is none
    #[must_use]
    pub const fn connection(&self) -> Option<&Connection<C::Transport, K>> {
        match &self.state {
            State::Up(connection) => Some(connection),
            _ => None,
        }
    }

    /// Takes a message into the queue, if it fits
    fn offer(self: Pin<&mut Self>, message: Message) -> Result<(), SendError> {
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
}

impl<C: Endpoint> Client<C, C::Timer> {
    /// Connects to `url` with the defaults, and stays connected
    ///
    /// Fails fast: the first attempt must succeed. Later ones are retried.
    ///
    /// # Errors
    ///
    /// The URL cannot be, or the first attempt failed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future abandons the attempt.
    pub async fn connect(url: &str) -> Result<Self, ConnectError>
    where
        Self: Unpin,
    {
        Self::builder(url).connect().await
    }

    /// A builder for a client of `url`; a URL that cannot be is reported when it is built
    pub fn builder(url: &str) -> ClientBuilder<C, C::Timer> {
        ClientBuilder::new(C::from_url(url).map(|connector| {
            let (timer, seed) = (connector.timer(), connector.seed());
            (connector, timer, seed)
        }))
    }
}

impl<C: Connect, K: Timer + Clone> Stream for Client<C, K> {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll_next_in(&mut Wake::new(cx))
    }
}

/// `poll_ready` waits until the queue's limit is not reached, `start_send` then takes one message
/// of up to the limit's size, and `poll_flush` waits until everything queued is written
///
/// Whoever only sinks must read as well: of unread events but messages and what was unconfirmed
/// the oldest are dropped, and with 64 messages unread a connection that ends is not replaced: what
/// is flushed then stays queued.
impl<C: Connect, K: Timer + Clone> Sink<Message> for Client<C, K> {
    type Error = SendError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let room = |client: &Self| client.outbox.has_room(&client.settings.queue);
        self.poll_room(&mut Wake::new(cx), room).map(Ok)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), SendError> {
        let queue = self.settings.queue;
        if let Some(cause) = over(self.outcome.as_ref(), self.closing.is_some()) {
            return Err(SendError::Over { message, cause: Some(cause) });
        }
        if !queue.takes(&message) {
            return Err(SendError::TooLarge { message, queue });
        }
        if !self.outbox.has_room(&queue) {
            return Err(SendError::Full { message, queue });
        }
        self.accept(message);
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let wake = &mut Wake::new(cx);
        self.as_mut().pump(wake);
        while !self.outbox.is_empty() && self.outcome.is_none() && !self.is_stuck() {
            // It may have written all that waited and wait for the peer alone.
            if self.as_mut().poll_step_unread(wake).is_pending() && !self.outbox.is_empty() {
                return Poll::Pending;
            }
        }
        ready!(self.poll_written(wake));
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.as_mut().begin_close_after(false);
        ready!(self.poll_unread(&mut Wake::new(cx)));
        Poll::Ready(Ok(()))
    }
}

impl<C: Connect, K: Timer> fmt::Debug for Client<C, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("settings", &self.settings)
            .field("reconnect", &self.reconnect)
            .field("tally", &self.tally)
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

/// Why a client could not be made
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ConnectError {
    /// A setting cannot be
    Config(ConfigError),
    /// The first attempt failed, and `retry_first` was not set
    Failed(Cause),
}

impl From<ConfigError> for ConnectError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Failed(cause) => write!(f, "could not connect: {cause}"),
        }
    }
}

impl Error for ConnectError {}

/// Why a message was not accepted; hands it back
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SendError {
    /// The queue has no room now
    Full {
        /// The message
        message: Message,
        /// The queue that is full
        queue: Queue,
    },
    /// The message alone is larger than the queue
    TooLarge {
        /// The message
        message: Message,
        /// The queue that it does not fit into
        queue: Queue,
    },
    /// The client or the connection was closed, has given up, or has ended
    Over {
        /// The message
        message: Message,
        /// Why; `None` if that is not known, for the pump was dropped
        cause: Option<Box<Cause>>,
    },
}

impl SendError {
    /// The message that was not accepted
    #[must_use]
    pub fn into_message(self) -> Message {
        match self {
            Self::Full { message, .. }
            | Self::TooLarge { message, .. }
            | Self::Over { message, .. } => message,
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { queue, .. } => write!(f, "the queue is full ({queue}); `queue` sets it"),
            Self::TooLarge { message, queue } => {
                write!(
                    f,
                    "a message of {} bytes is larger than the queue ({queue}); `queue` sets it",
                    message.len()
                )
            }
            Self::Over { cause: Some(cause), .. } => {
                write!(f, "nothing more can be sent: {cause}")
            }
            Self::Over { cause: None, .. } => f.write_str("nothing more can be sent"),
        }
    }
}

impl Error for SendError {}

/// Why nothing more can be sent, if nothing can
fn over(outcome: Option<&Cause>, closing: bool) -> Option<Box<Cause>> {
    outcome.cloned().or_else(|| closing.then_some(Cause::ClosedByUs)).map(Box::new)
}

/// What the user decides about a cause
type VerdictFn = Box<dyn Fn(&Cause) -> crate::reconnect::Retry + Send + Sync>;
