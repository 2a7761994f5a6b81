//! Whether a peer floods us with Pings: a bucket that refills with time. Pure, and one instant wide.

use core::time::Duration;

use crate::config::PingLimit;
use crate::time::Instant;

/// Counts a peer's Pings against their limit
///
/// Pings that waited in the socket while nobody read are no flood, so the bucket is filled up for
/// all the time since the socket seemed empty, and is cut to its size only then. It seems empty too
/// when a reader lets others run in the middle of a large message, and is then polled again at
/// once. So each emptiness cuts to the one before it, which by then was real or is long past.
///
/// Whether a quiet peer's Pings came at once or had to wait cannot be seen from here. A connection
/// was polled and found nothing, and is polled again half a minute later: it may have been awaited
/// all the while, or its task may have done something else (another arm of a `select!`), or its
/// thread may have been busy. When its waker was called tells the last one apart as little, for
/// whoever calls it may sit on that very thread; when bytes came, no runtime says. So quiet time is
/// credit. What it is good for is bounded by how often an awaited connection is polled, which is
/// with every beat.
#[derive(Debug)]
pub(super) struct PingBucket {
    /// Up to when the refill has been used: behind the present is credit, before it is debt
    used_until: Instant,
    /// When the socket last seemed empty
    empty_at: Instant,
}

impl PingBucket {
    pub(super) const fn new(now: Instant) -> Self {
        Self { used_until: now, empty_at: now }
    }

    /// A Ping came; whether it is one too many
    pub(super) fn handle_ping(&mut self, limit: PingLimit, now: Instant) -> bool {
        let every = Duration::from_nanos(limit.every());
        self.used_until += every;
        self.used_until.saturating_duration_since(now) > every * limit.burst()
    }

    /// Nothing more came for now; from the emptiness before this one, if it is a refill ago, what
    /// is left is the whole bucket and no more
    #[inline]
    pub(super) fn handle_drained(&mut self, limit: PingLimit, now: Instant) {
        if now.as_nanos().saturating_sub(self.empty_at.as_nanos()) >= limit.every() {
            self.used_until = self.used_until.max(self.empty_at);
            self.empty_at = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A bucket with its limit
    struct Limited(PingBucket, PingLimit);

    impl Limited {
        fn handle_ping(&mut self, now: Instant) -> bool {
            self.0.handle_ping(self.1, now)
        }

        fn handle_drained(&mut self, now: Instant) {
            self.0.handle_drained(self.1, now);
        }
    }

    fn bucket(burst: u32, per_second: u32) -> Limited {
        let limit = PingLimit::new(burst, per_second).unwrap();
        Limited(PingBucket::new(Instant::ORIGIN), limit)
    }

    /// How many Pings are taken at once
    fn taken(bucket: &mut Limited, now: Instant) -> usize {
        (0..10_000).take_while(|_| !bucket.handle_ping(now)).count()
    }

    #[test]
    fn the_burst_is_taken_and_one_more_is_a_flood() {
        assert_eq!(taken(&mut bucket(20, 2), Instant::ORIGIN), 20);
        assert_eq!(taken(&mut bucket(1, 1), Instant::ORIGIN), 1);
    }

    #[test]
    fn the_refill_is_taken_for_ever_and_a_little_more_is_not() {
        let flooded = |every: Duration| {
            let (mut bucket, mut now) = (bucket(20, 2), Instant::ORIGIN);
            (1..=1_000).find(|_| {
                now += every;
                let flood = bucket.handle_ping(now);
                bucket.handle_drained(now);
                flood
            })
        };
        assert_eq!(flooded(SECOND / 2), None);
        // Each takes a tenth of a second more than it brings: 20 halves last 100 of them.
        assert_eq!(flooded(SECOND * 4 / 10), Some(101));
    }

    #[test]
    fn quiet_time_fills_the_bucket_to_its_size() {
        let (mut bucket, now) = (bucket(20, 2), Instant::ORIGIN + 3_600 * SECOND);
        bucket.handle_drained(now);
        bucket.handle_drained(now + SECOND);
        // And two for the second between
        assert_eq!(taken(&mut bucket, now + SECOND), 20 + 2);
    }

    #[test]
    fn a_reader_that_lets_others_run_takes_nothing_from_those_that_waited() {
        let (mut bucket, now) = (bucket(20, 2), Instant::ORIGIN + 30 * SECOND);
        for step in 0..100 {
            bucket.handle_drained(now + SECOND / 1_000 * step);
        }
        assert_eq!(taken(&mut bucket, now), 20 + 60);
    }

    #[test]
    fn what_waited_while_nobody_read_is_no_flood() {
        let now = Instant::ORIGIN + 30 * SECOND;
        assert_eq!(taken(&mut bucket(20, 2), now), 20 + 60);
    }
}
