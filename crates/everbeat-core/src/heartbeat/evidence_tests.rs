//! What the kernel's evidence and our own lateness change, rule by rule, with a kernel that is told
//! what to say.

use core::cell::Cell;
use core::time::Duration;

use alloc::vec::Vec;

use super::rig::{MS, SECOND, pinged};
use super::*;

/// A kernel that says this of the road
fn says(acknowledged: u64, last: Duration) -> impl Fn() -> Option<PathEvidence> {
    let evidence =
        PathEvidence { acknowledged, last_acknowledged: last, ..PathEvidence::default() };
    move || Some(evidence)
}

/// What is asked for next, and how long after `since`
fn next(
    heartbeat: &mut Heartbeat,
    since: Instant,
    path: impl Fn() -> Option<PathEvidence>,
) -> (Duration, Option<Beat>) {
    for _ in 0..8 {
        let now = heartbeat.poll_timeout();
        if let Some(beat) = heartbeat.handle_timeout(now, &path) {
            return (now.saturating_duration_since(since), Some(beat));
        }
    }
    (Duration::MAX, None)
}

const fn dead(verdict: Verdict) -> Option<Beat> {
    Some(Beat::Dead(verdict))
}

#[test]
fn what_is_not_acknowledged_is_a_dead_road_by_the_path_clock() {
    let (mut heartbeat, _, sent) = pinged();
    let nothing = says(0, 60 * SECOND);
    assert_eq!(next(&mut heartbeat, sent, &nothing), (3 * SECOND, Some(Beat::Suspect)));
    assert_eq!(next(&mut heartbeat, sent, &nothing), (10 * SECOND, dead(Verdict::Path)));
}

#[test]
fn what_is_acknowledged_and_not_answered_is_a_dead_program_by_its_clock() {
    let (mut heartbeat, _, sent) = pinged();
    // The acknowledgement came a tenth of a second after the flush.
    let now = Cell::new(sent);
    let path = || says(14, now.get().saturating_duration_since(sent + 100 * MS))();
    let mut told = Vec::new();
    while told.len() < 2 {
        now.set(heartbeat.poll_timeout());
        let after = now.get().saturating_duration_since(sent);
        told.extend(heartbeat.handle_timeout(now.get(), path).map(|beat| (after, beat)));
    }
    let soft = (3_100 * MS, Beat::Suspect);
    assert_eq!(told, [soft, (20_100 * MS, Beat::Dead(Verdict::App))]);
}

#[test]
fn where_nothing_tells_there_is_one_clock_and_nobody_is_asked_again() {
    let (mut heartbeat, _, sent) = pinged();
    let asked = Cell::new(0);
    let blind = || {
        asked.set(asked.get() + 1);
        None
    };
    assert_eq!(next(&mut heartbeat, sent, blind), (3 * SECOND, Some(Beat::Suspect)));
    assert_eq!(next(&mut heartbeat, sent, blind), (20 * SECOND, dead(Verdict::Silent)));
    assert_eq!(asked.get(), 1);
}

#[test]
fn a_peer_that_takes_nothing_and_whose_kernel_speaks_hangs() {
    // A window of zero: its kernel answers our probes, ever more seldom; its program reads nothing.
    let (mut heartbeat, _, sent) = pinged();
    let shut = || {
        let last_acknowledged = 5 * SECOND;
        Some(PathEvidence { waiting: 14, last_acknowledged, ..PathEvidence::default() })
    };
    assert_eq!(next(&mut heartbeat, sent, shut), (3 * SECOND, Some(Beat::Suspect)));
    assert_eq!(next(&mut heartbeat, sent, shut), (20 * SECOND, dead(Verdict::App)));
}

#[test]
fn a_kernel_that_counts_beyond_all_numbers_does_no_harm() {
    let (mut heartbeat, _, sent) = pinged();
    let told = PathEvidence { acknowledged: u64::MAX, waiting: 1, ..PathEvidence::default() };
    assert_eq!(next(&mut heartbeat, sent, || Some(told)).1, Some(Beat::Suspect));
    assert_eq!(next(&mut heartbeat, sent, || Some(told)).1, dead(Verdict::App));
}

#[test]
fn an_upload_that_moves_postpones_both_clocks() {
    let (mut heartbeat, _, sent) = pinged();
    let acknowledged = Cell::new(0);
    let moves = || {
        acknowledged.set(acknowledged.get() + 1);
        says(acknowledged.get(), Duration::ZERO)()
    };
    for _ in 0..10 {
        let now = heartbeat.poll_timeout();
        let beat = heartbeat.handle_timeout(now, moves);
        assert!(matches!(beat, None | Some(Beat::Suspect)), "{beat:?}");
    }
    assert!(heartbeat.poll_timeout().saturating_duration_since(sent) > 30 * SECOND);
}

