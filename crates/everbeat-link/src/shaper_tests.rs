//! What becomes of packets, in virtual time: each word of a shape, and what must be so of any shape.

use std::time::Duration;

use everbeat_netns::Rate;
use proptest::prelude::*;

use super::*;

const MS: Duration = Duration::from_millis(1);
/// The longest packet
const LONGEST: usize = 3_000;

fn begun() -> Instant {
    Instant::now()
}

/// Sends packets of these bytes at these times; when each that arrived did, since the beginning
fn carried(shape: Shape, seed: u64, sent: &[(Duration, usize)]) -> Vec<(usize, Duration)> {
    let (begun, mut shaper) = (begun(), Shaper::new(shape, seed));
    let mut arrived = Vec::new();
    for (number, (at, bytes)) in sent.iter().enumerate() {
        arrived.extend(due(&mut shaper, begun, Some(begun + *at)));
        _ = shaper.handle_packet(begun + *at, number, *bytes);
    }
    arrived.extend(due(&mut shaper, begun, None));
    assert!(shaper.is_empty());
    arrived
}

/// What arrives by then, woken only when it says so
fn due(shaper: &mut Shaper<usize>, begun: Instant, by: Option<Instant>) -> Vec<(usize, Duration)> {
    let mut arrived = Vec::new();
    while let Some(next) = shaper.poll_timeout().filter(|next| by.is_none_or(|by| *next <= by)) {
        while let Some(packet) = shaper.poll_packet(next) {
            arrived.push((packet, next - begun));
        }
    }
    arrived
}

fn at_once(packets: usize, bytes: usize) -> Vec<(Duration, usize)> {
    vec![(Duration::ZERO, bytes); packets]
}

#[test]
fn a_perfect_way_takes_no_time() {
    let arrived = carried(Shape::default(), 7, &at_once(3, 1_500));
    assert_eq!(arrived, [(0, Duration::ZERO), (1, Duration::ZERO), (2, Duration::ZERO)]);
}

#[test]
fn a_delay_is_exact_and_a_jitter_is_no_more_than_asked_for() {
    let shape = Shape { delay: MS * 80, ..Shape::default() };
    assert_eq!(carried(shape, 7, &[(MS * 5, 100)]), [(0, MS * 85)]);
    let shape = Shape { jitter: MS * 40, ..shape };
    let sent = (0..400).map(|number| (MS * 50 * number, 100)).collect::<Vec<_>>();
    let took = carried(shape, 7, &sent).into_iter().map(|(number, at)| at - sent[number].0);
    let took = took.collect::<Vec<_>>();
    assert!(took.iter().all(|took| (MS * 80..=MS * 120).contains(took)), "{took:?}");
    assert!(took.iter().any(|took| *took < MS * 85) && took.iter().any(|took| *took > MS * 115));
}

#[test]
fn a_loss_is_about_as_asked_for_and_the_same_by_the_same_seed() {
    let lost = |seed| {
        let arrived = carried(Shape { loss: 30, ..Shape::default() }, seed, &at_once(10_000, 100));
        (arrived.len(), arrived)
    };
    let (count, arrived) = lost(7);
    assert!((9_600..=9_800).contains(&count), "{count}");
    assert_eq!(lost(7).1, arrived);
    assert_ne!(lost(8).1, arrived);
}

#[test]
fn a_rate_sends_one_packet_after_the_other() {
    let rate = Some(Rate { bits: 1_000_000, queue: 64 << 10 });
    let arrived = carried(Shape { rate, delay: MS, ..Shape::default() }, 7, &at_once(3, 1_250));
    assert_eq!(arrived, [(0, MS * 11), (1, MS * 21), (2, MS * 31)]);
}

#[test]
fn what_a_queue_cannot_hold_is_lost_and_one_packet_always_can_be() {
    let rate = Some(Rate { bits: 1_000_000, queue: 3_000 });
    let shape = Shape { rate, ..Shape::default() };
    let numbers = |sent: &[_]| carried(shape, 7, sent).into_iter().map(|(number, _)| number);
    assert!(numbers(&at_once(5, 1_250)).eq([0, 1]));
    // Room is made by what has been sent.
    let sent =
        [(Duration::ZERO, 1_250), (Duration::ZERO, 1_250), (MS * 10, 1_250), (MS * 11, 1_250)];
    assert!(numbers(&sent).eq([0, 1, 2]));
    assert!(numbers(&at_once(2, 9_000)).eq([0]));
}

#[test]
fn a_hole_takes_what_is_under_way_and_what_comes_and_nothing_later() {
    let (begun, far) = (begun(), Shape { delay: MS * 50, ..Shape::default() });
    let mut shaper = Shaper::new(far, 7);
    assert_eq!(shaper.handle_packet(begun, 0, 100), Ok(()));
    shaper.handle_shape(begun + MS, Shape { hole: true, ..far });
    assert_eq!(shaper.handle_packet(begun + MS * 2, 1, 100), Err(Lost::Hole));
    assert_eq!((shaper.len(), shaper.poll_timeout()), (0, None));
    shaper.handle_shape(begun + MS * 3, far);
    assert_eq!(shaper.handle_packet(begun + MS * 4, 2, 100), Ok(()));
    assert_eq!(shaper.poll_packet(begun + MS * 53), None);
    assert_eq!(shaper.poll_packet(begun + MS * 54), Some(2));
    assert_eq!(shaper.counts(), Counts { arrived: 1, hole: 2, ..Counts::default() });
}

