//! Randomness in four bytes, for a few draws a beat.

use fastrand::Rng;

use crate::time::Instant;

/// What one connection's draws begin from, beside the time: another after each beginning, for two
/// may have the same time
#[derive(Debug)]
pub(super) struct Seed(u32);

impl Seed {
    /// What to draw from now
    pub(super) fn rng(&mut self, now: Instant) -> Rng {
        let mut rng = Rng::with_seed(u64::from(self.0).rotate_left(32) ^ now.as_nanos());
        self.0 = rng.u32(..);
        rng
    }
}

/// Folds it, so that all of it counts
impl From<u64> for Seed {
    fn from(seed: u64) -> Self {
        Self(seed as u32 ^ (seed >> 32) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differs_by_the_seed_by_the_time_and_by_what_was_drawn_before() {
        let draw = |seed: &mut Seed, now| seed.rng(Instant::from_nanos(now)).u64(..);
        let mut one = Seed::from(1);
        let first = draw(&mut one, 0);
        let others = [
            draw(&mut one, 0),
            draw(&mut Seed::from(2), 0),
            draw(&mut Seed::from(1 << 33), 0),
            draw(&mut Seed::from(1), 1),
        ];
        assert!(!others.contains(&first));
        assert_eq!(draw(&mut Seed::from(1), 0), first);
    }
}
