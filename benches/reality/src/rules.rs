//! The rules of other libraries in the simulator against the programs that have them: the same holes
//! at the same phases of the beat, and how long after each it is noticed.

mod hole;
mod program;
mod simulated;

use std::time::Duration;

use anyhow::{Context, Result};
use everbeat_museum::rules::{Websockets, Ws};

use crate::args::Peer;
use crate::report::{Centre, Found, Row, Tolerance, Unit, say};

/// How often they Ping, and how long they wait
const BEAT: Duration = Duration::from_secs(2);
/// How many beats are answered before a hole
const BEATS: u32 = 2;
/// Holes of each
const HOLES: u32 = 20;
/// Of the phases
const SEED: u64 = 1;

/// A rule of the simulator, and the program that has it
struct Trial {
    name: &'static str,
    /// Its folder in `interop/`
    peer: &'static str,
    /// What this peer is told besides
    words: &'static [&'static str],
    /// The rule decides after these, in the simulator
    simulated: fn(&[Duration]) -> Result<Vec<f64>>,
    /// How much later than its rule decides the program is told
    later: Duration,
}

const TRIALS: &[Trial] = &[
    Trial {
        name: "websockets, its rule",
        peer: "websockets",
        // It then tells the program at once.
        words: &["--close-timeout", "0"],
        simulated: |phases| simulated::play(|| Websockets::new(BEAT, BEAT), phases),
        later: Duration::ZERO,
    },
    Trial {
        name: "websockets, what its program is told",
        peer: "websockets",
        words: &[],
        simulated: |phases| simulated::play(|| Websockets::new(BEAT, BEAT), phases),
        // It says Close into the hole, and waits for the answer: its default.
        later: Duration::from_secs(10),
    },
    Trial {
        name: "ws, the recipe of its README",
        peer: "npm-ws",
        words: &[],
        simulated: |phases| simulated::play(|| Ws::new(BEAT), phases),
        later: Duration::ZERO,
    },
];

/// A row for each trial
pub(crate) async fn rows(peers: &[Peer]) -> Result<Vec<Row>> {
    let phases = phases(&mut fastrand::Rng::with_seed(SEED));
    let mut rows = Vec::new();
    for trial in TRIALS {
        let name = format!("{}: a hole is noticed after, mean of {HOLES}", trial.name);
        let peer = peers.iter().find(|peer| peer.name == trial.peer).map(|peer| &peer.start);
        let found = match peer {
            None => Found::Skipped(format!("no --peer `{}`", trial.peer)),
            Some(Err(why)) => Found::Skipped(why.clone()),
            Some(Ok(line)) => trial.play(line, &phases).await.context(trial.name)?,
        };
        rows.push(Row { name, found });
    }
    Ok(rows)
}

impl Trial {
    async fn play(&self, line: &[String], phases: &[Duration]) -> Result<Found> {
        say(format_args!("{} ..", self.name));
        let words = self.words.iter().map(ToString::to_string);
        let line = line.iter().cloned().chain(words).collect::<Vec<_>>();
        let real = hole::play(self.peer, &line, phases).await?;
        let later = self.later.as_secs_f64() * 1e3;
        let decided = (self.simulated)(phases)?;
        // What is merely waited for afterwards excuses nothing.
        let besides = -TOLERANCE.part * later;
        Ok(Found::Both {
            real,
            simulated: decided.into_iter().map(|decided| decided + later).collect(),
            unit: Unit::Millis,
            by: Centre::Mean,
            tolerance: Tolerance { besides, ..TOLERANCE },
        })
    }
}

/// The means may differ so much
const TOLERANCE: Tolerance = Tolerance {
    part: 0.15,
    besides: 0.0,
    why: "twenty holes at phases that are spread evenly: what is left is the machine",
};

/// When after a beat the holes fall: by chance, but one in each twentieth of it
///
/// Were all twenty free, two means of twenty would differ by a tenth in one run of ten.
fn phases(rng: &mut fastrand::Rng) -> Vec<Duration> {
    let slice = BEAT / HOLES;
    (0..HOLES).map(|slot| slice * slot + slice.mul_f64(rng.f64())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_hole_falls_in_each_slice_of_a_beat() {
        for seed in 0..100 {
            let phases = phases(&mut fastrand::Rng::with_seed(seed));
            let slots = phases.iter().map(|phase| phase.as_millis() / 100);
            assert_eq!(slots.collect::<Vec<_>>(), (0..20).collect::<Vec<_>>());
        }
    }

    /// Arithmetic: the next beat is lost, and its answer is missed an interval later
    #[test]
    fn either_rule_decides_an_interval_after_the_next_beat() {
        let phases = [Duration::from_millis(100), Duration::from_millis(1_900)];
        for trial in TRIALS {
            let decided = (trial.simulated)(&phases).unwrap();
            for (decided, expected) in decided.into_iter().zip([3_900.0, 2_100.0]) {
                assert!((decided - expected).abs() < 5.0, "{}: {decided}", trial.name);
            }
        }
    }
}
