//! What a few rounds say of a figure: its median, and between which values it is.
//!
//! The interval is by order statistics: the k-th smallest and the k-th largest value enclose the median
//! of whatever the values come from with a probability that is a binomial sum, whatever their
//! distribution is. Nothing is drawn at random.

/// A median and its interval
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Interval {
    pub(super) low: f64,
    pub(super) median: f64,
    pub(super) high: f64,
    /// How probably the interval encloses what the median stands for
    pub(super) confidence: f64,
}

/// What is wanted, where there are rounds enough: six or more
const CONFIDENCE: f64 = 0.95;

impl Interval {
    /// Of what was seen; `None` of nothing, or of what is no number
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        let mut values = values.to_vec();
        values.sort_by(f64::total_cmp);
        let count = values.len();
        if count == 0 || values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let rank = (1..=count.div_ceil(2)).take_while(|rank| enclosed(count, *rank) >= CONFIDENCE);
        let rank = rank.last().unwrap_or(1);
        let median = (values[(count - 1) / 2] + values[count / 2]) / 2.0;
        let confidence = enclosed(count, rank);
        Some(Self { low: values[rank - 1], median, high: values[count - rank], confidence })
    }

    /// Of quotients round by round, so that what slowed both down in a round counts for nothing
    pub(super) fn of_ratios(ours: &[f64], theirs: &[f64]) -> Option<Self> {
        if ours.len() != theirs.len() {
            return None;
        }
        let ratios = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs);
        Self::of(&ratios.collect::<Vec<_>>())
    }
}

/// The probability that the median is between the `rank`th smallest and the `rank`th largest of `count`
fn enclosed(count: usize, rank: usize) -> f64 {
    let mut term = 0.5_f64.powi(count as i32);
    let mut below = 0.0;
    for successes in 0..rank {
        below += term;
        term *= (count - successes) as f64 / (successes + 1) as f64;
    }
    (1.0 - 2.0 * below).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(count: u32) -> Interval {
        Interval::of(&(1..=count).rev().map(f64::from).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn the_tables_of_order_statistics() {
        // Ranks and confidences as tables of the sign test have them
        for (count, low, high, confidence) in
            [(6, 1, 6, 0.969), (9, 2, 8, 0.961), (15, 4, 12, 0.965), (20, 6, 15, 0.959)]
        {
            let found = of(count);
            assert_eq!((found.low, found.high), (f64::from(low), f64::from(high)), "{count}");
            assert!((found.confidence - confidence).abs() < 0.001, "{found:?}");
        }
    }

    #[test]
    fn few_rounds_say_what_they_can() {
        let found = of(5);
        assert_eq!((found.low, found.median, found.high), (1.0, 3.0, 5.0));
        assert!((found.confidence - 0.9375).abs() < 1e-9);
        assert_eq!(of(1).confidence, 0.0);
        assert_eq!(of(4).median, 2.5);
        assert_eq!(Interval::of(&[]), None);
        assert_eq!(Interval::of(&[1.0, f64::NAN]), None);
    }

    #[test]
    fn a_disturbance_of_a_round_is_in_both_and_cancels_out() {
        let found = Interval::of_ratios(&[2.0, 20.0, 2.0], &[1.0, 10.0, 1.0]).unwrap();
        assert_eq!((found.low, found.median, found.high), (2.0, 2.0, 2.0));
        assert_eq!(Interval::of_ratios(&[1.0, 2.0], &[1.0]), None);
        assert_eq!(Interval::of_ratios(&[1.0], &[0.0]), None);
    }
}
