//! Round trips: the last, the smoothed and the shortest.

use core::time::Duration;

/// How long Pings took to be answered, from flush to Pong
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoundTrip {
    /// The latest
    pub last: Duration,
    /// Smoothed with a weight of 1/8 for each new one, as TCP does (RFC 6298, section 2)
    pub smoothed: Duration,
    /// The shortest of the connection
    pub minimum: Duration,
}

impl RoundTrip {
    pub(super) fn sample(slot: &mut Option<Self>, last: Duration) {
        *slot = Some(match *slot {
            None => Self { last, smoothed: last, minimum: last },
            Some(old) => Self {
                last,
                smoothed: old.smoothed * 7 / 8 + last / 8,
                minimum: old.minimum.min(last),
            },
        });
    }
}
