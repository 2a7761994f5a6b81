//! The verdict table, and the delays held against a naive model.

use core::time::Duration;

use alloc::vec::Vec;
use proptest::prelude::*;

use super::*;
use crate::cause::{CloseCode, Cut, RetryWindow};
use crate::hint::Hint;

fn closed(code: u16) -> Cause {
    Cause::Closed { code: CloseCode(code), reason: "".into() }
}

/// From 2 s to 6 s
fn window() -> RetryWindow {
    RetryWindow::new(Duration::from_secs(2), Duration::from_secs(6))
}

fn told(code: u16) -> Cause {
    Cause::Closed { code: CloseCode(code), reason: "retry=2000-6000".into() }
}

fn cut() -> Cause {
    Cause::Cut { how: Cut::Reset, detail: "".into() }
}

fn refused() -> Cause {
    Cause::Unreachable { detail: "refused".into() }
}

fn rejected(status: u16, seconds: Option<u64>) -> Cause {
    Cause::Rejected { status, retry_after: seconds.map(Duration::from_secs) }
}

fn delay(reconnect: &mut Reconnect, cause: &Cause, now: Instant) -> Option<Duration> {
    match reconnect.handle_end(cause, cause.default_verdict(), now) {
        Decision::RetryAt(at) => Some(at.saturating_duration_since(now)),
        Decision::GiveUp => None,
    }
}

#[test]
fn the_verdict_table() {
    let after = Retry::After(Duration::from_secs(7));
    let table = [
        (closed(1000), Retry::Never),
        (closed(1001), Retry::Together),
        (closed(1002), Retry::Never),
        (closed(1003), Retry::Never),
        (closed(1005), Retry::Alone),
        (closed(1006), Retry::Alone),
        (closed(1007), Retry::Never),
        (closed(1008), Retry::Never),
        (closed(1009), Retry::Never),
        (closed(1010), Retry::Never),
        (closed(1011), Retry::Alone),
        (closed(1012), Retry::Together),
        (closed(1013), Retry::Alone),
        (told(1001), Retry::Within(window())),
        (told(1012), Retry::Within(window())),
        (told(1013), Retry::Within(window())),
        (told(1000), Retry::Never),
        (told(1011), Retry::Alone),
        (closed(1014), Retry::Alone),
        (closed(4000), Retry::Alone),
        (cut(), Retry::Alone),
        (refused(), Retry::Together),
        (rejected(401, None), Retry::Once),
        (closed(3000), Retry::Once),
        (closed(3003), Retry::Once),
        (rejected(403, Some(7)), Retry::Once),
        (rejected(404, None), Retry::Never),
        (rejected(302, None), Retry::Never),
        (rejected(429, Some(7)), after),
        (rejected(503, Some(7)), after),
        (rejected(500, None), Retry::Together),
        (Cause::ClosedByUs, Retry::Never),
        (Cause::NotWebSocket { detail: "".into() }, Retry::Never),
    ];
    for (cause, retry) in table {
        assert_eq!(cause.default_verdict(), retry, "{cause}");
    }
}

#[test]
fn a_stale_credential_is_tried_once_more_until_health_returns() {
    let mut reconnect = Reconnect::new(Backoff::default(), 1);
    let mut now = Instant::ORIGIN;
    assert!(delay(&mut reconnect, &rejected(401, None), now).is_some());
    assert!(delay(&mut reconnect, &rejected(401, None), now).is_none());
    reconnect.handle_connected(now);
    now += Duration::from_secs(31);
    assert!(delay(&mut reconnect, &cut(), now).is_some());
    assert!(delay(&mut reconnect, &rejected(401, None), now).is_some());
}

#[test]
fn retry_after_is_a_floor() {
    for seed in 0..100 {
        let mut reconnect = Reconnect::new(Backoff::default(), seed);
        let delay = delay(&mut reconnect, &rejected(503, Some(20)), Instant::ORIGIN).unwrap();
        assert!((20.0..=21.0).contains(&delay.as_secs_f64()), "{delay:?}");
    }
}

