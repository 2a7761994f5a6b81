//! The heartbeat held against a naive model, and its rules one by one.

use core::time::Duration;

use alloc::vec::Vec;
use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
/// A platform that tells nothing of the road
const BLIND: fn() -> Option<PathEvidence> = || None;

fn at(millis: u64) -> Instant {
    Instant::from_origin(Duration::from_millis(millis))
}

fn beat(interval: u64, timeout: u64, seed: u64) -> Heartbeat {
    let millis = Duration::from_millis;
    let config = HeartbeatConfig::new(millis(interval), millis(timeout)).unwrap();
    Heartbeat::new(config, seed, Instant::ORIGIN)
}

/// Runs to the first Ping and flushes it at once
fn to_ping(heartbeat: &mut Heartbeat) -> ([u8; 8], Instant) {
    let now = heartbeat.poll_timeout();
    let Some(Beat::Ping(payload)) = heartbeat.handle_timeout(now, BLIND) else {
        panic!("no Ping due")
    };
    heartbeat.handle_flushed(0, now);
    (payload, now)
}

#[test]
fn the_first_beat_has_a_random_phase_and_the_next_a_narrow_jitter() {
    let firsts: Vec<Duration> =
        (0..200).map(|seed| beat(10_000, 5_000, seed).poll_timeout().since_origin()).collect();
    assert!(firsts.iter().any(|first| *first < SECOND));
    assert!(firsts.iter().any(|first| *first > 9 * SECOND));
    assert!(firsts.iter().all(|first| *first <= 10 * SECOND));
    for seed in 0..200 {
        let mut heartbeat = beat(10_000, 5_000, seed);
        let (payload, now) = to_ping(&mut heartbeat);
        heartbeat.handle_heard(now);
        heartbeat.handle_pong(&payload, now);
        let gap = heartbeat.poll_timeout().saturating_duration_since(now);
        assert!((9 * SECOND..=10 * SECOND).contains(&gap), "{gap:?}");
    }
}

#[test]
fn silence_is_suspected_at_a_third_of_the_timeout_and_death_at_the_whole() {
    let mut heartbeat = beat(10_000, 6_000, 1);
    let (_, sent) = to_ping(&mut heartbeat);
    assert_eq!(heartbeat.poll_timeout(), sent + 2 * SECOND);
    assert_eq!(heartbeat.handle_timeout(sent + SECOND, BLIND), None);
    assert_eq!(heartbeat.handle_timeout(sent + 2 * SECOND, BLIND), Some(Beat::Suspect));
    assert_eq!(heartbeat.handle_timeout(sent + 2 * SECOND, BLIND), None);
    assert_eq!(heartbeat.poll_timeout(), sent + 6 * SECOND);
    assert_eq!(
        heartbeat.handle_timeout(sent + 6 * SECOND, BLIND),
        Some(Beat::Dead(Verdict::Silent))
    );
    let evidence = heartbeat.evidence(sent + 6 * SECOND);
    assert_eq!(evidence.pings_unanswered, 1);
    assert_eq!(evidence.write_blocked_for, None);
}

#[test]
fn the_clock_starts_at_the_flush_and_waits_for_a_moving_upload() {
    let mut heartbeat = beat(10_000, 6_000, 1);
    let queued = heartbeat.poll_timeout();
    assert!(matches!(heartbeat.handle_timeout(queued, BLIND), Some(Beat::Ping(_))));
    heartbeat.handle_progress(0, queued + 3 * SECOND);
    assert_eq!(heartbeat.handle_timeout(queued + 4 * SECOND, BLIND), None);
    let blocked = heartbeat.evidence(queued + 4 * SECOND).write_blocked_for;
    assert_eq!(blocked, Some(SECOND));
    heartbeat.handle_flushed(0, queued + 5 * SECOND);
    heartbeat.handle_progress(0, queued + 8 * SECOND); // later writes postpone nothing
    assert_eq!(heartbeat.handle_timeout(queued + 7 * SECOND, BLIND), Some(Beat::Suspect));
    assert!(matches!(heartbeat.handle_timeout(queued + 11 * SECOND, BLIND), Some(Beat::Dead(_))));
}

#[test]
fn a_suspect_that_speaks_is_alive_without_trace() {
    let mut heartbeat = beat(10_000, 6_000, 1);
    let (_, sent) = to_ping(&mut heartbeat);
    assert_eq!(heartbeat.handle_timeout(sent + 2 * SECOND, BLIND), Some(Beat::Suspect));
    assert!(heartbeat.handle_heard(sent + 3 * SECOND));
    assert!(!heartbeat.handle_heard(sent + 3 * SECOND));
    assert_eq!(heartbeat.handle_timeout(sent + 6 * SECOND, BLIND), None);
    assert_eq!(heartbeat.evidence(sent + 6 * SECOND).pings_unanswered, 0);
}