#[test]
fn a_road_that_was_silent_for_long_gets_four_times_that() {
    let (mut heartbeat, payload, sent) = pinged();
    let nothing = says(0, 60 * SECOND);
    assert_eq!(next(&mut heartbeat, sent, &nothing), (3 * SECOND, Some(Beat::Suspect)));
    heartbeat.handle_heard(sent + 4 * SECOND);
    heartbeat.handle_pong(&payload, sent + 4 * SECOND);
    assert_eq!(heartbeat.road_memory(), 4_000);
    let again = heartbeat.poll_timeout();
    assert!(matches!(heartbeat.handle_timeout(again, &nothing), Some(Beat::Ping(_))));
    heartbeat.handle_flushed(28, again);
    assert_eq!(next(&mut heartbeat, again, &nothing), (3 * SECOND, Some(Beat::Suspect)));
    assert_eq!(next(&mut heartbeat, again, &nothing), (16 * SECOND, dead(Verdict::Path)));
}

#[test]
fn a_message_that_is_not_acknowledged_asks_what_a_ping_would() {
    let mut heartbeat = Heartbeat::new(HeartbeatConfig::SERVER, 7, Instant::ORIGIN);
    let heard = Instant::ORIGIN + SECOND;
    heartbeat.handle_heard(heard);
    let wrote = heard + 2 * SECOND;
    heartbeat.handle_write(wrote);
    heartbeat.handle_flushed(100, wrote);
    let nothing = says(0, 60 * SECOND);
    // Late, so that a conversation is not a series of alarms; the death is not later for it.
    assert_eq!(next(&mut heartbeat, wrote, &nothing), (7 * SECOND, Some(Beat::Suspect)));
    assert_eq!(next(&mut heartbeat, wrote, &nothing), (10 * SECOND, dead(Verdict::Path)));
}

#[test]
fn no_answer_is_owed_to_a_message() {
    let mut heartbeat = Heartbeat::new(HeartbeatConfig::SERVER, 7, Instant::ORIGIN);
    let wrote = Instant::ORIGIN + SECOND;
    heartbeat.handle_heard(wrote);
    heartbeat.handle_write(wrote);
    heartbeat.handle_flushed(100, wrote);
    assert_eq!(next(&mut heartbeat, wrote, says(0, SECOND)), (7 * SECOND, Some(Beat::Suspect)));
    // Acknowledged after all: the suspicion is over, and the program is not asked by it.
    let (_, told) = next(&mut heartbeat, wrote, says(100, Duration::ZERO));
    assert_eq!(told, Some(Beat::Alive));
    assert!(!heartbeat.is_judging());
    let (after, told) = next(&mut heartbeat, wrote, says(100, Duration::ZERO));
    assert!(
        matches!(told, Some(Beat::Ping(_))) && after >= 20 * SECOND,
        "{told:?} after {after:?}"
    );
}

#[test]
fn bytes_that_come_in_do_not_show_that_ours_get_out() {
    let (mut heartbeat, _, sent) = pinged();
    let mut told = Vec::new();
    let mut now = sent;
    while told.is_empty() {
        now += 250 * MS;
        heartbeat.handle_heard(now);
        // The kernel hears the peer's segments all the time, and none acknowledges our Ping.
        told.extend(heartbeat.handle_timeout(now, says(0, Duration::ZERO)));
    }
    assert_eq!(told, [Beat::Dead(Verdict::OneWay)]);
    assert_eq!(now, sent + 10 * SECOND);
}

#[test]
fn a_pong_behind_a_long_download_is_not_missed() {
    let (mut heartbeat, _, sent) = pinged();
    let mut now = sent;
    for _ in 0..240 {
        now += 250 * MS;
        heartbeat.handle_heard(now);
        // Acknowledged at once; its answer waits behind a minute of data.
        assert_eq!(heartbeat.handle_timeout(now, says(14, Duration::ZERO)), None);
    }
}

#[test]
fn without_evidence_the_way_out_is_never_judged() {
    let (mut heartbeat, _, sent) = pinged();
    let mut now = sent;
    for _ in 0..240 {
        now += 250 * MS;
        heartbeat.handle_heard(now);
        assert_eq!(heartbeat.handle_timeout(now, || None), None);
    }
}

