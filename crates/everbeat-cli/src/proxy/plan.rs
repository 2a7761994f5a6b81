//! Faults by a seed: calm, a fault, and its end, again and again. The same seed is the same faults at
//! the same times, and a shorter run is the beginning of a longer one.

use std::num::NonZeroU32;
use std::time::Duration;

use everbeat_faults::{Direction, Fault, Schedule};
use fastrand::Rng;

/// How long it is calm between two faults, in milliseconds
const CALM: std::ops::Range<u64> = 1_000..10_000;
/// How long a fault stays
const FAULT: std::ops::Range<u64> = 500..15_000;

/// Faults for so long; all is healed at the end
pub(super) fn by_seed(seed: u64, lasting: Duration) -> Schedule {
    let mut rng = Rng::with_seed(seed);
    let mut steps = Vec::new();
    let mut time = Duration::ZERO;
    loop {
        // Drawn whole, also what is then cut off, so that a longer run has the same beginning.
        let begins = time + Duration::from_millis(rng.u64(CALM));
        let fault = fault(&mut rng);
        let ends = begins + Duration::from_millis(rng.u64(FAULT));
        if begins >= lasting {
            return steps.into_iter().collect();
        }
        steps.push((begins, fault));
        // What happens at once has no end; a heal would be said, and change nothing.
        if !matches!(fault, Fault::Reset | Fault::HalfClose(_)) {
            steps.push((ends.min(lasting), Fault::Heal));
        }
        time = ends;
    }
}

fn fault(rng: &mut Rng) -> Fault {
    let way = [Direction::ToServer, Direction::ToClient, Direction::Both][rng.usize(..3)];
    match rng.u32(..7) {
        0 | 1 => Fault::BlackHole(way),
        2 => Fault::Delay(way, Duration::from_millis(rng.u64(20..2_000))),
        3 => Fault::Rate(way, NonZeroU32::MIN.saturating_add(rng.u32(100..100_000))),
        4 => Fault::Stall(way),
        5 => Fault::HalfClose(way),
        _ => Fault::Reset,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn the_same_seed_is_the_same_and_another_is_another() {
        assert_eq!(by_seed(7, HOUR), by_seed(7, HOUR));
        assert_ne!(by_seed(7, HOUR), by_seed(8, HOUR));
    }

    #[test]
    fn a_shorter_run_is_the_beginning_of_a_longer_one_and_ends_healed() {
        for seed in 0..100 {
            let (short, long) = (by_seed(seed, HOUR / 10), by_seed(seed, HOUR));
            let (short, long) = (short.steps(), long.steps());
            // The last heal may be brought forward to the end.
            let common = short.len() - 1;
            assert_eq!(short[..common], long[..common], "{seed}");
            let lasting = |fault: &Fault| !matches!(fault, Fault::Reset | Fault::HalfClose(_));
            let last = short.iter().rfind(|(_, fault)| lasting(fault));
            assert_eq!(last.map(|&(_, fault)| fault), Some(Fault::Heal), "{seed}");
            assert!(short.iter().all(|&(time, _)| time <= HOUR / 10), "{seed}");
        }
    }

    #[test]
    fn every_kind_and_way_comes() {
        let mut said = std::collections::BTreeSet::new();
        for (_, fault) in by_seed(1, HOUR).steps() {
            said.insert(
                fault.to_string().split(|c: char| c.is_ascii_digit()).next().map(str::to_owned),
            );
        }
        assert!(said.len() >= 10, "{said:?}");
    }
}
