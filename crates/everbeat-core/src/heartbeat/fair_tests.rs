//! Histories that look like death and are none, and deaths that look like life.

use core::time::Duration;

use alloc::vec::Vec;

use super::rig::{MS, SECOND, at, pinged};
use super::*;

/// A kernel that says this of the road
fn says(acknowledged: u64, last_acknowledged: Duration) -> Option<PathEvidence> {
    Some(PathEvidence { acknowledged, last_acknowledged, ..PathEvidence::default() })
}

/// What is told, and when, until it is dead or `until` has come; Pings are flushed as byte `sent`
fn told(
    heartbeat: &mut Heartbeat,
    until: Instant,
    sent: u64,
    path: impl Fn(Instant) -> Option<PathEvidence>,
) -> Vec<(Instant, Beat)> {
    let mut told = Vec::new();
    while heartbeat.poll_timeout() <= until {
        let now = heartbeat.poll_timeout();
        let Some(beat) = heartbeat.handle_timeout(now, || path(now)) else { continue };
        told.push((now, beat));
        match beat {
            Beat::Ping(_) => heartbeat.handle_flushed(sent, now),
            Beat::Dead(_) => break,
            _ => {}
        }
    }
    told
}

fn died(told: &[(Instant, Beat)]) -> Option<(Instant, Verdict)> {
    told.iter().find_map(|(at, beat)| match beat {
        Beat::Dead(verdict) => Some((*at, *verdict)),
        _ => None,
    })
}

#[test]
fn who_reads_slowly_is_not_dead_as_long_as_it_reads() {
    let mut heartbeat = Heartbeat::new(HeartbeatConfig::SERVER, 7, Instant::ORIGIN);
    let sent = at(1_000);
    heartbeat.handle_heard(sent);
    heartbeat.handle_write(sent);
    heartbeat.handle_flushed(2_000_000, sent);
    // It takes 64 KiB every eight seconds, and its window is shut in between.
    let told = told(&mut heartbeat, at(22_000), 2_000_014, |now| {
        let passed = now.saturating_duration_since(sent);
        let acknowledged = 65_536 * (1 + passed.as_secs() / 8);
        let last_acknowledged = passed.saturating_sub(8 * SECOND * (passed.as_secs() as u32 / 8));
        let waiting = 2_000_000 - acknowledged;
        Some(PathEvidence { acknowledged, waiting, unsent: waiting, last_acknowledged })
    });
    assert_eq!(died(&told), None, "{told:?}");
}

#[test]
fn no_counter_of_a_kernel_makes_us_panic() {
    let (mut heartbeat, _, sent) = pinged();
    let told = told(&mut heartbeat, sent + 60 * SECOND, 28, |_| {
        Some(PathEvidence {
            acknowledged: u64::MAX,
            unsent: u64::MAX,
            waiting: u64::MAX,
            last_acknowledged: Duration::MAX,
        })
    });
    assert_eq!(died(&told).map(|(_, verdict)| verdict), Some(Verdict::App));
}

/// A request every `period`, answered and acknowledged after `round_trip`, but for the last; when that
/// was sent
fn requests(heartbeat: &mut Heartbeat, period: u64, round_trip: Duration, count: u32) -> Instant {
    heartbeat.handle_heard(Instant::ORIGIN);
    heartbeat.handle_write(Instant::ORIGIN);
    let wrote = at(10_000);
    assert_eq!(told(heartbeat, wrote, 0, |_| says(0, SECOND)), [], "the kernel was asked once");
    let mut wrote = wrote + 10 * MS;
    for request in 1..=count {
        let sent = u64::from(request) * 100;
        heartbeat.handle_write(wrote);
        heartbeat.handle_flushed(sent, wrote);
        if request == count {
            break;
        }
        let (last, asked) = (wrote + round_trip, |now: Instant| {
            says(sent - 100, now.saturating_duration_since(wrote - period as u32 * MS + round_trip))
        });
        assert_eq!(told(heartbeat, last - MS, sent, asked), [], "request {request} is on its way");
        assert!(!heartbeat.handle_heard(last));
        wrote += period as u32 * MS;
        let answered = |now: Instant| says(sent, now.saturating_duration_since(last));
        assert_eq!(
            told(heartbeat, wrote - MS, sent, answered),
            [],
            "request {request} is answered"
        );
    }
    wrote
}

