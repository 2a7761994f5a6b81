//! Round trips: the last, the smoothed and the shortest.

use core::time::Duration;

use super::short::Micros;

/// How long Pings took to be answered, from flush to Pong, to the microsecond
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

/// The round trips of one connection, as it remembers them
#[derive(Clone, Copy, Debug)]
pub(super) struct RoundTrips {
    last: Micros,
    smoothed: Micros,
    /// The longest that can be, before the first
    minimum: Micros,
}

impl RoundTrips {
    pub(super) const NONE: Self =
        Self { last: Micros(0), smoothed: Micros(0), minimum: Micros(u32::MAX) };

    pub(super) fn sample(&mut self, last: Duration) {
        let last = Micros::from(last).min(Micros(u32::MAX - 1));
        let smoothed = match self.get() {
            Some(_) => (u64::from(self.smoothed.0) * 7 + u64::from(last.0)) / 8,
            None => last.0.into(),
        };
        self.last = last;
        // The mean of two numbers is no larger than the larger one.
        self.smoothed = Micros(smoothed as u32);
        self.minimum = self.minimum.min(last);
    }

    pub(super) fn get(self) -> Option<RoundTrip> {
        let Self { last, smoothed, minimum } = self;
        (minimum != Micros(u32::MAX)).then(|| RoundTrip {
            last: last.into(),
            smoothed: smoothed.into(),
            minimum: minimum.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_smoothed_one_follows_by_an_eighth() {
        let mut trips = RoundTrips::NONE;
        assert_eq!(trips.get(), None);
        trips.sample(80 * MS);
        trips.sample(160 * MS);
        let (last, smoothed, minimum) = (160 * MS, 90 * MS, 80 * MS);
        assert_eq!(trips.get(), Some(RoundTrip { last, smoothed, minimum }));
        trips.sample(MS / 2_000);
        assert_eq!(trips.get().map(|trip| trip.minimum), Some(Duration::ZERO));
    }

    #[test]
    fn one_beyond_all_bounds_is_the_longest_there_is() {
        let mut trips = RoundTrips::NONE;
        trips.sample(Duration::MAX);
        trips.sample(Duration::MAX);
        let longest = Duration::from_micros(u64::from(u32::MAX) - 1);
        assert_eq!(trips.get().map(|trip| trip.smoothed), Some(longest));
    }
}
