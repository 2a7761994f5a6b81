//! What befalls a connection while it lives: outages, stalls, long messages, slow roads. Each kind
//! is a task of its own, with chance of its own, the same for every contender.

use std::rc::Rc;
use std::time::Duration;

use crate::parameters::{Befall, Road, Scenario, fnv};
use crate::stage::Stage;

/// How often a road's round trip moves while it grows or shrinks
const STEP: Duration = Duration::from_secs(2);

/// Lets everything begin that a scenario has
pub(crate) fn begin(stage: &Rc<Stage>, scenario: &Scenario, road: &Road, seed: u64) {
    for (place, befall) in scenario.befalls.iter().enumerate() {
        if matches!(befall, Befall::Upload { .. } | Befall::Download { .. }) {
            continue; // these are the applications'
        }
        let rng = chance(seed, place as u64);
        stage.handle.spawn(befall_for_ever(stage.clone(), *befall, road.clone(), rng));
    }
}

/// Chance for one purpose
pub(crate) fn chance(seed: u64, purpose: u64) -> fastrand::Rng {
    let words = [seed.to_le_bytes(), purpose.to_le_bytes()].concat();
    fastrand::Rng::with_seed(fnv(&words))
}

/// How long until something happens again that happens so often a day, at any time
pub(crate) fn pause(per_day: f64, rng: &mut fastrand::Rng) -> Duration {
    const DAY: f64 = 86_400.0;
    Duration::from_secs_f64(-(1.0 - rng.f64()).ln() * DAY / per_day)
}

async fn befall_for_ever(stage: Rc<Stage>, befall: Befall, road: Road, mut rng: fastrand::Rng) {
    let rng = &mut rng;
    loop {
        let wait = match befall {
            Befall::AnotherWay { every_seconds, .. } => Duration::from_secs_f64(every_seconds),
            Befall::Outage { per_day, .. }
            | Befall::LocalStall { per_day, .. }
            | Befall::PeerStall { per_day, .. }
            | Befall::Upload { per_day, .. }
            | Befall::Download { per_day, .. }
            | Befall::Slow { per_day, .. } => pause(per_day, rng),
        };
        stage.handle.sleep(wait).await;
        match befall {
            Befall::Outage { seconds, .. } => outage(&stage, seconds.seconds(rng)).await,
            Befall::LocalStall { seconds, .. } => {
                let length = seconds.seconds(rng);
                stage.ours.stall(length);
                stage.handle.sleep(length).await;
            }
            Befall::PeerStall { seconds, .. } => {
                let length = seconds.seconds(rng);
                stage.theirs.stall(length);
                stage.handle.sleep(length).await;
            }
            Befall::Upload { .. } | Befall::Download { .. } => {}
            Befall::Slow { round_trip_seconds, grows_seconds, stays_seconds, .. } => {
                let (most, grows) = (round_trip_seconds.seconds(rng), grows_seconds.seconds(rng));
                slow(&stage, &road, most, grows, stays_seconds.seconds(rng)).await;
            }
            Befall::AnotherWay { round_trip_ms, .. } => {
                let half = Duration::from_secs_f64(round_trip_ms.draw(rng) / 2_000.0);
                stage.link.delay(half);
            }
        }
    }
}

/// The road is away for so long
pub(crate) async fn outage(stage: &Stage, length: Duration) {
    if stage.sky.close(stage.handle.now(), length) {
        stage.link.partition();
    }
    stage.handle.sleep(length).await;
    if stage.sky.clear() {
        stage.link.repair();
    }
}

/// The round trip grows to `most`, stays there, and shrinks again
async fn slow(stage: &Stage, road: &Road, most: Duration, grows: Duration, stays: Duration) {
    let (least, most) = (road.delay(), most / 2);
    let at = |share: f64| least + most.saturating_sub(least).mul_f64(share);
    let steps = (grows.as_secs_f64() / STEP.as_secs_f64()).ceil().max(1.0) as u32;
    let climb = (1..=steps).map(|step| f64::from(step) / f64::from(steps));
    for share in climb.clone() {
        stage.link.delay(at(share));
        stage.handle.sleep(STEP).await;
    }
    stage.handle.sleep(stays).await;
    for share in climb {
        stage.link.delay(at(1.0 - share));
        stage.handle.sleep(STEP).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_another_for_each_purpose_and_the_same_for_each_seed() {
        let draw = |seed, purpose| chance(seed, purpose).u64(..);
        assert_eq!(draw(101, 1), draw(101, 1));
        assert_ne!(draw(101, 1), draw(101, 2));
        assert_ne!(draw(101, 1), draw(102, 1));
    }

    #[test]
    fn what_happens_24_times_a_day_happens_every_hour_on_average() {
        let mut rng = chance(1, 1);
        let sum: Duration = (0..10_000).map(|_| pause(24.0, &mut rng)).sum();
        let mean = sum.as_secs_f64() / 10_000.0;
        assert!((3_500.0..3_700.0).contains(&mean), "{mean}");
    }
}
