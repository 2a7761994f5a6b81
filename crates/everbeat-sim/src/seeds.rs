//! Running a test over many seeds, or over the one that failed.

use std::ops::Range;

use crate::Sim;
use crate::trace::{FNV_OFFSET, fnv};

/// The environment variable that picks one seed
const VARIABLE: &str = "EVERBEAT_SEED";

/// The environment variable that says how many times as many seeds are wanted
const FACTOR: &str = "EVERBEAT_SEEDS";

impl Sim {
    /// The seeds to test with: those of the range, or only the one that `EVERBEAT_SEED` names
    ///
    /// A seed that is not a number is hashed, so that any text will do. `EVERBEAT_SEEDS=10` makes
    /// every range ten times as long, for a machine that has the time.
    ///
    /// ```
    /// use everbeat_sim::Sim;
    ///
    /// for seed in Sim::seeds(0..3) {
    ///     let sim = Sim::seed(seed);
    ///     assert_eq!(sim.original_seed(), seed);
    /// }
    /// ```
    pub fn seeds(range: Range<u64>) -> impl Iterator<Item = u64> {
        let range = match std::env::var(VARIABLE) {
            Ok(text) => {
                let seed = parse(&text);
                seed..seed.saturating_add(1)
            }
            Err(_) => longer(range, std::env::var(FACTOR).ok().as_deref()),
        };
        range.into_iter()
    }
}

/// The range, from the same start, as many times as long as `factor` says
fn longer(range: Range<u64>, factor: Option<&str>) -> Range<u64> {
    let factor = factor.and_then(|text| text.trim().parse().ok()).unwrap_or(1_u64);
    let length = range.end.saturating_sub(range.start);
    range.start..range.start.saturating_add(length.saturating_mul(factor.max(1)))
}

/// Runs `test` with a new simulation for each of [`Sim::seeds`]
///
/// A simulation that is dropped by a panic prints its seed and the last events of its trace to
/// standard error, so a failing assertion in `test` tells how to run it again.
///
/// ```
/// use std::time::Duration;
/// use everbeat_sim::for_each_seed;
///
/// for_each_seed(0..10, |sim| {
///     sim.run_for(Duration::from_secs(60)).unwrap();
/// });
/// ```
pub fn for_each_seed(range: Range<u64>, mut test: impl FnMut(&mut Sim)) {
    for seed in Sim::seeds(range) {
        test(&mut Sim::seed(seed));
    }
}

fn parse(text: &str) -> u64 {
    let text = text.trim();
    text.parse().unwrap_or_else(|_| fnv(FNV_OFFSET, text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_seeds_begin_with_the_same_ones() {
        assert_eq!(longer(5..8, None), 5..8);
        assert_eq!(longer(5..8, Some("10")), 5..35);
        assert_eq!(longer(5..8, Some("0")), 5..8);
        assert_eq!(longer(5..8, Some("many")), 5..8);
        assert_eq!(longer(8..8, Some("2")), 8..8);
    }

    #[test]
    fn any_text_is_a_seed_and_always_the_same() {
        assert_eq!(parse(" 42\n"), 42);
        assert_eq!(parse("a"), 0xaf63_dc4c_8601_ec8c);
    }
}
