//! A queue in user space before a transport: what was accepted goes out in order, a Ping behind the
//! messages before it. Knows how many bytes the operating system has not taken.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use everbeat_core::transport::{Outgoing, Transport};

/// A transport with an unbounded queue before it
#[derive(Debug)]
pub(super) struct Queue<T> {
    transport: T,
    waiting: VecDeque<Outgoing>,
    /// Payload of what waits
    bytes: usize,
    /// Payload of what the transport was given last, and how much had been written before
    given: (usize, u64),
}

impl<T: Transport + Unpin> Queue<T> {
    pub(super) fn new(transport: T) -> Self {
        let written = transport.sent();
        Self { transport, waiting: VecDeque::new(), bytes: 0, given: (0, written) }
    }

    pub(super) fn transport(&mut self) -> Pin<&mut T> {
        Pin::new(&mut self.transport)
    }

    /// Accepts something
    pub(super) fn push(&mut self, outgoing: Outgoing) {
        self.bytes += payload(&outgoing);
        self.waiting.push_back(outgoing);
    }

    /// How many bytes of payload the operating system has not taken
    ///
    /// A transport that does not tell what it has written is taken to have written nothing of what
    /// it was given, until it has written all of it.
    pub(super) fn unwritten(&self) -> usize {
        let (given, before) = self.given;
        let written = self.transport.sent().saturating_sub(before);
        self.bytes + given.saturating_sub(usize::try_from(written).unwrap_or(usize::MAX))
    }

    /// Writes what can be written, one thing after the other; how many messages that finished
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<u64, T::Error> {
        let mut messages = 0;
        loop {
            let Poll::Ready(flushed) = self.transport().poll_flush(cx) else {
                return Ok(messages);
            };
            flushed?;
            messages += u64::from(self.given.0 > 0);
            self.given = (0, self.transport.sent());
            if let Some(Outgoing::Message(_)) = self.waiting.front() {
                let Poll::Ready(room) = self.transport().poll_ready(cx) else {
                    return Ok(messages);
                };
                room?;
            }
            let Some(outgoing) = self.waiting.pop_front() else {
                return Ok(messages);
            };
            let bytes = payload(&outgoing);
            self.bytes -= bytes;
            self.given.0 = bytes;
            self.transport().start_send(outgoing)?;
        }
    }
}

/// What counts for how full the queue is: a control frame is too short to matter
fn payload(outgoing: &Outgoing) -> usize {
    match outgoing {
        Outgoing::Message(message) => message.len(),
        _ => 0,
    }
}
