//! The round trip as a sender estimates it, and the timeout that follows (RFC 6298).

use std::time::Duration;

/// A round-trip estimate
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rtt {
    /// Smoothed, and how far samples are from it on average
    estimate: Option<(Duration, Duration)>,
}

impl Rtt {
    /// The timeout before there is a sample (RFC 6298, section 2.1)
    const FIRST: Duration = Duration::from_secs(1);
    /// What Linux leaves at least for the round trip's variation
    const LEAST: Duration = Duration::from_millis(200);
    /// The longest timeout, as Linux has it
    pub(crate) const MOST: Duration = Duration::from_secs(120);

    /// Takes a sample (RFC 6298, sections 2.2 and 2.3)
    pub(crate) fn sample(&mut self, sample: Duration) {
        self.estimate = Some(match self.estimate {
            None => (sample, sample / 2),
            Some((smoothed, variation)) => {
                let off = smoothed.abs_diff(sample);
                ((smoothed * 7 + sample) / 8, (variation * 3 + off) / 4)
            }
        });
    }

    /// Whether there is a sample
    pub(crate) const fn is_known(&self) -> bool {
        self.estimate.is_some()
    }

    /// How long to wait for an acknowledgement after so many timeouts in a row
    ///
    /// The least is Linux's: 200 ms beyond the round trip, not 200 ms in all, so that a steady road
    /// has no timeouts for nothing.
    pub(crate) fn timeout(&self, backoff: u32) -> Duration {
        let timeout = match self.estimate {
            None => Self::FIRST,
            Some((smoothed, variation)) => smoothed + (variation * 4).max(Self::LEAST),
        };
        timeout.saturating_mul(1 << backoff.min(16)).min(Self::MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_timeout_follows_the_samples() {
        let mut rtt = Rtt::default();
        assert_eq!(rtt.timeout(0), Duration::from_secs(1));
        rtt.sample(100 * MS);
        assert_eq!(rtt.timeout(0), 100 * MS + 4 * 50 * MS);
        for _ in 0..100 {
            rtt.sample(100 * MS);
        }
        assert_eq!(rtt.timeout(0).as_millis(), 300, "the variation is gone, the least is left");
        rtt.sample(900 * MS);
        assert_eq!(rtt.timeout(0).as_millis(), 200 + 4 * 200);
    }

    #[test]
    fn it_doubles_up_to_two_minutes() {
        let mut rtt = Rtt::default();
        rtt.sample(Duration::ZERO);
        let seconds = |backoff| rtt.timeout(backoff).as_secs_f64();
        assert_eq!((seconds(0), seconds(1), seconds(2)), (0.2, 0.4, 0.8));
        assert_eq!((seconds(9), seconds(10), seconds(60)), (102.4, 120.0, 120.0));
    }
}