#[test]
fn a_message_is_judged_from_when_it_was_sent() {
    let config = HeartbeatConfig::CLIENT.with_clocks(12 * SECOND, 20 * SECOND).unwrap();
    for period in [3_000, 5_000, 6_900] {
        let mut heartbeat = Heartbeat::new(config, 7, Instant::ORIGIN);
        let lost = requests(&mut heartbeat, period, 100 * MS, 8);
        let told = told(&mut heartbeat, lost + 60 * SECOND, 814, |now| {
            says(700, now.saturating_duration_since(lost - period as u32 * MS + 100 * MS))
        });
        assert_eq!(died(&told), Some((lost + 12 * SECOND, Verdict::Path)), "{period}: {told:?}");
    }
}

#[test]
fn what_is_just_on_its_way_is_not_suspected() {
    for period in (6_800..7_400).step_by(50) {
        let mut heartbeat = Heartbeat::new(HeartbeatConfig::CLIENT, 7, Instant::ORIGIN);
        requests(&mut heartbeat, period, 200 * MS, 20);
    }
}

#[test]
fn a_message_that_nobody_answers_is_judged_from_when_it_was_sent() {
    let mut heartbeat = Heartbeat::new(HeartbeatConfig::SERVER, 7, Instant::ORIGIN);
    heartbeat.handle_heard(at(900));
    for (wrote, sent) in [(1_000, 100), (6_000, 200)] {
        heartbeat.handle_write(at(wrote));
        heartbeat.handle_flushed(sent, at(wrote));
    }
    let told = told(&mut heartbeat, at(60_000), 214, |now| {
        says(100, now.saturating_duration_since(at(1_050)))
    });
    assert_eq!(died(&told), Some((at(16_000), Verdict::Path)), "{told:?}");
}

#[test]
fn an_early_ping_is_judged_from_when_it_was_sent() {
    let mut heartbeat = Heartbeat::new(HeartbeatConfig::CLIENT, 7, Instant::ORIGIN);
    let lost = requests(&mut heartbeat, 1_000, 50 * MS, 200);
    heartbeat.handle_heard(lost + 50 * MS);
    let acknowledged = |now: Instant| says(20_000, now.saturating_duration_since(lost + 50 * MS));
    let told = told(&mut heartbeat, lost + 60 * SECOND, 20_014, acknowledged);
    let Some((pinged, Beat::Ping(_))) = told.first() else { panic!("{told:?}") };
    assert!(*pinged < lost + 5 * SECOND, "it was early");
    assert_eq!(died(&told), Some((*pinged + 10 * SECOND, Verdict::Path)), "{told:?}");
}

#[test]
fn who_asks_again_and_again_still_finds_a_dead_road() {
    for (sees, clock, verdict) in
        [(true, 10 * SECOND, Verdict::Path), (false, 20 * SECOND, Verdict::Silent)]
    {
        let (mut heartbeat, _, sent) = pinged();
        let path = || sees.then(|| says(0, 60 * SECOND)).flatten();
        let (mut now, mut died) = (sent, None);
        while died.is_none() && now < sent + 60 * SECOND {
            now += 500 * MS;
            let beat = heartbeat.handle_timeout(now, path);
            died = beat.filter(|beat| matches!(beat, Beat::Dead(_)));
            if now.saturating_duration_since(sent).as_millis() % 4_000 == 0 {
                heartbeat.ping_now(now);
                heartbeat.handle_flushed(28, now);
            }
        }
        assert_eq!(died, Some(Beat::Dead(verdict)));
        // The first who asks may know that we slept.
        assert_eq!(now, sent + 4 * SECOND + clock);
        assert_eq!(heartbeat.evidence(now).stalled_for, 4 * SECOND, "what it cost is told");
    }
}