#[test]
fn foreign_late_and_repeated_pongs_tell_nothing() {
    let mut heartbeat = beat(10_000, 6_000, 1);
    assert_eq!(heartbeat.handle_pong(b"", at(0)), None);
    let (payload, sent) = to_ping(&mut heartbeat);
    assert_eq!(heartbeat.handle_pong(&payload[..7], sent), None);
    assert_eq!(heartbeat.handle_pong(b"otherone", sent), None);
    assert!(heartbeat.handle_pong(&payload, sent + SECOND).is_some());
    assert_eq!(heartbeat.handle_pong(&payload, sent + SECOND), None);
    assert_eq!(heartbeat.round_trip().unwrap().last, SECOND);
}

#[test]
fn round_trips_longer_than_the_interval_are_still_matched() {
    // The peer is heard (data flows), but every Pong takes 25 s at an interval of 10 s.
    let mut heartbeat = beat(10_000, 60_000, 1);
    let mut in_flight = std::collections::VecDeque::new();
    let mut proven = 0;
    for second in 0..300 {
        let now = at(second * 1_000);
        heartbeat.handle_heard(now);
        heartbeat.handle_unproven(now);
        while let Some(Beat::Ping(payload)) = heartbeat.handle_timeout(now, BLIND) {
            heartbeat.handle_ping_sent(second);
            heartbeat.handle_flushed(0, now);
            in_flight.push_back((now + 25 * SECOND, payload));
        }
        while in_flight.front().is_some_and(|(due, _)| *due <= now) {
            let (_, payload) = in_flight.pop_front().unwrap();
            if let Some(answer) = heartbeat.handle_pong(&payload, now) {
                proven = answer.mark;
            }
        }
    }
    assert!(proven > 240, "only proven through {proven}");
}

#[test]
fn an_unproven_write_asks_for_a_ping_even_while_the_peer_is_heard() {
    let mut heartbeat = beat(10_000, 6_000, 1);
    heartbeat.handle_unproven(at(1_000));
    for tenth in 10..=110 {
        heartbeat.handle_heard(at(tenth * 100));
    }
    assert!(heartbeat.poll_timeout() <= at(11_000));
    assert!(matches!(heartbeat.handle_timeout(at(11_000), BLIND), Some(Beat::Ping(_))));
}

#[derive(Clone, Debug)]
enum Input {
    Heard,
    Pong,
    Unproven,
    Flushed,
    Nothing,
}

/// What a driver that is always in time does, and a model that derives the rules anew
struct Model {
    heartbeat: Heartbeat,
    interval: u64,
    timeout: u64,
    last_heard: u64,
    last_ping: u64,
    payload: Option<[u8; 8]>,
    /// When the Ping that is out was asked for, and when it was flushed
    outstanding: Option<(u64, Option<u64>)>,
    dead: bool,
    /// When it was last woken
    now: u64,
}

impl Model {
    fn run_until(&mut self, now: u64) {
        while !self.dead && self.heartbeat.poll_timeout() <= at(now) {
            let due = self.heartbeat.poll_timeout().max(at(self.now));
            let Some(action) = self.heartbeat.handle_timeout(due, BLIND) else { continue };
            self.check(action, due.since_origin());
        }
        self.now = now;
    }

    fn check(&mut self, action: Beat, due: Duration) {
        let due = u64::try_from(due.as_nanos().div_ceil(1_000_000)).unwrap();
        match action {
            Beat::Ping(sent) => {
                assert!(self.outstanding.is_none(), "a Ping while one is judged");
                self.payload = Some(sent);
                self.outstanding = Some((due, None));
                self.last_ping = due;
            }
            Beat::Suspect | Beat::Dead(_) => {
                let (queued, flushed) = self.outstanding.expect("judged without a Ping");
                let clock = if action == Beat::Suspect { self.timeout / 3 } else { self.timeout };
                assert_eq!(due, flushed.unwrap_or(queued) + clock, "{action:?}");
                assert!(queued >= self.last_heard);
                self.dead = action != Beat::Suspect;
            }
            other => panic!("{other:?} of who is always in time, and blind"),
        }
    }
}

