//! What is known of one client's connection, from its own notes and from the server's.

use tokio::time::Instant;

use crate::note::{By, How};

/// One client's connection
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Life {
    /// When the present connection was made; `None` while there is none
    pub(crate) up_since: Option<Instant>,
    /// When a message of it last reached the server
    pub(crate) reached: Option<Instant>,
    /// The first end of a connection that the client has seen since the fault
    pub(crate) lost: Option<Seen>,
    /// The first end that the server has seen since the fault
    pub(crate) dropped: Option<Seen>,
    /// How often it tried to connect
    pub(crate) attempts: u64,
    /// It will not try again
    pub(crate) over: bool,
}

/// When an end was seen, and what it was
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) at: Instant,
    pub(crate) how: How,
    /// What it was dead by
    pub(crate) by: Option<By>,
}

impl Life {
    /// A fault begins: what was before does not count
    pub(crate) fn begin(&mut self) {
        (self.lost, self.dropped) = (None, None);
    }

    /// The client's connection has ended, or an attempt failed; whether there was a connection
    pub(crate) fn lost(&mut self, seen: Seen) -> bool {
        self.lost = self.lost.or_else(|| self.up_since.map(|_| seen));
        self.up_since.take().is_some()
    }

    pub(crate) fn dropped(&mut self, seen: Seen) {
        self.dropped = self.dropped.or(Some(seen));
    }

    /// When it was back after a repair: connected, and a message has reached the server
    pub(crate) fn back(&self, repaired: Instant) -> Option<Instant> {
        let (up, reached) = (self.up_since?, self.reached?);
        (up > repaired && reached > repaired).then(|| up.max(reached))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_the_end_of_a_connection_counts_and_only_the_first() {
        let now = Instant::now();
        let seen = |how| Seen { at: now, how, by: None };
        let mut life = Life::default();
        assert!(!life.lost(seen(How::Other)));
        assert!(life.lost.is_none());
        life.up_since = Some(now);
        assert!(life.lost(seen(How::Dead)));
        life.up_since = Some(now);
        life.lost(seen(How::Cut));
        assert_eq!(life.lost.map(|seen| seen.how), Some(How::Dead));
    }

    #[test]
    fn back_is_connected_and_heard() {
        let repaired = Instant::now();
        let after = repaired + Duration::from_secs(1);
        let mut life = Life { up_since: Some(after), reached: Some(repaired), ..Life::default() };
        assert_eq!(life.back(repaired), None);
        life.reached = Some(after);
        assert_eq!(life.back(repaired), Some(after));
        assert_eq!(life.back(after), None);
    }
}
