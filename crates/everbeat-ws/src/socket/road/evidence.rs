//! Evidence from three numbers, whatever a kernel counts besides.

use std::num::NonZeroU64;
use std::time::Duration;

use everbeat_core::transport::PathEvidence;

/// What a kernel had counted where the scale begins
///
/// As its complement: no kernel has counted to the end, so that there is a value left that says that
/// there is no road, and a connection does not pay eight bytes for that bit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Base(NonZeroU64);

impl Base {
    pub(super) fn new(count: u64) -> Self {
        Self(NonZeroU64::new(!count).unwrap_or(NonZeroU64::MIN))
    }

    pub(super) const fn get(self) -> u64 {
        !self.0.get()
    }
}

/// What a kernel told, once it is on the scale of `sent`
pub(super) fn evidence(sent: u64, acknowledged: u64, waiting: u64, last: Duration) -> PathEvidence {
    let mut evidence = PathEvidence::default();
    // More than was sent is a FIN, or what somebody else wrote.
    evidence.acknowledged = acknowledged.min(sent);
    evidence.unsent = sent - evidence.acknowledged;
    evidence.waiting = waiting.min(evidence.unsent);
    evidence.last_acknowledged = last;
    evidence
}
