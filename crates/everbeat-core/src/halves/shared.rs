//! What the halves and their pump share: two bounded queues and the wakers of whoever waits.

use std::boxed::Box;
use std::collections::VecDeque;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::vec::Vec;

use crate::cause::Cause;
use crate::client::{Outbox, Queue, SendError};
use crate::event::Event;
use crate::message::Message;

/// Events that wait to be read before the pump stops to read: enough for a burst, little to hold
const INCOMING: usize = 64;

#[derive(Debug)]
pub(super) struct Shared {
    limit: Queue,
    queues: Mutex<Queues>,
}

#[derive(Debug)]
pub(super) struct Queues {
    outgoing: Outbox,
    pub(super) incoming: VecDeque<Event>,
    pub(super) senders: usize,
    pub(super) receiver: bool,
    closing: bool,
    over: bool,
    /// Why, if the driver said so
    cause: Option<Cause>,
    pub(super) pump: Option<Waker>,
    reader: Option<Waker>,
    /// Tasks of senders that wait, for room or for the end, by the numbers of their futures
    writers: Vec<(u64, Waker)>,
    /// The number of the latest such future
    latest: u64,
}

/// A future of a sender that may wait; dropped, it waits no longer
#[derive(Debug)]
pub(super) struct Waiting<'a> {
    shared: &'a Shared,
    number: Option<u64>,
}

impl Waiting<'_> {
    fn wait(&mut self, queues: &mut Queues, waker: &Waker) {
        let number = *self.number.get_or_insert_with(|| {
            queues.latest += 1;
            queues.latest
        });
        match queues.writers.iter_mut().find(|(writer, _)| *writer == number) {
            Some((_, known)) => known.clone_from(waker),
            None => queues.writers.push((number, waker.clone())),
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.shared.lock().writers.retain(|(writer, _)| *writer != number);
        }
    }
}

impl Queues {
    pub(super) fn wake_pump(&self) {
        if let Some(pump) = &self.pump {
            pump.wake_by_ref();
        }
    }
}

impl Shared {
    pub(super) fn new(limit: Queue) -> Self {
        Self {
            limit,
            queues: Mutex::new(Queues {
                outgoing: Outbox::default(),
                incoming: VecDeque::new(),
                senders: 0,
                receiver: true,
                closing: false,
                over: false,
                cause: None,
                pump: None,
                reader: None,
                writers: Vec::new(),
                latest: 0,
            }),
        }
    }

    /// A panic elsewhere leaves the queues whole: every change to them is a single step
    pub(super) fn lock(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A future of a sender that may wait
    pub(super) const fn waiting(&self) -> Waiting<'_> {
        Waiting { shared: self, number: None }
    }

    /// Queues a message; if there is no room, the waiting future is woken once there is
    pub(super) fn offer(
        &self,
        message: Message,
        waiter: Option<(&mut Waiting<'_>, &Waker)>,
    ) -> Result<(), SendError> {
        let mut queues = self.lock();
        if queues.over || queues.closing {
            let closed = || queues.closing.then_some(Cause::ClosedByUs);
            let cause = queues.cause.clone().or_else(closed).map(Box::new);
            return Err(SendError::Over { message, cause });
        }
        let offered = queues.outgoing.push(message, &self.limit);
        match (&offered, waiter) {
            (Ok(()), _) => queues.wake_pump(),
            (Err(SendError::Full { .. }), Some((waiting, waker))) => {
                waiting.wait(&mut queues, waker);
            }
            _ => {}
        }
        offered
    }

    pub(super) fn has_outgoing(&self) -> bool {
        !self.lock().outgoing.is_empty()
    }

    pub(super) fn take_outgoing(&self) -> Option<Message> {
        let (message, writers) = {
            let mut queues = self.lock();
            (queues.outgoing.pop(), mem::take(&mut queues.writers))
        };
        writers.into_iter().for_each(|(_, writer)| writer.wake());
        message
    }

    /// Whether there is more to send first, if somebody asked to close or nobody is left to ask for
    /// anything
    pub(super) fn closing(&self) -> Option<bool> {
        let queues = self.lock();
        let abandoned = !queues.receiver && queues.senders == 0;
        (queues.closing || abandoned).then(|| !queues.outgoing.is_empty())
    }

    /// Asks the pump to close; ready once the connection is over
    pub(super) fn poll_close(&self, waiting: &mut Waiting<'_>, cx: &Context<'_>) -> Poll<()> {
        let mut queues = self.lock();
        if queues.over {
            return Poll::Ready(());
        }
        queues.closing = true;
        waiting.wait(&mut queues, cx.waker());
        queues.wake_pump();
        Poll::Pending
    }

    pub(super) fn has_room(&self) -> bool {
        let queues = self.lock();
        !queues.receiver || queues.incoming.len() < INCOMING
    }

    /// Gives the receiver an event; whether it was the last
    pub(super) fn deliver(&self, mut event: Event) -> bool {
        let mut queues = self.lock();
        let last = match &mut event {
            Event::Closed(end) | Event::GaveUp(end) => Some(end),
            Event::Disconnected(end) if end.retry_in.is_none() => Some(end),
            _ => None,
        };
        let is_last = last.is_some();
        if let Some(end) = last {
            // What the halves had queued was accepted too, and is not forgotten.
            end.unsent.extend(queues.outgoing.drain());
            queues.over = true;
            queues.cause = Some(end.cause.clone());
        }
        if queues.receiver {
            queues.incoming.push_back(event);
        }
        let reader = queues.reader.take();
        let writers = if is_last { mem::take(&mut queues.writers) } else { Vec::new() };
        drop(queues);
        let writers = writers.into_iter().map(|(_, writer)| writer);
        reader.into_iter().chain(writers).for_each(Waker::wake);
        is_last
    }

    pub(super) fn poll_receive(&self, cx: &Context<'_>) -> Poll<Option<Event>> {
        let mut queues = self.lock();
        if let Some(event) = queues.incoming.pop_front() {
            if queues.incoming.len() + 1 == INCOMING {
                queues.wake_pump();
            }
            return Poll::Ready(Some(event));
        }
        if queues.over {
            return Poll::Ready(None);
        }
        queues.reader = Some(cx.waker().clone());
        Poll::Pending
    }

    /// The pump is gone: nobody waits any longer
    pub(super) fn close(&self) {
        let (reader, writers) = {
            let mut queues = self.lock();
            queues.over = true;
            queues.pump = None;
            (queues.reader.take(), mem::take(&mut queues.writers))
        };
        let writers = writers.into_iter().map(|(_, writer)| writer);
        reader.into_iter().chain(writers).for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_send_that_was_given_up_waits_no_longer() {
        let shared = Shared::new(Queue::bounded(1, 10));
        assert!(shared.offer("fills".into(), None).is_ok());
        for _ in 0..1_000 {
            let mut waiting = shared.waiting();
            for _ in 0..2 {
                let refused = shared.offer("late".into(), Some((&mut waiting, Waker::noop())));
                assert!(matches!(refused, Err(SendError::Full { .. })));
            }
            assert_eq!(shared.lock().writers.len(), 1, "one future, polled twice");
        }
        assert_eq!(shared.lock().writers.len(), 0);
    }
}
