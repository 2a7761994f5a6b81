//! What one way of a link is like: words that a test says, and the times that follow from them. Pure.

use std::time::Duration;

use everbeat_netns::Rate;

/// Which way a packet goes
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a link has two ends")]
pub enum Way {
    /// From the near wire to the far one
    Out,
    /// And back
    Back,
}

impl Way {
    /// Both of them
    pub const BOTH: [Self; 2] = [Self::Out, Self::Back];
}

/// One way of a link; by default a perfect one
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "what a test asks for")]
pub struct Shape {
    /// How long each packet is on its way
    pub delay: Duration,
    /// And how much longer at most, each by chance; none overtakes another
    pub jitter: Duration,
    /// Of a thousand packets, how many are lost by chance
    pub loss: u16,
    /// How fast it is, if there is an end to that
    ///
    /// The packet that is being sent is among those that wait. A queue of more than a round trip's
    /// bytes is what is called bufferbloat: who fills it delays everybody by all that it holds.
    pub rate: Option<Rate>,
    /// Nothing arrives: a black hole, and what was under way when it opened is in it
    pub hole: bool,
}

/// How long so many bytes take; a rate of nothing takes for ever, which is some days
pub(crate) fn takes(rate: Rate, bytes: usize) -> Duration {
    let bits = (bytes as u64).saturating_mul(8);
    Duration::from_nanos(bits.saturating_mul(1_000_000_000) / u64::from(rate.bits).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_of_bits() {
        let rate = Rate { bits: 1_000_000, queue: 0 };
        assert_eq!(takes(rate, 1_250), Duration::from_millis(10));
        assert!(takes(Rate { bits: 0, queue: 0 }, 1_500) > Duration::from_secs(3_600));
    }
}