#[test]
fn whoever_is_told_again_and_again_is_spread_wider_until_a_connection_is_healthy() {
    let longest = |times: usize| {
        let delays = (0..300).map(|seed| {
            let mut reconnect = Reconnect::new(Backoff::default(), seed);
            let busy = rejected(503, Some(20));
            (0..times)
                .map(|_| delay(&mut reconnect, &busy, Instant::ORIGIN).unwrap())
                .last()
                .unwrap()
        });
        delays.max().unwrap().as_secs_f64()
    };
    assert!((20.9..=21.0).contains(&longest(1)));
    assert!((21.8..=22.0).contains(&longest(2)));
    assert!((27.0..=28.0).contains(&longest(4)));
    assert!((49.0..=50.0).contains(&longest(20)));
    let mut reconnect = Reconnect::new(Backoff::default(), 1);
    for _ in 0..20 {
        delay(&mut reconnect, &rejected(503, Some(20)), Instant::ORIGIN);
    }
    reconnect.handle_connected(Instant::ORIGIN);
    delay(&mut reconnect, &cut(), Instant::ORIGIN + Duration::from_secs(60));
    let delay = delay(&mut reconnect, &rejected(503, Some(20)), Instant::ORIGIN).unwrap();
    assert!(delay <= Duration::from_secs(21), "{delay:?}");
}

#[test]
fn a_window_is_drawn_from_evenly_and_the_next_delay_is_an_ordinary_one() {
    let (mut sum, mut within) = (0.0, (f64::MAX, 0.0_f64));
    for seed in 0..1_000 {
        let mut reconnect = Reconnect::new(Backoff::default(), seed);
        reconnect.handle_connected(Instant::ORIGIN);
        let now = Instant::ORIGIN + Duration::from_secs(60);
        let first = delay(&mut reconnect, &told(1012), now).unwrap().as_secs_f64();
        (sum, within) = (sum + first, (within.0.min(first), within.1.max(first)));
        let second = delay(&mut reconnect, &refused(), now).unwrap();
        assert!(second <= Duration::from_secs(5), "{second:?}");
    }
    assert!(within.0 >= 2.0 && within.0 < 2.1 && within.1 > 5.9 && within.1 <= 6.0, "{within:?}");
    assert!((3.9..=4.1).contains(&(sum / 1_000.0)), "{sum}");
}

#[test]
fn a_hint_hurries_but_not_before_the_server_s_time() {
    let second = Duration::from_secs(1);
    for seed in 0..100 {
        for hint in [Hint::NetworkChanged, Hint::Online, Hint::Foreground] {
            let mut reconnect = Reconnect::new(Backoff::default(), seed);
            delay(&mut reconnect, &refused(), Instant::ORIGIN).unwrap();
            let at = reconnect.handle_hint(hint, Instant::ORIGIN).unwrap();
            assert!(at <= Instant::ORIGIN + second, "{at:?}");
            delay(&mut reconnect, &rejected(503, Some(20)), Instant::ORIGIN).unwrap();
            let at = reconnect.handle_hint(hint, Instant::ORIGIN).unwrap();
            assert_eq!(at, Instant::ORIGIN + 20 * second);
            let mut reconnect = Reconnect::new(Backoff::default(), seed);
            let told = delay(&mut reconnect, &told(1012), Instant::ORIGIN).unwrap();
            let at = reconnect.handle_hint(hint, Instant::ORIGIN).unwrap();
            assert_eq!(at, Instant::ORIGIN + told);
        }
    }
}

