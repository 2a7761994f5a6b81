//! Which Pong answers which Ping. Two Pings are remembered, the oldest unanswered and the newest:
//! on a road slower than the interval the oldest is answered in time, and a peer that answers only
//! the newest (RFC 6455, section 5.5.3) is understood too.

use fastrand::Rng;

use crate::time::Instant;

/// A Ping that may still be answered
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    payload: [u8; 8],
    /// `None` while it waits to be written
    pub(super) flushed_at: Option<Instant>,
    /// What an answer proves
    pub(super) mark: u64,
}

#[derive(Debug, Default)]
pub(super) struct Pings {
    oldest: Option<Sent>,
    newest: Option<Sent>,
}

impl Pings {
    /// Draws the payload of a new Ping: random, so that no Pong of another connection matches
    pub(super) fn send(&mut self, rng: &mut Rng) -> [u8; 8] {
        let payload = rng.u64(..).to_be_bytes();
        let sent = Some(Sent { payload, flushed_at: None, mark: 0 });
        *(if self.oldest.is_none() { &mut self.oldest } else { &mut self.newest }) = sent;
        payload
    }

    pub(super) fn mark(&mut self, mark: u64) {
        if let Some(sent) = self.latest() {
            sent.mark = mark;
        }
    }

    pub(super) fn flushed(&mut self, now: Instant) {
        if let Some(sent) = self.latest() {
            sent.flushed_at.get_or_insert(now);
        }
    }

    /// The Ping that this Pong answers, if it is one of ours; older ones are settled with it
    pub(super) fn answer(&mut self, payload: &[u8]) -> Option<Sent> {
        let matches = |sent: &Option<Sent>| sent.is_some_and(|sent| sent.payload == payload);
        if matches(&self.newest) {
            self.oldest = None;
            return self.newest.take();
        }
        if matches(&self.oldest) {
            return core::mem::replace(&mut self.oldest, self.newest.take());
        }
        None
    }

    fn latest(&mut self) -> Option<&mut Sent> {
        self.newest.as_mut().or(self.oldest.as_mut())
    }
}
