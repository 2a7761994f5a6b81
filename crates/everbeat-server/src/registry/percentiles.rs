//! How many connections are, in a few numbers: [`Percentiles`], by the nearest rank.

use std::time::Duration;

use super::Stats;

/// How the live connections of a server are
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Percentiles {
    /// How many there are
    pub connections: usize,
    /// How long ago their upgrades were done
    pub age: Spread<Duration>,
    /// How long ago they were last heard
    pub silent_for: Spread<Duration>,
    /// Their smoothed round trips, as far as there was a Pong
    pub round_trip: Spread<Duration>,
    /// Bytes received
    pub received: Spread<u64>,
    /// Bytes sent
    pub sent: Spread<u64>,
    /// Bytes of payload that wait for them
    pub queued_bytes: Spread<usize>,
}

/// A few of many values: half of them are at most `p50`, and so on; all 0 if there are none
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Spread<T> {
    /// The median
    pub p50: T,
    /// The 90th percentile
    pub p90: T,
    /// The 99th percentile
    pub p99: T,
    /// The largest
    pub max: T,
}

impl Percentiles {
    pub(super) fn of(all: Vec<Stats>) -> Self {
        Self {
            connections: all.len(),
            age: Spread::of(all.iter().map(|one| one.age)),
            silent_for: Spread::of(all.iter().map(|one| one.silent_for)),
            round_trip: Spread::of(all.iter().filter_map(|one| one.round_trip)),
            received: Spread::of(all.iter().map(|one| one.received)),
            sent: Spread::of(all.iter().map(|one| one.sent)),
            queued_bytes: Spread::of(all.iter().map(|one| one.queued_bytes)),
        }
    }
}

impl<T: Ord + Copy + Default> Spread<T> {
    fn of(values: impl Iterator<Item = T>) -> Self {
        let mut values: Vec<T> = values.collect();
        values.sort_unstable();
        let rank = |percent: usize| {
            let rank = (values.len() * percent).div_ceil(100);
            values.get(rank.saturating_sub(1)).copied().unwrap_or_default()
        };
        Self { p50: rank(50), p90: rank(90), p99: rank(99), max: rank(100) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_rank_of_few_and_of_many() {
        let spread = |most: u64| Spread::of((1..=most).rev());
        assert_eq!(spread(0), Spread { p50: 0, p90: 0, p99: 0, max: 0 });
        assert_eq!(spread(1), Spread { p50: 1, p90: 1, p99: 1, max: 1 });
        assert_eq!(spread(10), Spread { p50: 5, p90: 9, p99: 10, max: 10 });
        assert_eq!(spread(1_000), Spread { p50: 500, p90: 900, p99: 990, max: 1_000 });
    }
}