#[test]
fn a_network_that_flaps_hurries_five_times_and_then_once_in_ten_steps() {
    let mut reconnect = Reconnect::new(Backoff::default(), 1);
    let mut now = Instant::ORIGIN + Duration::from_secs(100);
    let mut hurried = |now| reconnect.handle_hint(Hint::NetworkChanged, now).is_some();
    assert_eq!((0..100).filter(|_| hurried(now)).count(), 5);
    let mut later = 0;
    for _ in 0..1_000 {
        now += Duration::from_millis(100);
        later += u32::from(hurried(now));
    }
    assert_eq!(later, 10);
}

#[test]
fn who_is_offline_or_in_the_background_does_not_hurry_until_he_is_back() {
    for (away, back) in [(Hint::Offline, Hint::Online), (Hint::Background, Hint::Foreground)] {
        for seed in 0..100 {
            let mut reconnect = Reconnect::new(Backoff::default(), seed);
            assert_eq!(reconnect.handle_hint(away, Instant::ORIGIN), None);
            for cause in [cut(), refused(), told(1012)] {
                let delay = delay(&mut reconnect, &cause, Instant::ORIGIN).unwrap().as_secs_f64();
                assert!((24.0..=30.0).contains(&delay), "{delay}");
            }
            // Another network does not bring the user back.
            assert_eq!(reconnect.handle_hint(Hint::NetworkChanged, Instant::ORIGIN), None);
            let at = reconnect.handle_hint(back, Instant::ORIGIN).unwrap();
            assert!(at <= Instant::ORIGIN + Duration::from_secs(6), "{at:?}");
            let delay = delay(&mut reconnect, &cut(), Instant::ORIGIN).unwrap().as_secs_f64();
            assert!(delay <= 8.0, "{delay}");
        }
    }
}

#[test]
fn the_first_delay_is_short_alone_and_longer_in_a_crowd() {
    let firsts = |cause: &Cause| -> Vec<Duration> {
        (0..300)
            .map(|seed| {
                let mut reconnect = Reconnect::new(Backoff::default(), seed);
                reconnect.handle_connected(Instant::ORIGIN);
                let now = Instant::ORIGIN + Duration::from_secs(60);
                delay(&mut reconnect, cause, now).unwrap()
            })
            .collect()
    };
    let longest = |delays: Vec<Duration>| delays.into_iter().max().unwrap().as_secs_f64();
    assert!((0.9..=1.0).contains(&longest(firsts(&cut()))));
    assert!((4.7..=5.0).contains(&longest(firsts(&closed(1001)))));
    assert!((4.7..=5.0).contains(&longest(firsts(&closed(1012)))));
    assert!((4.7..=5.0).contains(&longest(firsts(&refused()))));
}

#[test]
fn a_server_that_accepts_and_closes_is_met_at_most_eight_times_in_five_seconds() {
    let millis = Duration::from_millis;
    let backoff =
        Backoff::full_jitter(millis(100)..=millis(1_000)).with_healthy_after(millis(2_000));
    for seed in 0..500 {
        for cause in [closed(1011), cut(), closed(1013)] {
            let mut reconnect = Reconnect::new(backoff, seed);
            let (mut now, mut attempts) = (Instant::ORIGIN, 0);
            while now < Instant::from_origin(millis(5_000)) {
                attempts += 1;
                reconnect.handle_connected(now);
                now += delay(&mut reconnect, &cause, now).unwrap();
            }
            assert!(attempts <= 8, "{attempts} attempts, seed {seed}, {cause}");
        }
    }
}

