//! What became of a crowd: who was back when, and what it took.

use std::time::Duration;

use everbeat_support::percentile;

/// How fine the rate of attempts is kept
const BIN: Duration = Duration::from_millis(100);
/// How many of those are a second
pub(crate) const A_SECOND: usize = 10;

/// What became of a crowd
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    clients: u32,
    pub(crate) attempts: u64,
    pub(crate) syns: u64,
    /// Answers to clients that had given up: upgrades that were done for nobody
    pub(crate) for_nobody: u64,
    /// How often somebody was told to come back
    pub(crate) refused: u64,
    /// Attempts that reached the server's host, by the tenth of a second
    bins: Vec<u32>,
    /// When clients were back, in seconds since the server listened, in order
    back: Vec<f64>,
    /// For how long they were away, in seconds, in order
    away: Vec<f64>,
}

impl Outcome {
    pub(crate) fn new(clients: u32) -> Self {
        Self { clients, ..Self::default() }
    }

    /// An attempt reaches the server's host, so long after the beginning
    pub(crate) fn attempt(&mut self, at: Duration) {
        self.attempts += 1;
        let bin = (at.as_nanos() / BIN.as_nanos()) as usize;
        if bin >= self.bins.len() {
            self.bins.resize(bin + 1, 0);
        }
        if let Some(count) = self.bins.get_mut(bin) {
            *count += 1;
        }
    }

    /// A client is back so long after the server listened, and was away for so long
    pub(crate) fn connected(&mut self, since: Duration, away: Duration) {
        self.back.push(since.as_secs_f64());
        self.away.push(away.as_secs_f64());
    }

    /// Nothing more is to come
    pub(crate) fn finish(&mut self) {
        self.back.sort_by(f64::total_cmp);
        self.away.sort_by(f64::total_cmp);
    }

    /// When this share of all clients was back; `None` if it never was
    pub(crate) fn back(&self, share: f64) -> Option<f64> {
        self.of_all(&self.back, share)
    }

    /// For how long this share was away at most; `None` if they never came back
    pub(crate) fn away(&self, share: f64) -> Option<f64> {
        self.of_all(&self.away, share)
    }

    /// For how long those who came back were away, on average
    pub(crate) fn mean_away(&self) -> f64 {
        self.away.iter().sum::<f64>() / self.away.len().max(1) as f64
    }

    fn of_all(&self, times: &[f64], share: f64) -> Option<f64> {
        let mut times = times.to_vec();
        times.resize(self.clients as usize, f64::INFINITY);
        percentile(&times, share).filter(|time| time.is_finite())
    }

    /// How many clients are back, of all
    pub(crate) fn share_back(&self) -> f64 {
        self.back.len() as f64 / f64::from(self.clients.max(1))
    }

    pub(crate) fn attempts_each(&self) -> f64 {
        self.attempts as f64 / f64::from(self.clients.max(1))
    }

    pub(crate) fn syns_each(&self) -> f64 {
        self.syns as f64 / f64::from(self.clients.max(1))
    }

    /// The most attempts in any so many tenths of a second in a row, as a rate a second
    pub(crate) fn peak(&self, tenths: usize) -> f64 {
        let tenths = tenths.max(1);
        let mut bins = self.bins.clone();
        bins.resize(bins.len().max(tenths), 0);
        let most = bins.windows(tenths).map(|bins| bins.iter().sum::<u32>()).max();
        f64::from(most.unwrap_or(0)) * A_SECOND as f64 / tenths as f64
    }

    /// Attempts in each second
    pub(crate) fn a_second(&self) -> Vec<f64> {
        self.bins.chunks(A_SECOND).map(|bins| f64::from(bins.iter().sum::<u32>())).collect()
    }

    /// How many are back by the end of each second since the server listened, of all
    pub(crate) fn back_by(&self, second: f64) -> f64 {
        let back = self.back.partition_point(|time| *time <= second);
        back as f64 / f64::from(self.clients.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome() -> Outcome {
        let millis = Duration::from_millis;
        let mut outcome = Outcome::new(4);
        for at in [10, 20, 950, 999, 1_000, 1_099] {
            outcome.attempt(millis(at));
        }
        outcome.connected(millis(3_000), millis(500));
        outcome.connected(millis(2_000), millis(100));
        outcome.connected(millis(4_000), millis(100));
        outcome.finish();
        outcome
    }

    #[test]
    fn a_peak_is_the_fullest_second_or_tenth() {
        let outcome = outcome();
        assert_eq!((outcome.peak(10), outcome.peak(1)), (4.0, 20.0));
        assert_eq!(outcome.a_second(), [4.0, 2.0]);
        assert_eq!(outcome.attempts_each(), 1.5);
    }

    #[test]
    fn who_never_came_back_counts() {
        let outcome = outcome();
        assert_eq!((outcome.back(0.5), outcome.back(0.99)), (Some(3.0), None));
        assert_eq!((outcome.away(0.5), outcome.away(0.99)), (Some(0.1), None));
        assert_eq!(outcome.share_back(), 0.75);
        assert_eq!((outcome.back_by(1.9), outcome.back_by(3.0)), (0.0, 0.5));
    }
}
