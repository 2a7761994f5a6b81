//! Which message met which fate, read from the counts that a client gives.

use std::collections::VecDeque;

use everbeat_core::outcome::Tally;
use serde::{Deserialize, Serialize};

/// What became of a message
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "there is no fourth, and programs count each")]
pub enum Fate {
    /// Proven to have arrived
    Delivered,
    /// Never written, and handed back
    Unsent,
    /// Written without proof, and handed back
    Unconfirmed,
}

/// Which message met which fate
///
/// The client settles fates in the order of acceptance and counts them; so the numbers that wait
/// for a fate form a queue, and each count that has grown takes from its front. The counts are
/// looked at often enough that a connection's delivered messages are seen before its unconfirmed
/// ones, and those before the next connection's.
#[derive(Debug, Serialize, Deserialize)]
pub struct Fates {
    next: u64,
    waiting: VecDeque<u64>,
    /// Needed as long as something may be settled
    #[serde(skip)]
    seen: Tally,
}

impl Default for Fates {
    fn default() -> Self {
        Self { next: 1, waiting: VecDeque::new(), seen: Tally::default() }
    }
}

impl Fates {
    /// The number of the next message; 1 is the first
    #[must_use]
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// The next message was accepted; its number
    pub fn accepted(&mut self) -> u64 {
        let id = self.next;
        self.waiting.push_back(id);
        self.next += 1;
        id
    }

    /// How many messages have met no fate
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// What was settled since this was last asked
    pub fn take(&mut self, tally: Tally) -> Vec<(Fate, Vec<u64>)> {
        let grown = [
            (Fate::Delivered, tally.delivered - self.seen.delivered),
            (Fate::Unconfirmed, tally.unconfirmed - self.seen.unconfirmed),
            (Fate::Unsent, tally.unsent - self.seen.unsent),
        ];
        self.seen = tally;
        let mut settled = Vec::new();
        for (fate, count) in grown {
            let count = usize::try_from(count).unwrap_or(usize::MAX).min(self.waiting.len());
            if count > 0 {
                settled.push((fate, self.waiting.drain(..count).collect()));
            }
        }
        settled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fates_are_given_in_the_order_of_acceptance() {
        let mut fates = Fates::default();
        assert!((1..=6).all(|id| fates.next() == id && fates.accepted() == id));
        let mut tally = Tally::default();
        assert_eq!(fates.take(tally), []);
        (tally.delivered, tally.unconfirmed) = (2, 1);
        let expected = [(Fate::Delivered, vec![1, 2]), (Fate::Unconfirmed, vec![3])];
        assert_eq!(fates.take(tally), expected);
        (tally.delivered, tally.unsent) = (3, 2);
        let expected = [(Fate::Delivered, vec![4]), (Fate::Unsent, vec![5, 6])];
        assert_eq!(fates.take(tally), expected);
        assert_eq!(fates.waiting(), 0);
    }
}