#[test]
fn under_a_promise_a_peer_that_only_talks_is_asked_for_a_pong() {
    let promise = HeartbeatConfig::SERVER.detect_within(5 * SECOND).unwrap();
    for (config, asks) in [(promise, true), (HeartbeatConfig::SERVER, false)] {
        let mut heartbeat = Heartbeat::new(config, 7, Instant::ORIGIN);
        let mut now = Instant::ORIGIN;
        let mut asked = false;
        for _ in 0..240 {
            now += 250 * MS;
            heartbeat.handle_heard(now);
            heartbeat.handle_talk(now);
            asked |= matches!(heartbeat.handle_timeout(now, || None), Some(Beat::Ping(_)));
        }
        assert_eq!(asked, asks);
    }
}

#[test]
fn who_was_late_reads_first_and_judges_by_clocks_that_stood_still() {
    let (mut heartbeat, _, sent) = pinged();
    let nothing = says(0, 60 * SECOND);
    assert_eq!(next(&mut heartbeat, sent, &nothing), (3 * SECOND, Some(Beat::Suspect)));
    // Two seconds late for the verdict.
    let late = sent + 12 * SECOND;
    assert_eq!(heartbeat.handle_timeout(late, &nothing), Some(Beat::ReadFirst));
    assert_eq!(heartbeat.handle_timeout(late, &nothing), None);
    let (after, told) = next(&mut heartbeat, sent, &nothing);
    assert_eq!((after, told), (12_400 * MS, dead(Verdict::Path)));
    let evidence = heartbeat.evidence(sent + after);
    assert_eq!(evidence.stalled_for, 2_400 * MS, "two that we were late, and some for reading");
}

#[test]
fn a_stall_is_no_longer_than_the_silence_however_much_was_due_in_it() {
    let mut heartbeat = Heartbeat::new(HeartbeatConfig::SERVER, 7, Instant::ORIGIN);
    let wrote = Instant::ORIGIN + SECOND;
    heartbeat.handle_heard(wrote);
    heartbeat.handle_write(wrote);
    heartbeat.handle_flushed(100, wrote);
    // Both a look after the message and a Ping are an hour late.
    let late = wrote + 3_600 * SECOND;
    assert_eq!(heartbeat.handle_timeout(late, || None), Some(Beat::ReadFirst));
    assert!(matches!(heartbeat.handle_timeout(late, || None), Some(Beat::Ping(_))));
    assert_eq!(heartbeat.evidence(late).stalled_for, 3_600 * SECOND);
}

#[test]
fn who_is_punctual_is_not_late_whichever_clock_is_the_longer() {
    let config = HeartbeatConfig::SERVER.with_clocks(10 * SECOND, 2 * SECOND).unwrap();
    let mut heartbeat = Heartbeat::new(config, 7, Instant::ORIGIN);
    let sent = heartbeat.poll_timeout();
    assert!(matches!(next(&mut heartbeat, sent, || None), (Duration::ZERO, Some(Beat::Ping(_)))));
    heartbeat.handle_flushed(14, sent);
    assert_eq!(next(&mut heartbeat, sent, || None), (config.soft(), Some(Beat::Suspect)));
    assert_eq!(heartbeat.handle_timeout(sent + config.soft(), || None), None);
    assert_eq!(next(&mut heartbeat, sent, || None), (2 * SECOND, dead(Verdict::Silent)));
    assert_eq!(heartbeat.evidence(sent + 2 * SECOND).stalled_for, Duration::ZERO);
}

#[test]
fn after_a_long_stall_it_is_asked_anew() {
    for stall in [30 * SECOND, 3_600 * SECOND] {
        let (mut heartbeat, _, sent) = pinged();
        let nothing = says(0, 3_600 * SECOND);
        assert_eq!(next(&mut heartbeat, sent, &nothing), (3 * SECOND, Some(Beat::Suspect)));
        let awake = sent + stall;
        assert_eq!(heartbeat.handle_timeout(awake, &nothing), Some(Beat::ReadFirst));
        let (after, told) = next(&mut heartbeat, awake, &nothing);
        assert!(matches!(told, Some(Beat::Ping(_))) && after == 400 * MS, "{told:?} {after:?}");
        heartbeat.handle_flushed(28, awake + after);
        assert_eq!(next(&mut heartbeat, awake, &nothing), (10_400 * MS, dead(Verdict::Path)));
    }
}

#[test]
fn who_is_late_all_the_time_is_not_excused_for_ever() {
    let (mut heartbeat, _, sent) = pinged();
    let mut now = sent;
    for _ in 0..200 {
        now = heartbeat.poll_timeout() + SECOND;
        match heartbeat.handle_timeout(now, says(0, 3_600 * SECOND)) {
            Some(Beat::Dead(Verdict::Path)) => break,
            Some(Beat::Ping(_)) => heartbeat.handle_flushed(28, now),
            _ => {}
        }
    }
    assert!(now < sent + 150 * SECOND, "dead only at {now:?}");
}

