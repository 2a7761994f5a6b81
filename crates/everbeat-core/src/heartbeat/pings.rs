//! Which Pong answers which Ping. Two Pings are remembered, the oldest unanswered and the newest:
//! on a road slower than the interval the oldest is answered in time, and a peer that answers only
//! the newest (RFC 6455, section 5.5.3) is understood too.
//!
//! Beats of one's own have no payload that tells their answers apart: those are matched in order,
//! and what was sent between the two is counted.

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
    /// How many were sent between the two
    between: u32,
    newest: Option<Sent>,
}

impl Pings {
    /// Draws the payload of a new Ping: random, so that no Pong of another connection matches
    pub(super) fn send(&mut self, rng: &mut Rng) -> [u8; 8] {
        let payload = rng.u64(..).to_be_bytes();
        self.remember(Sent { payload, flushed_at: None, mark: 0 });
        payload
    }

    /// A beat of one's own was sent, which has no payload
    pub(super) fn send_own(&mut self, mark: u64) {
        self.remember(Sent { payload: [0; 8], flushed_at: None, mark });
    }

    fn remember(&mut self, sent: Sent) {
        if self.oldest.is_none() {
            self.oldest = Some(sent);
        } else if self.newest.replace(sent).is_some() {
            self.between = self.between.saturating_add(1);
        }
    }

    /// Whether no answer is awaited any more
    pub(super) const fn are_settled(&self) -> bool {
        self.oldest.is_none()
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
            *self = Self { oldest: self.newest.take(), ..Self::default() };
        } else if !matches(&self.oldest) {
            return None;
        }
        self.between = 0;
        core::mem::replace(&mut self.oldest, self.newest.take())
    }

    /// The oldest beat that is not answered, which is the one that an answer belongs to
    pub(super) fn answer_in_order(&mut self) -> Option<Sent> {
        let answered = self.oldest?;
        self.oldest = match self.between.checked_sub(1) {
            // Of the next one nothing is known but that it proves no less.
            Some(left) => {
                self.between = left;
                Some(Sent { flushed_at: None, ..answered })
            }
            None => self.newest.take(),
        };
        Some(answered)
    }

    fn latest(&mut self) -> Option<&mut Sent> {
        self.newest.as_mut().or(self.oldest.as_mut())
    }
}
