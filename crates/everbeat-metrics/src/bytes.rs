//! How many bytes of a connection have been counted, so that each is counted once.

/// What was counted of one connection
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bytes {
    received: u64,
    sent: u64,
}

impl Bytes {
    /// So many there are in all by now: how many are new, in and out
    pub(crate) fn grow(&mut self, received: u64, sent: u64) -> (u64, u64) {
        // Its numbers are read one by one, and what a task has not noted yet may be behind
        let new = (received.saturating_sub(self.received), sent.saturating_sub(self.sent));
        self.received = self.received.max(received);
        self.sent = self.sent.max(sent);
        new
    }
}

#[test]
fn each_byte_counts_once_and_none_is_taken_back() {
    let mut bytes = Bytes::default();
    assert_eq!(bytes.grow(10, 5), (10, 5));
    assert_eq!(bytes.grow(12, 4), (2, 0));
    assert_eq!(bytes.grow(12, 6), (0, 1));
}
