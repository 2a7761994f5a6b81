//! What shows outside only after many turns: how measurements age, and by which instant each clock
//! runs.

use super::*;
use crate::transport::PathEvidence;

fn at(millis: u64) -> Instant {
    Instant::from_origin(Duration::from_millis(millis))
}

/// A server's clocks: suspicion after 3 s, the road's 10 s, the program's 20 s
const CONFIG: HeartbeatConfig = HeartbeatConfig::SERVER;

fn says(acknowledged: u64, millis_ago: u64) -> Option<PathEvidence> {
    let last_acknowledged = Duration::from_millis(millis_ago);
    Some(PathEvidence { acknowledged, last_acknowledged, ..PathEvidence::default() })
}

/// A Ping went out at the start, as bytes 0 to 14
fn pinged() -> Detector {
    let mut detector = Detector::resume(Rest::new(at(0)));
    detector.handle_ping(at(0));
    detector.handle_flushed(14, at(0));
    detector
}

#[test]
fn what_a_road_has_survived_fades_by_a_256th_with_each_answer() {
    let mut detector = Detector::resume(Rest::new(at(0)));
    detector.set_peak(8_000);
    for _ in 0..256 {
        detector.note_stall(Duration::from_millis(30));
    }
    // 8,000 by e is 2,943; the rest is what whole numbers cut off.
    assert!((2_943..3_100).contains(&detector.peak()), "{}", detector.peak());
}

#[test]
fn who_is_heard_after_a_stall_of_ours_need_not_be_asked_anew() {
    let mut detector = pinged();
    assert_eq!(detector.judge(&CONFIG, at(13_000), || None), Judgement::ReadFirst);
    detector.handle_heard(&CONFIG, at(13_100));
    detector.handle_write(at(14_000));
    detector.handle_ping(at(15_000));
    // The message waits for its acknowledgement since it was written.
    assert_eq!(detector.probe.map(|probe| probe.road_since), Some(at(14_000)));
}

#[test]
fn a_way_out_has_the_time_again_that_we_were_late() {
    let mut detector = pinged();
    detector.handle_heard(&CONFIG, at(2_500));
    // Asked 2 s late, and the pause in which what came meanwhile is read takes 0.4 s.
    assert_eq!(detector.judge(&CONFIG, at(5_000), || says(0, 0)), Judgement::ReadFirst);
    assert_eq!(detector.judge(&CONFIG, at(5_400), || says(0, 0)), Judgement::Alive);
    detector.handle_heard(&CONFIG, at(9_000));
    assert_eq!(detector.next(&CONFIG), at(12_400));
    assert_eq!(
        detector.judge(&CONFIG, at(12_400), || says(0, 0)),
        Judgement::Dead(Verdict::OneWay)
    );
}

#[test]
fn a_way_out_that_was_seen_to_move_has_the_whole_clock_from_then() {
    let mut detector = Detector::resume(Rest::new(at(0)));
    detector.look(says(0, 0), at(0));
    detector.handle_ping(at(1_000));
    detector.handle_flushed(14, at(1_000));
    detector.handle_heard(&CONFIG, at(2_000));
    detector.look(says(5, 0), at(3_000));
    detector.handle_heard(&CONFIG, at(4_000));
    assert_eq!(detector.next(&CONFIG), at(13_000));
}

#[test]
fn a_kernel_that_counts_backwards_takes_nothing_back() {
    let mut detector = pinged();
    detector.look(says(14, 0), at(100));
    detector.look(says(3, 0), at(200));
    assert_eq!(detector.acknowledged, 14);
}

#[test]
fn a_ping_behind_an_upload_waits_for_the_road_since_that_last_moved() {
    let mut detector = Detector::resume(Rest::new(at(0)));
    detector.handle_write(at(1_000));
    detector.handle_flushed(100, at(1_000));
    detector.handle_ping(at(5_000));
    detector.handle_flushed(114, at(5_000));
    // Half of the upload had arrived a second before the Ping was written, and nothing since.
    detector.look(says(50, 4_000), at(8_000));
    assert_eq!(detector.probe.map(|probe| probe.road_since), Some(at(4_000)));
}

#[test]
fn it_is_two_cache_lines_at_most() {
    assert!(size_of::<Detector>() <= 128, "{}", size_of::<Detector>());
}
