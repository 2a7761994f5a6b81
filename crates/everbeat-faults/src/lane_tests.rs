//! A lane's rules on times of our own choosing; no socket, no sleep.

use std::num::NonZeroU32;

use super::*;

const MILLI: Duration = Duration::from_millis(1);

fn black_hole() -> LaneFaults {
    LaneFaults { black_hole: true, ..LaneFaults::default() }
}

/// Writes all that is due and returns it with the end, if that was due as well
fn drain(lane: &mut Lane, now: Instant) -> (Vec<u8>, Option<End>) {
    let mut written = Vec::new();
    loop {
        match lane.step(now) {
            Some(Step::Write(bytes)) => {
                let count = bytes.len();
                written.extend_from_slice(bytes);
                lane.wrote(now, count);
            }
            Some(Step::End(end)) => {
                lane.ended();
                return (written, Some(end));
            }
            None => return (written, None),
        }
    }
}

#[test]
fn a_shorter_delay_overtakes_nothing() {
    let now = Instant::now();
    let mut lane = Lane::default();
    lane.obey(LaneFaults { delay: MILLI * 600, ..LaneFaults::default() }, now);
    lane.take(now, b"slow ");
    lane.obey(LaneFaults::default(), now);
    lane.take(now + MILLI, b"fast");
    lane.sender_ended(now + MILLI, End::Fin);
    assert_eq!(lane.next(), Some(now + MILLI * 600));
    assert_eq!(drain(&mut lane, now + MILLI * 599), (vec![], None));
    assert_eq!(drain(&mut lane, now + MILLI * 600), (b"slow fast".to_vec(), Some(End::Fin)));
    assert!(lane.is_over());
}

#[test]
fn a_rate_is_kept_and_lateness_is_made_up_for_only_a_little() {
    let now = Instant::now();
    let mut lane = Lane::default();
    lane.obey(LaneFaults { rate: NonZeroU32::new(1_000), ..LaneFaults::default() }, now);
    lane.take(now, &[7; 4_000]);
    let mut written = 0;
    for milli in 0..=1_000 {
        written += drain(&mut lane, now + MILLI * milli).0.len();
    }
    assert!((1_000..=1_010).contains(&written), "{written} bytes in a second of 1000 B/s");
    let late = drain(&mut lane, now + MILLI * 3_000).0.len();
    assert!(late <= 120, "{late} bytes at once after a stall of 2 s");
}

#[test]
fn a_full_lane_reads_no_more() {
    let now = Instant::now();
    let mut lane = Lane::default();
    lane.obey(LaneFaults { delay: MILLI, ..LaneFaults::default() }, now);
    lane.take(now, &vec![0; HELD - 1]);
    assert!(lane.wants_bytes());
    lane.take(now, &[0]);
    assert!(!lane.wants_bytes());
    drain(&mut lane, now + MILLI);
    assert!(lane.wants_bytes());
}

#[test]
fn a_black_hole_hides_ends_and_heals_into_them_if_no_byte_was_lost() {
    for end in [End::Fin, End::Reset] {
        let now = Instant::now();
        let mut lane = Lane::default();
        lane.obey(black_hole(), now);
        lane.sender_ended(now, end);
        assert_eq!(drain(&mut lane, now + MILLI), (vec![], None));
        assert!(!lane.is_over());
        lane.obey(LaneFaults::default(), now + MILLI);
        assert_eq!(drain(&mut lane, now + MILLI), (vec![], Some(end)));
        assert!(lane.is_over());
    }
}

#[test]
fn a_stream_with_a_hole_is_reset_when_healed() {
    let now = Instant::now();
    let mut read_in_the_hole = Lane::default();
    read_in_the_hole.obey(black_hole(), now);
    read_in_the_hole.take(now, b"lost");

    let mut under_way = Lane::default();
    under_way.obey(LaneFaults { delay: MILLI, ..LaneFaults::default() }, now);
    under_way.take(now, b"lost");
    under_way.obey(black_hole(), now);

    for mut lane in [read_in_the_hole, under_way] {
        assert_eq!(drain(&mut lane, now + MILLI), (vec![], None));
        lane.obey(LaneFaults::default(), now + MILLI);
        assert_eq!(drain(&mut lane, now + MILLI), (vec![], Some(End::Reset)));
    }
}

#[test]
fn an_empty_black_hole_leaves_no_trace() {
    let now = Instant::now();
    let mut lane = Lane::default();
    lane.obey(black_hole(), now);
    lane.obey(LaneFaults::default(), now);
    lane.take(now, b"whole");
    assert_eq!(drain(&mut lane, now), (b"whole".to_vec(), None));
}

#[test]
fn a_cut_is_exact_wherever_the_bytes_are() {
    let now = Instant::now();
    let cut = LaneFaults { cut_at: Some(5), ..LaneFaults::default() };

    let mut to_come = Lane::default();
    to_come.obey(cut, now);
    to_come.take(now, b"abc");
    assert_eq!(drain(&mut to_come, now), (b"abc".to_vec(), None));
    to_come.take(now, b"defg");
    assert_eq!(drain(&mut to_come, now), (b"de".to_vec(), Some(End::Cut)));

    let mut held = Lane::default();
    for bytes in [b"abc", b"def", b"ghi"] {
        held.take(now, bytes);
    }
    held.sender_ended(now, End::Fin);
    held.obey(cut, now);
    held.obey(cut, now + MILLI);
    assert_eq!(drain(&mut held, now), (b"abcde".to_vec(), Some(End::Cut)));

    let mut passed = Lane::default();
    passed.take(now, b"abcdefg");
    assert_eq!(passed.step(now), Some(Step::Write(b"abcdefg")));
    passed.wrote(now, 6);
    passed.obey(cut, now);
    assert_eq!(drain(&mut passed, now), (vec![], Some(End::Cut)));
}

#[test]
fn a_half_closed_lane_delivers_what_was_under_way_and_drops_the_rest() {
    let now = Instant::now();
    let mut lane = Lane::default();
    lane.take(now, b"before");
    lane.obey(LaneFaults { half_close: true, ..LaneFaults::default() }, now);
    lane.take(now, b"after");
    assert_eq!(drain(&mut lane, now), (b"before".to_vec(), Some(End::Fin)));
    lane.sender_ended(now, End::Fin);
    assert!(lane.is_over() && lane.next().is_none());
    assert!(lane.wants_reset());
    lane.sender_ended(now, End::Reset);
    assert_eq!(drain(&mut lane, now), (vec![], Some(End::Reset)));
}

#[test]
fn a_stalled_lane_reads_nothing_and_watches_for_a_reset() {
    let now = Instant::now();
    let mut lane = Lane::default();
    lane.take(now, b"read before");
    lane.obey(LaneFaults { stall: true, ..LaneFaults::default() }, now);
    assert!(!lane.wants_bytes() && lane.wants_reset());
    assert_eq!(drain(&mut lane, now).0, b"read before");
    lane.sender_ended(now, End::Reset);
    assert!(!lane.wants_reset());
}

#[test]
fn a_sender_that_broke_is_read_to_its_end_and_then_counts_as_reset() {
    let now = Instant::now();
    let mut lane = Lane::default();
    lane.sender_broke(now);
    assert!(lane.wants_bytes());
    lane.take(now, b"bye");
    lane.sender_ended(now, End::Fin);
    assert_eq!(drain(&mut lane, now), (b"bye".to_vec(), Some(End::Reset)));

    let mut finished = Lane::default();
    finished.sender_ended(now, End::Fin);
    finished.sender_broke(now);
    assert_eq!(drain(&mut finished, now), (vec![], Some(End::Reset)));
}