#[test]
fn however_often_the_peer_talks_it_is_found_that_it_does_not_hear_us() {
    let config = HeartbeatConfig::SERVER.detect_within(15 * SECOND).unwrap();
    for period in (200..9_900).step_by(100) {
        let mut heartbeat = Heartbeat::new(config, 7, Instant::ORIGIN);
        let (mut talk, mut sent, mut lost) = (at(period), 0, None);
        let (died, verdict) = 'life: loop {
            let now = heartbeat.poll_timeout().min(talk);
            assert!(now < at(100_000), "never dead, with a word every {period} ms");
            if now == talk {
                heartbeat.handle_heard(now);
                heartbeat.handle_talk(now);
                talk += period as u32 * MS;
            }
            while let Some(beat) = heartbeat.handle_timeout(now, || says(0, Duration::ZERO)) {
                match beat {
                    Beat::Ping(_) => {
                        sent += 14;
                        lost.get_or_insert(now);
                        heartbeat.handle_flushed(sent, now);
                    }
                    Beat::Dead(verdict) => break 'life (now, verdict),
                    _ => {}
                }
            }
        };
        assert_eq!(verdict, Verdict::OneWay);
        let after = died.saturating_duration_since(lost.unwrap());
        assert!(after >= 10 * SECOND, "after {after:?}");
        // Its next word decides.
        assert!(after <= 10 * SECOND + period as u32 * MS, "{period}: after {after:?}");
    }
}

#[test]
fn a_stall_after_a_long_sleep_is_excused_too() {
    let nothing = || says(0, 3_600 * SECOND);
    // Asleep with nothing out, so that a Ping goes out late; or with one out.
    let asleep_idle = {
        let mut heartbeat = Heartbeat::new(HeartbeatConfig::CLIENT, 7, Instant::ORIGIN);
        let awake = at(3_600_000);
        assert!(matches!(heartbeat.handle_timeout(awake, nothing), Some(Beat::Ping(_))));
        heartbeat.handle_flushed(14, awake);
        (heartbeat, awake)
    };
    let asleep_asking = {
        let (mut heartbeat, _, sent) = pinged();
        let awake = sent + 3_600 * SECOND;
        assert_eq!(heartbeat.handle_timeout(awake, nothing), Some(Beat::ReadFirst));
        let again = heartbeat.poll_timeout();
        assert!(matches!(heartbeat.handle_timeout(again, nothing), Some(Beat::Ping(_))));
        heartbeat.handle_flushed(28, again);
        (heartbeat, again)
    };
    for (mut heartbeat, pinged) in [asleep_idle, asleep_asking] {
        let awake = pinged + 30 * SECOND;
        assert_eq!(heartbeat.handle_timeout(awake, nothing), Some(Beat::ReadFirst));
    }
}

/// A kernel whose peer takes nothing
fn shut(last_acknowledged: Duration) -> Option<PathEvidence> {
    Some(PathEvidence { waiting: 14, unsent: 14, last_acknowledged, ..PathEvidence::default() })
}

#[test]
fn a_window_that_has_just_opened_is_no_dead_road() {
    let (mut heartbeat, _, sent) = pinged();
    // A peer that did nothing for nearly 20 s; our Ping is on its way since then.
    let told = told(&mut heartbeat, sent + 25 * SECOND, 28, |now| {
        let after = now.saturating_duration_since(sent);
        if after < 19_900 * MS { shut(SECOND) } else { says(0, after - 19_900 * MS) }
    });
    assert_eq!(died(&told), None, "{told:?}");
}

#[test]
fn where_nobody_reads_the_kernel_is_asked_on_and_on() {
    let (mut heartbeat, _, sent) = pinged();
    heartbeat.handle_unread(None, sent);
    // Each waits for the other, for two minutes; then the peer reads again, and then it is gone.
    let told = told(&mut heartbeat, sent + 300 * SECOND, 28, |now| {
        let after = now.saturating_duration_since(sent);
        if after < 120 * SECOND { shut(SECOND) } else { says(0, after - 120 * SECOND) }
    });
    let (died, verdict) = died(&told).unwrap();
    assert_eq!(verdict, Verdict::Path);
    assert!(died >= sent + 120 * SECOND && died <= sent + 150 * SECOND, "{told:?}");
}