proptest! {
    /// Every delay lies in the step that a model, which keeps the whole history, computes anew.
    #[test]
    fn delays_stay_within_the_models_step(
        seed: u64,
        history in proptest::collection::vec((0_u8..4, 0_u64..60), 1..40),
    ) {
        let mut reconnect = Reconnect::new(Backoff::default(), seed);
        let mut now = Instant::ORIGIN;
        let (mut ends, mut flaps) = (0_i32, 0_i32);
        for (kind, lasted) in history {
            let cause = match kind {
                0 => refused(),
                1 => closed(1001),
                2 => cut(),
                _ => closed(1011),
            };
            let connected = kind != 0;
            if connected {
                reconnect.handle_connected(now);
                now += Duration::from_secs(lasted);
            }
            if connected && lasted >= 30 {
                (ends, flaps) = (0, 0);
            } else if connected {
                flaps += 1;
            } else {
                flaps = 0;
            }
            let (low, high) = match (flaps, ends) {
                (1.., _) => {
                    let step = 4_f64.powi(flaps - 1).min(30.0);
                    (0.8 * step, step)
                }
                (_, 0) if kind <= 1 => (0.0, 5.0),
                (_, ends) => (0.0, 2_f64.powi(ends).min(30.0)),
            };
            let delay = delay(&mut reconnect, &cause, now).unwrap().as_secs_f64();
            let fits = (low - 1e-6..=high + 1e-6).contains(&delay);
            prop_assert!(fits, "{delay} not in {low}..={high}");
            ends += 1;
        }
    }

    #[test]
    fn impossible_steps_are_refused(min in 0_u64..100_000_000, max in 0_u64..100_000_000) {
        let millis = Duration::from_millis;
        let fits = min >= 1 && max >= min && max <= 24 * 3_600 * 1_000;
        prop_assert_eq!(Backoff::full_jitter(millis(min)..=millis(max)).check().is_ok(), fits);
    }
}

#[test]
fn a_server_that_sends_everybody_away_each_time_is_not_besieged() {
    let again = Cause::Closed { code: CloseCode::RESTART, reason: "retry=0-0".into() };
    for seed in 0..100 {
        let mut reconnect = Reconnect::new(Backoff::default(), seed);
        let begin = Instant::ORIGIN + Duration::from_secs(100);
        reconnect.handle_connected(begin);
        let mut now = begin + Duration::from_secs(60);
        // Once it is obeyed to the letter.
        assert_eq!(delay(&mut reconnect, &again, now), Some(Duration::ZERO));
        for _ in 0..10 {
            reconnect.handle_connected(now);
            now += delay(&mut reconnect, &again, now).unwrap();
        }
        let took = now.saturating_duration_since(begin);
        assert!(took >= Duration::from_secs(160), "10 connections within {took:?}");
    }
}

#[test]
fn hints_while_a_connection_stands_leave_hurry_for_when_it_is_needed() {
    let mut reconnect = Reconnect::new(Backoff::default(), 7);
    let now = Instant::ORIGIN + Duration::from_secs(100);
    reconnect.handle_connected(now);
    for _ in 0..50 {
        reconnect.note_hint(Hint::NetworkChanged);
    }
    delay(&mut reconnect, &refused(), now);
    assert!(reconnect.handle_hint(Hint::Online, now).is_some());
}

#[test]
fn whoever_is_told_between_other_failures_is_spread_wider_too() {
    let longest = (0..300).map(|seed| {
        let mut reconnect = Reconnect::new(Backoff::default(), seed);
        for _ in 0..4 {
            delay(&mut reconnect, &rejected(503, Some(20)), Instant::ORIGIN);
            delay(&mut reconnect, &refused(), Instant::ORIGIN);
        }
        delay(&mut reconnect, &rejected(503, Some(20)), Instant::ORIGIN).unwrap()
    });
    assert!(longest.max().unwrap() > Duration::from_secs(30));
}

#[test]
fn the_end_of_time_is_late_enough() {
    let mut reconnect = Reconnect::new(Backoff::default(), 1);
    let end = reconnect.handle_end(&refused(), Retry::After(Duration::MAX), Instant::ORIGIN);
    assert_eq!(end, Decision::RetryAt(Instant::ORIGIN + Duration::MAX));
}

/// Every client has one, with a pointer to a backoff that others have too
#[cfg(target_pointer_width = "64")]
#[test]
fn it_is_a_cache_line() {
    assert_eq!(size_of::<Reconnect<&Backoff>>(), 64);
}
