//! Halves for tasks of their own: a [`Sender`] and a [`Receiver`] over bounded queues, and the
//! [`Pump`] that owns the connection. No lock is held around a transport.

mod shared;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_sink::Sink;
use pin_project::pin_project;

use self::shared::Shared;
use crate::client::{Client, Queue, SendError};
use crate::connection::Connection;
use crate::event::Event;
use crate::message::Message;
use crate::time::Timer;
use crate::transport::{Connect, Transport};

/// What can be split: a [`Connection`] or a [`Client`]
pub trait Drive: Stream<Item = Event> + Sink<Message> + sealed::Sealed {
    /// Keeps the beat while nobody reads; never reads more than one message ahead
    fn drive_unread(self: Pin<&mut Self>, cx: &mut Context<'_>);
}

mod sealed {
    #[expect(unnameable_types, reason = "the point of sealing")]
    pub trait Sealed {}
}

impl<T: Transport, K: Timer> sealed::Sealed for Connection<T, K> {}
impl<T: Transport, K: Timer> Drive for Connection<T, K> {
    fn drive_unread(self: Pin<&mut Self>, cx: &mut Context<'_>) {
        // Ready only with the end, which is read as the last event.
        let _ = self.poll_ahead(cx);
    }
}

impl<C: Connect, K: Timer + Clone> sealed::Sealed for Client<C, K> {}
impl<C: Connect, K: Timer + Clone> Drive for Client<C, K> {
    fn drive_unread(mut self: Pin<&mut Self>, cx: &mut Context<'_>) {
        while self.outcome().is_none() && self.as_mut().poll_unread(cx).is_ready() {}
    }
}

/// Splits a connection or client into halves for tasks of their own
///
/// The pump is to be spawned, or awaited beside the halves: nothing moves without it. Outgoing
/// messages are bounded by `queue`, incoming events by 64; both queues allocate on first use.
///
/// Dropping both halves closes politely, within the driver's `close_timeout`.
pub fn split<D: Drive>(driver: D, queue: Queue) -> (Sender, Receiver, Pump<D>) {
    let shared = Arc::new(Shared::new(queue));
    let pump = Pump { driver, shared: shared.clone(), last: None };
    (Sender::new(shared.clone()), Receiver { shared }, pump)
}

/// The sending half; clones share one queue
#[derive(Debug)]
pub struct Sender {
    shared: Arc<Shared>,
}

impl Sender {
    fn new(shared: Arc<Shared>) -> Self {
        shared.lock().senders += 1;
        Self { shared }
    }

    /// Queues a message, and waits for room if there is none
    ///
    /// # Errors
    ///
    /// The message is larger than the queue, or the connection is over; the error hands it back.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if the future is dropped before it completes, nothing was accepted.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        let mut message = Some(message.into());
        poll_fn(|cx| {
            let Some(offered) = message.take() else {
                return Poll::Ready(Ok(()));
            };
            match self.shared.offer(offered, Some(cx.waker())) {
                Err(SendError::Full { message: back, .. }) => {
                    message = Some(back);
                    Poll::Pending
                }
                done => Poll::Ready(done),
            }
        })
        .await
    }

    /// Queues a message without waiting
    ///
    /// # Errors
    ///
    /// The queue is full, the message is larger than it, or the connection is over.
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        self.shared.offer(message.into(), None)
    }
}

impl Sender {
    /// Asks the pump to close politely; the end is the receiver's last event
    ///
    /// Returns when the connection is over, or at once if it is already.
    ///
    /// # Cancel safety
    ///
    /// Once polled, the close goes on even if the future is dropped.
    pub async fn close(&self) {
        poll_fn(|cx| self.shared.poll_close(cx)).await;
    }
}

impl Clone for Sender {
    fn clone(&self) -> Self {
        Self::new(self.shared.clone())
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let mut queues = self.shared.lock();
        queues.senders -= 1;
        queues.wake_pump();
    }
}

/// The receiving half: a `Stream` of events
#[derive(Debug)]
pub struct Receiver {
    shared: Arc<Shared>,
}

impl Receiver {
    /// The next event; `None` after the last
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if the future is dropped, no event is lost.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl Stream for Receiver {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.shared.poll_receive(cx)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let mut queues = self.shared.lock();
        queues.receiver = false;
        queues.incoming.clear();
        queues.wake_pump();
    }
}

/// Owns the connection and moves messages between it and the halves
///
/// Completes when the connection is over. Dropping it drops the connection without a Close.
#[pin_project(PinnedDrop)]
#[derive(Debug)]
#[must_use = "nothing moves unless the pump is spawned or awaited"]
pub struct Pump<D> {
    #[pin]
    driver: D,
    shared: Arc<Shared>,
    /// The last event, until the receiver has room for it
    last: Option<Event>,
}

impl<D: Drive> Future for Pump<D> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.shared.lock().pump = Some(cx.waker().clone());
        loop {
            if self.as_mut().hand_over() {
                return Poll::Ready(());
            }
            self.as_mut().pump_out(cx);
            let mut this = self.as_mut().project();
            if this.shared.is_closing() {
                // The end is an event of its own, success or not; it is read below.
                ready!(this.driver.as_mut().poll_close(cx)).ok();
            }
            if this.shared.has_room() {
                match ready!(this.driver.as_mut().poll_next(cx)) {
                    Some(event) => *this.last = Some(event),
                    None => return Poll::Ready(()),
                }
            } else {
                // Nobody reads: the beat goes on, and a slow reader slows the peer, not us.
                this.driver.drive_unread(cx);
                return Poll::Pending;
            }
        }
    }
}

impl<D: Drive> Pump<D> {
    /// Gives the receiver what was read; whether that was the end
    fn hand_over(self: Pin<&mut Self>) -> bool {
        let this = self.project();
        this.last.take().is_some_and(|event| this.shared.deliver(event))
    }

    fn pump_out(self: Pin<&mut Self>, cx: &mut Context<'_>) {
        let mut this = self.project();
        let mut wrote = false;
        // Errors are left to the driver's last event.
        while this.shared.has_outgoing() {
            let Poll::Ready(Ok(())) = this.driver.as_mut().poll_ready(cx) else {
                break;
            };
            let Some(message) = this.shared.take_outgoing() else {
                break;
            };
            let _ = this.driver.as_mut().start_send(message);
            wrote = true;
        }
        if wrote {
            let _ = this.driver.poll_flush(cx);
        }
    }
}

#[pin_project::pinned_drop]
impl<D> PinnedDrop for Pump<D> {
    fn drop(self: Pin<&mut Self>) {
        self.shared.close();
    }
}