#[test]
fn a_suspicion_ends_with_alive_although_nobody_reads() {
    let mut heartbeat = Heartbeat::new(HeartbeatConfig::SERVER, 7, Instant::ORIGIN);
    let pinged = heartbeat.poll_timeout();
    assert!(matches!(heartbeat.handle_timeout(pinged, || None), Some(Beat::Ping(_))));
    heartbeat.handle_unread(None, pinged);
    let told = heartbeat.handle_timeout(pinged + 3 * SECOND, || None);
    assert_eq!(told, Some(Beat::Suspect), "the kernel takes nothing");
    let taken = pinged + 5 * SECOND;
    heartbeat.handle_flushed(14, taken);
    heartbeat.handle_unread(None, taken);
    assert_eq!(heartbeat.handle_timeout(taken, || None), Some(Beat::Alive));
    assert_eq!(heartbeat.handle_timeout(taken, || None), None);
    assert_eq!(heartbeat.evidence(taken).stalled_for, Duration::ZERO);
}

#[test]
fn neither_our_own_stall_nor_a_shut_window_is_learnt_as_the_roads() {
    // The Pong waits in the socket, and we do not run.
    let (mut heartbeat, payload, sent) = pinged();
    heartbeat.handle_heard(sent + 12 * SECOND);
    heartbeat.handle_pong(&payload, sent + 12 * SECOND);
    assert_eq!(heartbeat.road_memory(), 0);
    // The peer did not read.
    let (mut heartbeat, payload, sent) = pinged();
    let told = heartbeat.handle_timeout(sent + 3 * SECOND, || shut(SECOND));
    assert_eq!(told, Some(Beat::Suspect));
    heartbeat.handle_heard(sent + 15 * SECOND);
    heartbeat.handle_pong(&payload, sent + 15 * SECOND);
    assert_eq!(heartbeat.road_memory(), 0);
}

#[test]
fn a_wheel_that_ticks_every_50_ms_is_no_stall_however_short_the_clocks() {
    let config = HeartbeatConfig::new(100 * MS, 100 * MS).unwrap();
    let mut heartbeat = Heartbeat::new(config, 7, Instant::ORIGIN);
    let mut died = None;
    while died.is_none() {
        let now = heartbeat.poll_timeout() + 50 * MS;
        assert!(now < at(60_000), "never dead");
        match heartbeat.handle_timeout(now, || says(0, SECOND)) {
            Some(Beat::Ping(_)) => heartbeat.handle_flushed(14, now),
            Some(Beat::Dead(_)) => died = Some(now),
            _ => {}
        }
    }
    assert!(died.unwrap() <= at(100 + 100 + 4 * 50), "{died:?}");
}

/// A peer that says something four times a second for so long, and what is told meanwhile
fn talks(
    heartbeat: &mut Heartbeat,
    from: Instant,
    length: Duration,
    path: impl Fn(Instant) -> Option<PathEvidence>,
) -> Vec<(Instant, Beat)> {
    let (mut now, mut told) = (from, Vec::new());
    while now < from + length {
        now += 250 * MS;
        heartbeat.handle_heard(now);
        let beats = core::iter::from_fn(|| heartbeat.handle_timeout(now, || path(now)));
        told.extend(beats.take(8).map(|beat| (now, beat)));
    }
    told
}

#[test]
fn a_ping_behind_an_upload_that_moves_is_on_its_way_out() {
    let mut heartbeat = Heartbeat::new(HeartbeatConfig::SERVER, 7, Instant::ORIGIN);
    heartbeat.handle_write(Instant::ORIGIN);
    let sent = heartbeat.poll_timeout();
    heartbeat.handle_flushed(1_000_000, sent);
    let now = heartbeat.poll_timeout();
    heartbeat.handle_timeout(now, || says(1, Duration::ZERO));
    heartbeat.ping_now(now);
    heartbeat.handle_flushed(1_000_014, now);
    let told = talks(&mut heartbeat, now, 60 * SECOND, |now| {
        says(now.saturating_duration_since(sent).as_secs() * 1_000, 100 * MS)
    });
    assert_eq!(died(&told), None, "{told:?}");
}

#[test]
fn a_way_out_that_waits_for_the_peer_to_read_is_not_judged_by_the_road() {
    let (mut heartbeat, _, sent) = pinged();
    let told = talks(&mut heartbeat, sent, 60 * SECOND, |now| {
        let after = now.saturating_duration_since(sent);
        if after < 35 * SECOND { shut(SECOND) } else { says(0, SECOND) }
    });
    // It reads again after 35 s, and then our Ping is lost.
    let (died, verdict) = died(&told).unwrap();
    assert_eq!(verdict, Verdict::OneWay);
    assert!(died >= sent + 40 * SECOND, "{told:?}");
}

