//! Round trips in a few numbers: exact ones summed as they come, percentiles and bars from a histogram
//! of three digits, so that a ping of days needs no more memory than one of seconds.

use std::time::Duration;

use hdrhistogram::Histogram;

/// The longest round trip that the histogram tells apart; a longer one counts as this
const LONGEST: u64 = 3_600 * 1_000_000_000;
/// Percentiles are right to this many digits
const DIGITS: u8 = 3;
/// How many bars are drawn at most, the last of which may be for the tail
const BARS: u64 = 10;

/// The round trips so far
#[derive(Debug)]
pub(super) struct Figures {
    count: u64,
    mean: f64,
    /// The sum of squared distances from the mean (Welford)
    squares: f64,
    min: Duration,
    max: Duration,
    spread: Histogram<u64>,
}

/// What is said of them; `None` where there was none
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Summary {
    pub(super) min: Duration,
    pub(super) avg: Duration,
    pub(super) max: Duration,
    pub(super) stddev: Duration,
    pub(super) p50: Duration,
    pub(super) p90: Duration,
    pub(super) p99: Duration,
}

/// How many round trips were between two times
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) from: Duration,
    pub(super) to: Duration,
    pub(super) count: u64,
}

impl Figures {
    pub(super) fn new() -> Result<Self, hdrhistogram::CreationError> {
        let spread = Histogram::new_with_bounds(1, LONGEST, DIGITS)?;
        let (min, max) = (Duration::MAX, Duration::ZERO);
        Ok(Self { count: 0, mean: 0.0, squares: 0.0, min, max, spread })
    }

    pub(super) fn note(&mut self, round_trip: Duration) {
        self.count += 1;
        let nanos = u64::try_from(round_trip.as_nanos()).unwrap_or(LONGEST);
        let distance = nanos as f64 - self.mean;
        self.mean += distance / self.count as f64;
        self.squares += distance * (nanos as f64 - self.mean);
        self.min = self.min.min(round_trip);
        self.max = self.max.max(round_trip);
        self.spread.saturating_record(nanos.max(1));
    }

    pub(super) fn summary(&self) -> Option<Summary> {
        if self.count == 0 {
            return None;
        }
        let nanos = |nanos: f64| Duration::from_nanos(nanos.round() as u64);
        // A bucket's upper end may be beyond what was ever seen.
        let at = |quantile| {
            let value = Duration::from_nanos(self.spread.value_at_quantile(quantile));
            value.clamp(self.min, self.max)
        };
        Some(Summary {
            min: self.min,
            avg: nanos(self.mean),
            max: self.max,
            // Of what was seen, as ping(8) has it, not an estimate of what was not
            stddev: nanos((self.squares / self.count as f64).sqrt()),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
        })
    }

    /// The histogram in steps of 1, 2 or 5 times a power of ten, up to the 99th percentile; what is
    /// beyond, if anything, is one last bar, so that one straggler does not make all others one bar
    pub(super) fn bars(&self) -> Vec<Bar> {
        let Some(summary) = self.summary() else {
            return Vec::new();
        };
        let [min, p99, max] = [summary.min, summary.p99, summary.max].map(nanos);
        let step = step((p99 - min).max(1_000) / (BARS - 1));
        let mut bars = Vec::new();
        let mut from = min / step * step;
        while from <= p99 {
            let to = from + step;
            bars.push(self.bar(from, to));
            from = to;
        }
        if from <= max {
            bars.push(self.bar(from, max + 1));
        }
        // A bucket that lies across an end is in the bar of its lower end, so that none counts twice.
        let counted: u64 = bars.iter().map(|bar| bar.count).sum();
        if let Some(last) = bars.last_mut() {
            last.count += self.count.saturating_sub(counted);
        }
        bars
    }

    /// What was recorded from `from` on and before `to`; the bucket in which an end lies begins there
    fn bar(&self, from: u64, to: u64) -> Bar {
        let [begin, end] = [from, to].map(|value| self.spread.lowest_equivalent(value));
        let count = match end.checked_sub(1) {
            Some(last) if last >= begin => self.spread.count_between(begin, last),
            _ => 0,
        };
        Bar { from: Duration::from_nanos(from), to: Duration::from_nanos(to), count }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(LONGEST)
}

/// The next of 1, 2, 5, 10, 20 .. that is not less
fn step(least: u64) -> u64 {
    let mut power = 1;
    while power < LONGEST {
        for step in [power, 2 * power, 5 * power] {
            if step >= least {
                return step;
            }
        }
        power *= 10;
    }
    power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(micros: impl IntoIterator<Item = u64>) -> Figures {
        let mut figures = Figures::new().unwrap();
        for micros in micros {
            figures.note(Duration::from_micros(micros));
        }
        figures
    }

    fn near(value: Duration, micros: f64) -> bool {
        (value.as_nanos() as f64 / 1_000.0 - micros).abs() <= micros * 0.001 + 0.001
    }

    #[test]
    fn nothing_is_said_of_nothing() {
        assert_eq!(of([]).summary(), None);
        assert_eq!(of([]).bars(), []);
    }

    #[test]
    fn one_is_all_of_them() {
        let one = of([142]).summary().unwrap();
        let same = Duration::from_micros(142);
        let Summary { min, avg, max, stddev, p50, p90, p99 } = one;
        assert_eq!([min, avg, max, p50, p90, p99], [same; 6]);
        assert_eq!(stddev, Duration::ZERO);
    }

    #[test]
    fn of_a_thousand_each_figure_is_the_textbooks() {
        // 1..=1000 backwards: the order of coming must not matter
        let all = of((1..=1_000).rev()).summary().unwrap();
        assert_eq!(all.min, Duration::from_micros(1));
        assert_eq!(all.max, Duration::from_micros(1_000));
        assert!(near(all.avg, 500.5), "{all:?}");
        assert!(near(all.stddev, (999_999.0_f64 / 12.0).sqrt()), "{all:?}");
        for (value, micros) in [(all.p50, 500.0), (all.p90, 900.0), (all.p99, 990.0)] {
            assert!(near(value, micros), "{all:?}");
        }
    }

    #[test]
    fn bars_hold_everything_once_and_a_straggler_is_alone() {
        let figures = of((0..1_000).map(|n| 100 + n / 10).chain([90_000]));
        let bars = figures.bars();
        assert!(bars.len() <= BARS as usize + 2, "{bars:?}");
        assert_eq!(bars.iter().map(|bar| bar.count).sum::<u64>(), 1_001);
        assert!(bars.windows(2).all(|pair| pair[0].to == pair[1].from), "{bars:?}");
        let last = bars.last().unwrap();
        assert_eq!(last.count, 1, "{bars:?}");
        assert!(last.to >= Duration::from_millis(90), "{bars:?}");
        assert!(bars[1].count >= 150, "{bars:?}");
    }

    #[test]
    fn steps_are_round() {
        assert_eq!([1, 2, 3, 6, 11, 499, 501].map(step), [1, 2, 5, 10, 20, 500, 1_000]);
    }
}