#[test]
fn what_waits_is_sent_by_the_new_rate() {
    let slow = Shape { rate: Some(Rate { bits: 1_000, queue: 9_000 }), ..Shape::default() };
    let waiting = || {
        let (begun, mut shaper) = (begun(), Shaper::new(slow, 7));
        for number in 0..2 {
            assert_eq!(shaper.handle_packet(begun, number, 1_250), Ok(()));
        }
        (begun, shaper)
    };
    let (begun, mut shaper) = waiting();
    let rate = Some(Rate { bits: 1_000_000, queue: 9_000 });
    shaper.handle_shape(begun + MS, Shape { rate, ..Shape::default() });
    assert_eq!(due(&mut shaper, begun, None), [(0, MS * 11), (1, MS * 21)]);
    let (begun, mut shaper) = waiting();
    shaper.handle_shape(begun + MS, Shape::default());
    assert_eq!(due(&mut shaper, begun, None), [(0, MS), (1, MS)]);
    // And what comes next does not wait for what is gone.
    assert_eq!(shaper.handle_packet(begun + MS * 2, 2, 100), Ok(()));
    assert_eq!(due(&mut shaper, begun, None), [(2, MS * 2)]);
}

#[test]
fn a_way_that_becomes_shorter_lets_none_overtake() {
    let (begun, mut shaper) =
        (begun(), Shaper::new(Shape { delay: MS * 50, ..Shape::default() }, 7));
    assert_eq!(shaper.handle_packet(begun, 0, 100), Ok(()));
    shaper.handle_shape(begun, Shape::default());
    assert_eq!(shaper.handle_packet(begun, 1, 100), Ok(()));
    assert_eq!(due(&mut shaper, begun, None), [(0, MS * 50), (1, MS * 50)]);
}

fn shapes() -> impl Strategy<Value = Shape> {
    let rate = prop::option::of((1_000_u32..10_000_000, 0_u32..100_000));
    (0_u64..300, 0_u64..100, 0_u16..300, rate, prop::bool::weighted(0.1)).prop_map(
        |(delay, jitter, loss, rate, hole)| Shape {
            delay: MS * delay as u32,
            jitter: MS * jitter as u32,
            loss,
            rate: rate.map(|(bits, queue)| Rate { bits, queue }),
            hole,
        },
    )
}

proptest! {
    #[test]
    fn every_packet_arrives_in_order_or_is_lost_and_none_is_forgotten(
        first in shapes(),
        then in shapes(),
        seed: u64,
        sent in prop::collection::vec((0_u32..50, 20..LONGEST), 1..200),
    ) {
        let (begun, mut shaper) = (begun(), Shaper::new(first, seed));
        let (mut now, mut arrived, mut refused) = (begun, Vec::new(), 0);
        for (number, (pause, bytes)) in sent.iter().enumerate() {
            now += MS * *pause;
            if number == sent.len() / 2 {
                shaper.handle_shape(now, then);
            }
            arrived.extend(due(&mut shaper, begun, Some(now)));
            refused += u64::from(shaper.handle_packet(now, number, *bytes).is_err());
            let queue = shaper.shape().rate.map_or(usize::MAX, |rate| rate.queue as usize);
            prop_assert!(shaper.queued <= queue.max(LONGEST) || number >= sent.len() / 2);
            let held = shaper.waiting.iter().map(|(_, bytes)| bytes).sum::<usize>();
            prop_assert_eq!(shaper.queued, held);
        }
        arrived.extend(due(&mut shaper, begun, None));
        prop_assert!(shaper.is_empty());
        let Counts { arrived: counted, hole, chance, queue } = shaper.counts();
        prop_assert_eq!(counted, arrived.len() as u64);
        prop_assert_eq!(counted + hole + chance + queue, sent.len() as u64);
        prop_assert!(hole + chance + queue >= refused);
        prop_assert!(arrived.is_sorted_by(|(a, at), (b, then)| a < b && at <= then));
    }

    #[test]
    fn a_rate_is_never_exceeded(
        bits in 10_000_u32..10_000_000,
        queue in 3_000_u32..100_000,
        sent in prop::collection::vec((0_u64..20, 20_usize..1_500), 2..200),
    ) {
        let rate = Rate { bits, queue };
        let shape = Shape { rate: Some(rate), delay: MS * 20, ..Shape::default() };
        let mut at = Duration::ZERO;
        let sent = sent.into_iter().map(|(pause, bytes)| {
            at += MS * pause as u32;
            (at, bytes)
        });
        let sent = sent.collect::<Vec<_>>();
        let arrived = carried(shape, 7, &sent);
        for pair in arrived.windows(2) {
            let [(_, before), (number, at)] = pair else { continue };
            prop_assert!(*at - *before >= takes(rate, sent[*number].1));
        }
        for (number, at) in arrived {
            prop_assert!(at >= sent[number].0 + MS * 20 + takes(rate, sent[number].1));
        }
    }
}
