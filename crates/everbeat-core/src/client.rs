//! A client that reconnects: a chain of connections with one queue, one policy and one stream of
//! events.

mod backlog;
mod builder;
mod driver;
mod ending;
mod queue;
mod road;
mod sending;
mod settings;
mod state;
mod unread;

use core::error::Error;
use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use alloc::boxed::Box;
use futures_core::Stream;
use futures_sink::Sink;

pub(crate) use self::driver::Driver;
use self::ending::Ending;
#[cfg(feature = "std")]
pub(crate) use self::queue::Outbox;
use self::state::State;
use crate::cause::{Cause, CloseCode, CloseFrame};
use crate::config::ConfigError;
use crate::connection::Connection;
use crate::event::Event;
use crate::message::Message;
use crate::outcome::{Disconnected, Tally};
use crate::time::{Timer, Wake};
use crate::transport::{Connect, Endpoint};

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
/// [split](crate::halves::split) it and spawn the pump. It is a pointer, so that whoever holds one, in a
/// future of his own, holds eight bytes.
pub struct Client<C: Connect, K: Timer> {
    driver: Box<Driver<C, K>>,
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
    #[expect(clippy::should_implement_trait, reason = "it is awaited, as `StreamExt::next` is")]
    pub fn next(&mut self) -> impl Future<Output = Option<Event>> {
        // No more than a pointer, for a task that waits holds it.
        poll_fn(|cx| self.driver.poll_next(&mut Wake::new(cx)))
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
    pub fn send(
        &mut self,
        message: impl Into<Message>,
    ) -> impl Future<Output = Result<(), SendError>> {
        let mut message = Some(message.into());
        poll_fn(move |cx| self.driver.poll_send(&mut Wake::new(cx), &mut message))
    }

    /// Queues a message without waiting; it goes out when the client is next awaited
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and never waits.
    pub fn try_send(&mut self, message: impl Into<Message>) -> Result<(), SendError> {
        self.driver.offer(message.into())
    }

    /// Closes politely with 1000: sends what is queued, sees to it that it arrives, says Close; all
    /// of it within twice the `close_timeout`
    ///
    /// Events that were not read are dropped; what they left unconfirmed is told with the end.
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
            let (driver, wake) = (&mut *self.driver, &mut Wake::new(cx));
            if let Some(frame) = frame.take() {
                driver.farewell(|| frame);
            }
            loop {
                match ready!(driver.poll_next(wake)) {
                    Some(Event::Closed(end) | Event::GaveUp(end)) => return Poll::Ready(*end),
                    // Nobody has read of these messages, and nobody will: the end tells of them.
                    Some(Event::Disconnected(earlier)) => {
                        let untold = &mut Ending::of(&mut driver.ending).untold;
                        let earlier = core::mem::replace(untold, earlier.unconfirmed);
                        untold.prepend(earlier);
                    }
                    Some(_) => {}
                    None => {
                        let cause = driver.outcome().cloned().unwrap_or(Cause::ClosedByUs);
                        return Poll::Ready(Disconnected::new(cause));
                    }
                }
            }
        })
    }

    /// A beat now on the connection that stands, if one does: see
    /// [`Connection::probe`](crate::Connection::probe)
    pub fn probe(&mut self) {
        if let State::Up(connection) = &mut self.driver.state {
            connection.driver().ask();
        }
    }

    /// Tells the client what happened outside of it: [`Hint`] has the table of what it does
    ///
    /// It takes effect when the client is next awaited. Whoever has not got the client at hand, for it
    /// is awaited elsewhere, tells it through [`Hints`].
    pub fn hint(&mut self, hint: Hint) {
        let now = self.driver.timer.now();
        self.driver.hear(hint, now);
    }

    /// How many messages met which fate so far
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.driver.tally()
    }

    /// Why the client is over; `None` while it is not
    #[must_use]
    pub fn outcome(&self) -> Option<&Cause> {
        self.driver.outcome()
    }

    /// The present connection, for its round trips and evidence; `None` while there is none
    #[must_use]
    pub fn connection(&self) -> Option<&Connection<C::Transport, K>> {
        self.driver.connection()
    }

    /// What drives it
    #[cfg(feature = "std")]
    pub(crate) const fn driver(&mut self) -> &mut Driver<C, K> {
        &mut self.driver
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
    pub fn connect(url: &str) -> impl Future<Output = Result<Self, ConnectError>> + use<C> {
        Self::builder(url).connect()
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
        self.get_mut().driver.poll_next(&mut Wake::new(cx))
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
        let room = |it: &Driver<C, K>| it.backlog.has_room(&it.settings().queue);
        self.get_mut().driver.poll_room(&mut Wake::new(cx), room).map(Ok)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), SendError> {
        let driver = &mut self.get_mut().driver;
        let queue = driver.settings().queue;
        if let Some(cause) = over(driver.outcome(), driver.is_closing()) {
            return Err(SendError::Over { message, cause: Some(cause) });
        }
        if !queue.takes(&message) {
            return Err(SendError::TooLarge { message, queue });
        }
        if !driver.backlog.has_room(&queue) {
            return Err(SendError::Full { message, queue });
        }
        driver.accept(message);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let (driver, wake) = (&mut self.get_mut().driver, &mut Wake::new(cx));
        driver.pump(wake);
        while driver.backlog.has_outgoing() && !driver.state.is_over() && !driver.is_stuck() {
            // It may have written all that waited and wait for the peer alone.
            if driver.poll_step_unread(wake).is_pending() && driver.backlog.has_outgoing() {
                return Poll::Pending;
            }
        }
        ready!(driver.poll_written(wake));
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let driver = &mut self.get_mut().driver;
        driver.begin_close_after(false);
        ready!(driver.poll_unread(&mut Wake::new(cx)));
        Poll::Ready(Ok(()))
    }
}

impl<C: Connect, K: Timer> fmt::Debug for Client<C, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("settings", self.driver.settings())
            .field("reconnect", &self.driver.reconnect)
            .field("tally", &self.driver.tally())
            .field("outcome", &self.driver.outcome())
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