#[test]
fn an_application_that_does_not_read_leaves_only_the_road_to_be_judged() {
    for (acknowledged, expected) in [(14, None), (0, Some(Beat::Dead(Verdict::Path)))] {
        let (mut heartbeat, _, sent) = pinged();
        let mut told = None;
        let mut now = sent;
        while now < sent + 19 * SECOND {
            now += 500 * MS;
            heartbeat.handle_unread(None, now);
            let beat = heartbeat.handle_timeout(now, says(acknowledged, 60 * SECOND));
            let news = beat.filter(|beat| !matches!(beat, Beat::Suspect | Beat::ReadFirst));
            told = if told.is_none() { news } else { told };
        }
        assert_eq!(told, expected);
    }
}

#[test]
fn two_that_wait_for_each_other_are_judged_again_as_soon_as_one_reads() {
    let (mut heartbeat, _, sent) = pinged();
    let shut = || {
        let last_acknowledged = 5 * SECOND;
        Some(PathEvidence { waiting: 14, last_acknowledged, ..PathEvidence::default() })
    };
    let mut told = Vec::new();
    let mut now = sent;
    while now < sent + 60 * SECOND {
        now += 500 * MS;
        heartbeat.handle_unread(None, now);
        let beat = heartbeat.handle_timeout(now, shut);
        if let Some(Beat::Ping(_)) = beat {
            heartbeat.handle_flushed(14, now);
        }
        told.extend(beat);
    }
    assert!(!told.iter().any(|beat| matches!(beat, Beat::Dead(_))), "{told:?}");
    // Our application reads again, and there is nothing: the road is gone.
    let nothing = says(0, 60 * SECOND);
    let reads = now;
    loop {
        now = heartbeat.poll_timeout();
        match heartbeat.handle_timeout(now, &nothing) {
            Some(Beat::Dead(verdict)) => break assert_eq!(verdict, Verdict::Path),
            Some(Beat::Ping(_)) => heartbeat.handle_flushed(28, now),
            _ => {}
        }
    }
    let config = HeartbeatConfig::SERVER;
    assert!(now <= reads + config.interval() + config.timeout(), "dead only at {now:?}");
}

#[test]
fn a_kernel_that_tells_nothing_any_more_does_not_keep_the_dead_alive() {
    let (mut heartbeat, payload, sent) = pinged();
    let shut = || Some(PathEvidence { waiting: 14, ..PathEvidence::default() });
    assert_eq!(next(&mut heartbeat, sent, shut), (3 * SECOND, Some(Beat::Suspect)));
    assert!(heartbeat.handle_heard(sent + 4 * SECOND));
    assert!(heartbeat.handle_pong(&payload, sent + 4 * SECOND).is_some());
    let again = heartbeat.poll_timeout();
    assert!(matches!(heartbeat.handle_timeout(again, shut), Some(Beat::Ping(_))));
    heartbeat.handle_unread(None, again);
    assert_eq!(next(&mut heartbeat, again, || None), (3 * SECOND, Some(Beat::Suspect)));
    heartbeat.handle_flushed(28, again + 3 * SECOND);
    assert_eq!(next(&mut heartbeat, again, || None), (23 * SECOND, dead(Verdict::Silent)));
}

#[test]
fn a_ping_after_a_message_is_not_judged_by_time_that_the_peer_was_excused() {
    let mut heartbeat = Heartbeat::new(HeartbeatConfig::SERVER, 7, Instant::ORIGIN);
    let wrote = Instant::ORIGIN + SECOND;
    heartbeat.handle_heard(wrote);
    heartbeat.handle_write(wrote);
    heartbeat.handle_flushed(100, wrote);
    let shut = || Some(PathEvidence { waiting: 100, ..PathEvidence::default() });
    assert_eq!(next(&mut heartbeat, wrote, shut), (7 * SECOND, Some(Beat::Suspect)));
    // Its window opens, and from then on the road is to carry the message.
    let (asked, told) = next(&mut heartbeat, wrote, says(0, 20 * SECOND));
    assert!(matches!(told, Some(Beat::Ping(_))) && asked > 20 * SECOND, "{told:?} {asked:?}");
    assert_eq!(heartbeat.handle_timeout(wrote + asked, says(0, 20 * SECOND)), None);
    assert_eq!(heartbeat.evidence(wrote + asked).stalled_for, Duration::ZERO);
}
