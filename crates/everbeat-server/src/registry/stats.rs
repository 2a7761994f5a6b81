//! What is known of one live connection: its [`Stats`].

use std::time::Duration;

use everbeat_core::time::Instant;

use super::Record;

/// What is known of a connection, as of when its task last had something to do
///
/// Its numbers are written one by one while they are read, so that one may be newer than another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// How long ago its upgrade was done
    pub age: Duration,
    /// How long ago the peer was last heard, a byte of it
    pub silent_for: Duration,
    /// From a Ping to its Pong, smoothed; `None` before the first
    pub round_trip: Option<Duration>,
    /// Bytes received
    pub received: u64,
    /// Bytes that the operating system took; 0 if the transport cannot tell
    pub sent: u64,
    /// Messages that others have left for it and that wait
    pub queued: usize,
    /// Their bytes of payload
    pub queued_bytes: usize,
}

impl Stats {
    pub(super) fn of<P: ?Sized>(record: &Record<P>, now: Instant) -> Self {
        let (received, sent) = record.bytes();
        let (queued, queued_bytes) = record.queued();
        Self {
            age: now.saturating_duration_since(record.opened()),
            silent_for: now.saturating_duration_since(record.heard_at()),
            round_trip: record.round_trip(),
            received,
            sent,
            queued,
            queued_bytes,
        }
    }
}
