//! The receiving half of a stream: what has come in order and was not read yet, how much room is
//! left, and what is acknowledged. Pure.

use std::collections::VecDeque;

use everbeat_core::time::Instant;

use super::packet::{Ack, Parcel};

/// The receiving half of a stream
#[derive(Debug, Default)]
pub(crate) struct Receiver {
    /// The number of the first piece that is missing
    next: u64,
    landed: VecDeque<Parcel>,
    /// Bytes of the stream that were read, or will never be
    read: u64,
    /// Bytes that came from outside of the stream and were not read: they need no room in it
    struck: u64,
    newest: u64,
    echo: Option<Instant>,
    /// The edge that the sender was told
    told: u64,
    owes: bool,
}

impl Receiver {
    /// The number of the piece that is to come next
    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    /// A transmission arrived: it is to be acknowledged, whatever it brought
    pub(crate) fn hear(&mut self, transmission: u64, sent: Instant) {
        if transmission > self.newest {
            (self.newest, self.echo) = (transmission, Some(sent));
        }
        self.owes = true;
    }

    /// Somebody asks for an acknowledgement
    pub(crate) const fn owe(&mut self) {
        self.owes = true;
    }

    /// Whether an acknowledgement is owed
    pub(crate) const fn owes(&self) -> bool {
        self.owes
    }

    /// The piece that was to come next has come
    pub(crate) const fn advance(&mut self) {
        self.next += 1;
    }

    /// Lays a parcel where the reader finds it; one that is not the stream's needs no room in it
    pub(crate) fn land(&mut self, parcel: Parcel, struck: bool) {
        if struck {
            self.struck += parcel.bytes as u64;
        }
        self.landed.push_back(parcel);
    }

    /// Nobody will read these bytes of the stream, so that they need no room
    pub(crate) const fn swallow(&mut self, bytes: usize) {
        self.read += bytes as u64;
    }

    /// The reader takes the next parcel
    pub(crate) fn read(&mut self) -> Option<Parcel> {
        let parcel = self.landed.pop_front()?;
        let bytes = parcel.bytes as u64;
        let struck = self.struck.min(bytes);
        self.struck -= struck;
        self.read += bytes - struck;
        Some(parcel)
    }

    /// Whether there is something to read
    pub(crate) fn is_readable(&self) -> bool {
        !self.landed.is_empty()
    }

    /// Whether there are bytes that the reader never took
    pub(crate) fn has_unread_bytes(&self) -> bool {
        self.landed.iter().any(|parcel| parcel.bytes > 0)
    }

    /// Nobody will read what has landed
    pub(crate) fn discard(&mut self) {
        self.landed.clear();
    }

    /// Whether so much more room has become free that the sender is to be told: half the window
    /// (RFC 9293, section 3.8.6.2.2)
    pub(crate) fn has_news(&self, window: usize) -> bool {
        self.edge(window).saturating_sub(self.told) >= (window as u64 / 2).max(1)
    }

    /// What the sender is told now
    pub(crate) fn tell(&mut self, window: usize) -> Ack {
        self.owes = false;
        self.told = self.told.max(self.edge(window));
        Ack { next: self.next, newest: self.newest, echo: self.echo.take(), edge: self.told }
    }

    /// The window has another size from now on; the edge of the room
    pub(crate) fn refit(&mut self, window: usize) -> u64 {
        self.told = self.edge(window);
        self.told
    }

    const fn edge(&self, window: usize) -> u64 {
        self.read.saturating_add(window as u64)
    }
}
