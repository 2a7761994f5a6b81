//! One client, counted by its events and its account.

use std::fmt;

use everbeat_core::outcome::{Disconnected, Tally};
use everbeat_core::time::Timer;
use everbeat_core::transport::{Connect, Transport};
use everbeat_core::{Client, Event};
use metrics::{Counter, Histogram, counter, histogram};

use crate::bytes::Bytes;
use crate::counts::Counts;
use crate::{names, reason};

/// Counts what one [`Client`] does
///
/// Give it each event that the client yields, in their order, and let it look at the client now and
/// then, and once when it is over. All clients of a process count together. Made before a recorder is
/// installed it counts nothing. Dropped while a connection stands, that one is no longer counted as
/// open, and its end is [untold](crate::REASONS).
pub struct ClientMetrics {
    counts: Counts,
    attempts: Counter,
    took: Histogram,
    /// An attempt was told that has not been decided yet
    trying: bool,
    /// A connection stands, as far as was told
    up: bool,
    /// What was counted of the client's account
    tally: Tally,
    /// And of the present connection
    bytes: Bytes,
}

impl ClientMetrics {
    /// Of a client of which nothing was counted yet
    #[must_use]
    pub fn new() -> Self {
        Self {
            counts: Counts::new("client"),
            attempts: counter!(names::ATTEMPTS),
            took: histogram!(names::CONNECT),
            trying: false,
            up: false,
            tally: Tally::default(),
            bytes: Bytes::default(),
        }
    }

    /// Counts an event
    ///
    /// One for a message adds one number; no lock is taken for it, nor the clock read.
    pub fn event(&mut self, event: &Event) {
        self.counts.event(event);
        match event {
            Event::Connecting { .. } => {
                self.trying = true;
                self.attempts.increment(1);
            }
            Event::Connected { attempt, took, .. } => {
                // Whoever awaits `connect` is not told of the attempts before it has returned.
                if !std::mem::take(&mut self.trying) {
                    self.attempts.increment((*attempt).into());
                }
                self.took.record(took.as_secs_f64());
                self.untold();
                self.counts.opened();
                self.up = true;
                self.bytes = Bytes::default();
            }
            Event::Disconnected(end) | Event::Closed(end) => self.ended(end),
            Event::GaveUp(end) => {
                self.ended(end);
                let reason = reason::of(&end.cause);
                counter!(names::GAVE_UP, "reason" => reason).increment(1);
            }
            _ => {}
        }
    }

    /// Looks at the client: what became of its messages, the bytes and the round trip of the connection
    /// that stands
    ///
    /// Call it every ten seconds or so, in between its events, and once behind the last.
    pub fn sample<C: Connect, K: Timer + Clone>(&mut self, client: &Client<C, K>) {
        let (now, before) = (client.tally(), std::mem::replace(&mut self.tally, client.tally()));
        let Counts { accepted, delivered, unsent, unconfirmed, .. } = &self.counts;
        accepted.increment(now.accepted.saturating_sub(before.accepted));
        delivered.increment(now.delivered.saturating_sub(before.delivered));
        unsent.increment(now.unsent.saturating_sub(before.unsent));
        unconfirmed.increment(now.unconfirmed.saturating_sub(before.unconfirmed));
        if let Some(connection) = client.connection().filter(|_| self.up) {
            let transport = connection.transport();
            let new = self.bytes.grow(transport.received(), transport.sent());
            self.counts.bytes(new);
            if let Some(round_trip) = connection.round_trip() {
                self.counts.round_trip(round_trip.smoothed);
            }
        }
    }

    /// A connection ended, or an attempt failed, or it was closed while there was neither
    fn ended(&mut self, end: &Disconnected) {
        let trying = std::mem::take(&mut self.trying);
        if std::mem::take(&mut self.up) {
            self.counts.ended(&end.cause);
            let new = self.bytes.grow(end.evidence.received, end.evidence.sent);
            self.counts.bytes(new);
        } else if trying {
            let reason = reason::of(&end.cause);
            counter!(names::FAILURES, "reason" => reason).increment(1);
        }
    }

    /// That the connection before has ended was not read, or never will be
    fn untold(&mut self) {
        if std::mem::take(&mut self.up) {
            self.counts.closed(reason::UNTOLD);
        }
    }
}

impl Drop for ClientMetrics {
    fn drop(&mut self) {
        self.untold();
    }
}

impl Default for ClientMetrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ClientMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientMetrics")
            .field("up", &self.up)
            .field("tally", &self.tally)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}
