//! Halves for tasks of their own: a [`Sender`] and a [`Receiver`] over bounded queues, and the
//! [`Pump`] that owns the connection. No lock is held around a transport.

mod drive;
mod shared;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project::pin_project;

use self::shared::Shared;
use crate::client::{Client, Queue, SendError};
use crate::connection::Connection;
use crate::event::Event;
use crate::message::Message;
use crate::time::{Timer, Wake};
use crate::transport::{Connect, Transport};

/// Messages given to the driver in one poll before the task lets others run
const MESSAGES_PER_POLL: u32 = 64;

/// What can be split: a [`Connection`] or a [`Client`]
pub trait Drive: drive::Drive {}

impl<T: Transport, K: Timer> Drive for Connection<T, K> {}
impl<C: Connect, K: Timer + Clone> Drive for Client<C, K> {}

/// Splits a connection or client into halves for tasks of their own
///
/// The pump is to be spawned, or awaited beside the halves: nothing moves without it. Outgoing
/// messages are bounded by `queue`, incoming events by 64; both queues allocate on first use.
///
/// Dropping both halves closes politely: what was queued goes first, as far as it gets within the
/// driver's `close_timeout`.
///
/// While nobody receives, a message or two more than those 64 are read ahead, and the beat goes on.
pub fn split<D: Drive>(driver: D, queue: Queue) -> (Sender, Receiver, Pump<D>) {
    let shared = Arc::new(Shared::new(queue));
    let pump = Pump { driver, shared: shared.clone() };
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
        let mut waiting = self.shared.waiting();
        poll_fn(|cx| {
            let Some(offered) = message.take() else {
                return Poll::Ready(Ok(()));
            };
            match self.shared.offer(offered, Some((&mut waiting, cx.waker()))) {
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
    /// Asks the pump to close politely, what was queued first; the end is the receiver's last event
    ///
    /// Returns when the connection is over, or at once if it is already. What is not received by
    /// then but waits in the queue stays there; what comes behind it is dropped.
    ///
    /// # Cancel safety
    ///
    /// Once polled, the close goes on even if the future is dropped.
    pub async fn close(&self) {
        let mut waiting = self.shared.waiting();
        poll_fn(|cx| self.shared.poll_close(&mut waiting, cx)).await;
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
}

impl<D: Drive> Future for Pump<D> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.shared.lock().pump = Some(cx.waker().clone());
        let wake = &mut Wake::new(cx);
        let mut budget = MESSAGES_PER_POLL;
        loop {
            self.as_mut().pump_out(wake, &mut budget);
            let mut this = self.as_mut().project();
            if let Some(more) = this.shared.closing() {
                this.driver.as_mut().begin_close_after(more);
            }
            match this.driver.as_mut().poll_event(wake, this.shared.has_room()) {
                Poll::Ready(Some(event)) => {
                    if this.shared.deliver(event) {
                        return Poll::Ready(());
                    }
                }
                Poll::Ready(None) => {
                    this.shared.close();
                    return Poll::Ready(());
                }
                Poll::Pending if budget == 0 => {
                    wake.cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                // It may have made room for what waits here, and now wait for the peer alone.
                Poll::Pending => {
                    let waits = this.shared.has_outgoing();
                    if !waits || this.driver.as_mut().poll_room(wake).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }
}

impl<D: Drive> Pump<D> {
    /// Gives the driver what it has room for; what it has none for stays where it is
    fn pump_out(self: Pin<&mut Self>, wake: &mut Wake<'_, '_>, budget: &mut u32) {
        let mut this = self.project();
        let mut wrote = false;
        while *budget > 0
            && this.shared.has_outgoing()
            && this.driver.as_mut().poll_room(wake).is_ready()
        {
            if let Some(message) = this.shared.take_outgoing() {
                this.driver.as_mut().accept(message);
                wrote = true;
            }
            *budget -= 1;
        }
        if wrote {
            this.driver.write(wake);
        }
    }
}

#[pin_project::pinned_drop]
impl<D> PinnedDrop for Pump<D> {
    fn drop(self: Pin<&mut Self>) {
        self.shared.close();
    }
}
