//! How long answers took: a count for each size of time, so that a million cost as much as a thousand.

use std::time::Duration;

/// Counts for each doubling, so that a value is off by a hundredth
const STEPS: u64 = 64;

/// Times, counted
#[derive(Debug, Default)]
pub struct Latency {
    counts: Vec<u64>,
    all: u64,
    most: Duration,
}

impl Latency {
    /// One more
    pub fn note(&mut self, time: Duration) {
        let place = place(time.as_nanos() as u64);
        if self.counts.len() <= place {
            self.counts.resize(place + 1, 0);
        }
        self.counts[place] += 1;
        self.all += 1;
        self.most = self.most.max(time);
    }

    /// The time within which this share of them came, by the nearest rank
    #[must_use]
    pub fn percentile(&self, share: f64) -> Duration {
        let rank = ((share * self.all as f64).ceil() as u64).max(1);
        let mut seen = 0;
        let place = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        });
        place.map_or(Duration::ZERO, |place| Duration::from_nanos(value(place)).min(self.most))
    }

    /// The longest
    #[must_use]
    pub const fn most(&self) -> Duration {
        self.most
    }
}

/// Below two times the steps each number has its own; above, each doubling has as many as steps
fn place(nanoseconds: u64) -> usize {
    let shift = (nanoseconds / STEPS).checked_ilog2().unwrap_or_default();
    (u64::from(shift) * STEPS + (nanoseconds >> shift)) as usize
}

/// The largest number that has this place
const fn value(place: usize) -> u64 {
    let place = place as u64;
    let shift = (place / STEPS).saturating_sub(1);
    ((place - shift * STEPS + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_has_a_place_and_a_place_is_off_by_a_hundredth_or_two() {
        let powers = (0..60).map(|power| 1_u64 << power);
        for number in (0..10_000).chain(powers).chain([999_999_999]) {
            let there = value(place(number));
            assert!(there >= number && there as f64 <= number as f64 * 1.016, "{number}: {there}");
            assert!(place(number) <= place(number + 1));
        }
    }

    #[test]
    fn percentiles_are_of_what_was_noted() {
        let mut latency = Latency::default();
        assert_eq!(latency.percentile(0.5), Duration::ZERO);
        (1..=1_000).for_each(|us| latency.note(Duration::from_micros(us)));
        for (share, us) in [(0.5, 500.0), (0.99, 990.0), (1.0, 1_000.0)] {
            let found = latency.percentile(share).as_secs_f64() * 1e6;
            assert!((found / us - 1.0).abs() < 0.017, "{share}: {found}");
        }
        assert_eq!(latency.most(), Duration::from_millis(1));
    }
}
