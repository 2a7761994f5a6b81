//! What numbers mean: how many alarms a day there may be when so many were seen.

/// The rate that would have shown more than `seen` with 95 % likelihood: the exact upper bound of a
/// Poisson mean (one-sided)
pub(crate) fn poisson_upper(seen: u64) -> f64 {
    let (mut low, mut high) = (seen as f64, 3.0 + 2.0 * seen as f64 + 10.0);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if poisson_at_most(seen, middle) > 0.05 {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// How likely it is to see at most `seen` where `mean` is to be expected
fn poisson_at_most(seen: u64, mean: f64) -> f64 {
    // The logarithm of each term, for `exp(-mean)` alone would be 0 from 745 on.
    let (mut logarithm, mut sum) = (-mean, 0.0);
    for count in 0..=seen {
        if count > 0 {
            logarithm += mean.ln() - (count as f64).ln();
        }
        sum += logarithm.exp();
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_the_published_one() {
        // Tables of exact Poisson limits, one-sided 95 %.
        for (seen, bound) in [(0, 2.996), (1, 4.744), (2, 6.296), (10, 16.962), (50, 63.287)] {
            assert!((poisson_upper(seen) - bound).abs() < 0.002, "{seen}: {}", poisson_upper(seen));
        }
        let (many, root) = (10_000, 10_000_f64.sqrt());
        assert!((poisson_upper(many) - (10_000.0 + 1.645 * root)).abs() < 3.0);
    }
}
