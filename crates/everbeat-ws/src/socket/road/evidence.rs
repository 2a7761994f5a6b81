//! Evidence from three numbers, whatever a kernel counts besides.

use std::time::Duration;

use everbeat_core::transport::PathEvidence;

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