proptest! {
    /// Against a model that keeps every event: death exactly a timeout after the newest thing that
    /// happened to a Ping (its being asked for, its flush) with nothing heard since, and a Ping
    /// within each interval.
    #[test]
    fn agrees_with_a_naive_model(
        seed: u64,
        steps in proptest::collection::vec((0_u64..3_000, prop_oneof![
            Just(Input::Heard), Just(Input::Pong), Just(Input::Unproven), Just(Input::Flushed),
            Just(Input::Nothing), Just(Input::Nothing),
        ]), 1..200),
    ) {
        let (interval, timeout) = (5_000, 3_000);
        let heartbeat = beat(interval, timeout, seed);
        let mut model = Model {
            heartbeat, interval, timeout, last_heard: 0, last_ping: 0, payload: None,
            outstanding: None, dead: false, now: 0,
        };
        let mut now = 0;
        for (gap, input) in steps {
            now += gap;
            model.run_until(now);
            if model.dead { break; }
            match input {
                Input::Heard | Input::Pong => {
                    model.heartbeat.handle_heard(at(now));
                    if matches!(input, Input::Pong) {
                        let payload = model.payload.take();
                        payload.map(|payload| model.heartbeat.handle_pong(&payload, at(now)));
                    }
                    (model.last_heard, model.outstanding) = (now, None);
                }
                Input::Unproven => model.heartbeat.handle_unproven(at(now)),
                Input::Flushed => {
                    model.heartbeat.handle_flushed(0, at(now));
                    if let Some((_, flushed)) = &mut model.outstanding { flushed.get_or_insert(now); }
                }
                Input::Nothing => {}
            }
            match model.outstanding {
                Some((queued, flushed)) =>
                    prop_assert!(now < flushed.unwrap_or(queued) + model.timeout, "a death was missed"),
                None => prop_assert!(
                    now <= model.last_heard.max(model.last_ping) + model.interval, "a Ping was missed"
                ),
            }
        }
    }
}

/// A heartbeat with a beat of one's own, which has sent so many, each with its number as the mark,
/// a second apart; the time of the last
fn own_beats(count: u64) -> (Heartbeat, Instant) {
    let mut heartbeat = beat(1_000, 60_000, 1).with_own_beat();
    let mut now = Instant::ORIGIN;
    for mark in 1..=count {
        now = at(1_000 * mark);
        assert_eq!(heartbeat.handle_timeout(now, BLIND), Some(Beat::Own));
        heartbeat.handle_own_sent(mark);
        heartbeat.handle_flushed(0, now);
        heartbeat.handle_heard(now); // something else was said: another beat comes
    }
    (heartbeat, now)
}

#[test]
fn answers_to_own_beats_belong_to_them_in_their_order() {
    let (mut heartbeat, now) = own_beats(2);
    let first = Answer { round_trip: Some(2 * SECOND), mark: 1 };
    let second = Answer { round_trip: Some(3 * SECOND), mark: 2 };
    assert_eq!(heartbeat.handle_answer(now + SECOND), Some(first));
    assert_eq!(heartbeat.handle_answer(now + 3 * SECOND), Some(second));
    assert_eq!(heartbeat.handle_answer(now + 3 * SECOND), None, "nobody asked");
    assert_eq!(heartbeat.round_trip().unwrap().last, 3 * SECOND);
}

#[test]
fn no_answer_proves_more_than_its_own_beat_however_many_are_out() {
    for count in 1..20 {
        for more in 0..3 {
            let (mut heartbeat, now) = own_beats(count);
            let mut marks = Vec::new();
            for mark in count + 1..=count + more {
                // Between answers others are sent.
                marks.extend(heartbeat.handle_answer(now).map(|answer| answer.mark));
                heartbeat.handle_own_sent(mark);
            }
            while let Some(answer) = heartbeat.handle_answer(now) {
                marks.push(answer.mark);
            }
            assert_eq!(marks.len() as u64, count + more);
            assert!(marks.iter().zip(1..).all(|(mark, nth)| *mark <= nth), "{marks:?}");
            assert_eq!(marks.last(), Some(&(count + more)), "the last proves all");
        }
    }
}

#[test]
fn an_own_beat_that_waits_for_room_is_sent_and_answered_once() {
    let mut heartbeat = beat(1_000, 6_000, 1).with_own_beat();
    let now = at(1_000);
    assert_eq!(heartbeat.handle_timeout(now, BLIND), Some(Beat::Own));
    heartbeat.handle_progress(0, now + SECOND);
    heartbeat.handle_heard(now + SECOND);
    assert_eq!(heartbeat.handle_timeout(now + 2 * SECOND, BLIND), Some(Beat::Own));
    assert_eq!(heartbeat.handle_answer(now + 2 * SECOND), None, "none was sent yet");
    heartbeat.handle_own_sent(7);
    heartbeat.handle_flushed(0, now + 3 * SECOND);
    assert_eq!(heartbeat.handle_timeout(now + 5 * SECOND, BLIND), Some(Beat::Suspect));
    assert_eq!(heartbeat.evidence(now + 5 * SECOND).pings_unanswered, 1);
    let answer = Answer { round_trip: Some(2 * SECOND), mark: 7 };
    assert_eq!(heartbeat.handle_answer(now + 5 * SECOND), Some(answer));
    assert_eq!(heartbeat.handle_answer(now + 5 * SECOND), None);
}