#[test]
fn a_way_out_that_is_lost_before_the_way_in_is_a_dead_road_without_another_ping() {
    // What is heard within 3 s of the Ping may have been on its way already; what is heard later shows
    // that only ours is lost, and the clock of the Ping is the one that counts.
    for (heard, dead, verdict) in [(2, 12, Verdict::Path), (6, 10, Verdict::OneWay)] {
        let (mut heartbeat, _, sent) = pinged();
        talks(&mut heartbeat, sent, heard * SECOND, |_| says(0, Duration::ZERO));
        let told = told(&mut heartbeat, sent + 60 * SECOND, 28, |_| says(0, SECOND));
        assert_eq!(died(&told), Some((sent + dead * SECOND, verdict)), "{told:?}");
    }
}

#[test]
fn a_promise_is_kept_for_the_way_out_however_seldom_the_peer_talks() {
    let promise = 15 * SECOND;
    let config = HeartbeatConfig::SERVER.detect_within(promise).unwrap();
    for period in [250, 1_000, 3_400, 7_500, 9_000, 9_900] {
        let mut heartbeat = Heartbeat::new(config, 7, Instant::ORIGIN);
        let (mut now, mut death) = (Instant::ORIGIN, None);
        while death.is_none() && now < at(120_000) {
            let talk = (now.as_nanos() / 1_000_000 / period + 1) * period;
            now = at(talk).min(heartbeat.poll_timeout());
            if now == at(talk) {
                heartbeat.handle_heard(now);
                heartbeat.handle_talk(now);
            }
            while let Some(beat) = heartbeat.handle_timeout(now, || says(0, SECOND)) {
                match beat {
                    Beat::Ping(_) => heartbeat.handle_flushed(14, now),
                    Beat::Dead(_) => {
                        death = Some(now);
                        break;
                    }
                    _ => {}
                }
            }
        }
        // From the first word on nothing shows that our bytes get out.
        let dead = death.unwrap();
        assert!(dead <= at(period) + promise, "each {period} ms: dead at {dead:?}");
    }
}

#[test]
fn how_long_the_road_took_is_learnt_from_the_acknowledgement_of_the_ping_alone() {
    for (sent, learnt) in [(14, 6_000), (114, 0)] {
        let (mut heartbeat, _, pinged) = pinged();
        assert_eq!(
            heartbeat.handle_timeout(pinged + 3 * SECOND, || says(0, 60 * SECOND)),
            Some(Beat::Suspect)
        );
        if sent > 14 {
            heartbeat.handle_write(pinged + 4 * SECOND);
            heartbeat.handle_flushed(sent, pinged + 4 * SECOND);
        }
        // What was last acknowledged came after 6 s.
        assert_eq!(heartbeat.handle_timeout(pinged + 10 * SECOND, || says(sent, 4 * SECOND)), None);
        assert_eq!(heartbeat.road_memory(), learnt);
    }
}

#[test]
fn a_platform_that_tells_nothing_or_nothing_any_more_has_no_opinion_of_messages() {
    let wrote = at(1_000);
    let message = || {
        let mut heartbeat = Heartbeat::new(HeartbeatConfig::SERVER, 7, Instant::ORIGIN);
        heartbeat.handle_heard(wrote);
        heartbeat.handle_write(wrote);
        heartbeat.handle_flushed(100, wrote);
        heartbeat
    };
    let mut heartbeat = message();
    assert_eq!(told(&mut heartbeat, wrote + 20 * SECOND, 114, |_| None), []);
    let mut heartbeat = message();
    let told = told(&mut heartbeat, wrote + 20 * SECOND, 114, |now| {
        if now < wrote + 8 * SECOND { says(0, SECOND) } else { None }
    });
    let (suspect, alive) =
        ((wrote + 7 * SECOND, Beat::Suspect), (wrote + 10 * SECOND, Beat::Alive));
    assert_eq!(told, [suspect, alive]);
}
