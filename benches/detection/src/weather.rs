//! What befalls a connection while it lives: outages, stalls, long messages, slow roads. Each kind
//! is a task of its own, with chance of its own, the same for every contender.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use everbeat_core::Message;

use crate::parameters::{Befall, Range, Road, Scenario, fnv};
use crate::stage::{Stage, Wish};

const DAY: f64 = 86_400.0;
/// How often a road's round trip moves while it grows or shrinks
const STEP: Duration = Duration::from_secs(2);

/// Lets everything begin that a scenario has
pub(crate) fn begin(stage: &Rc<Stage>, scenario: &Scenario, road: &Road, seed: u64) {
    for (place, befall) in scenario.befalls.iter().enumerate() {
        let rng = chance(seed, place as u64);
        stage.handle.spawn(befall_for_ever(stage.clone(), *befall, road.clone(), rng));
    }
    let traffic = scenario.traffic;
    let sides = [(traffic.out_every_seconds, &stage.wishes), (traffic.in_every_seconds, &stage.their_wishes)];
    for (place, (every, wishes)) in sides.into_iter().enumerate() {
        let Some(every) = every else { continue };
        let (handle, wishes) = (stage.handle.clone(), wishes.clone());
        let mut rng = chance(seed, 1_000 + place as u64);
        let message = long(traffic.bytes);
        stage.handle.spawn(async move {
            loop {
                handle.sleep(Duration::from_secs_f64(every * (0.5 + rng.f64()))).await;
                wishes.push(Wish::Say(message.clone()));
            }
        });
    }
}

/// Chance for one purpose
pub(crate) fn chance(seed: u64, purpose: u64) -> fastrand::Rng {
    let words = [seed.to_le_bytes(), purpose.to_le_bytes()].concat();
    fastrand::Rng::with_seed(fnv(&words))
}

async fn befall_for_ever(stage: Rc<Stage>, befall: Befall, road: Road, mut rng: fastrand::Rng) {
    let rng = &mut rng;
    loop {
        let wait = match befall {
            Befall::AnotherWay { every_seconds, .. } => every_seconds,
            Befall::Outage { per_day, .. }
            | Befall::LocalStall { per_day, .. }
            | Befall::PeerStall { per_day, .. }
            | Befall::Upload { per_day, .. }
            | Befall::Download { per_day, .. }
            | Befall::Slow { per_day, .. } => -(1.0 - rng.f64()).ln() * DAY / per_day,
        };
        stage.handle.sleep(Duration::from_secs_f64(wait)).await;
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
            Befall::Upload { bytes, .. } => stage.wishes.push(Wish::Say(long(bytes))),
            Befall::Download { bytes, .. } => stage.their_wishes.push(Wish::Say(long(bytes))),
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

fn long(bytes: usize) -> Message {
    // All of a process share the same bytes: nobody reads them.
    static ZEROS: std::sync::OnceLock<Bytes> = std::sync::OnceLock::new();
    let zeros = ZEROS.get_or_init(|| Bytes::from(vec![0; MOST]));
    zeros.slice(..bytes.min(MOST)).into()
}

/// The longest message that is ever sent
const MOST: usize = 16 << 20;

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
    fn ranges_of_no_width_are_what_they_say() {
        let range: Range = serde_json::from_str("[3, 3]").unwrap();
        assert_eq!(range.seconds(&mut chance(1, 1)), Duration::from_secs(3));
    }
}
