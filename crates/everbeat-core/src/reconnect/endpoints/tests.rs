//! The policy in tables: who is next, after what, and how long somebody rests.

use super::*;
use crate::cause::RetryWindow;

const SECOND: Duration = Duration::from_secs(1);
const HEALTHY: Duration = Duration::from_secs(30);

fn at(seconds: u64) -> Instant {
    Instant::from_origin(Duration::from_secs(seconds))
}

impl Endpoints {
    /// An attempt at an instant, which fails with this verdict; whom it went to
    fn fails(&mut self, seconds: u64, retry: Retry) -> (usize, Next) {
        let chosen = self.choose(at(seconds));
        (chosen, self.handle_end(retry, HEALTHY, SECOND, at(seconds)))
    }

    /// An attempt at an instant that becomes a connection, which stands for so long; whom it went to
    fn stands(&mut self, seconds: u64, lasted: u64) -> (usize, Next) {
        let chosen = self.choose(at(seconds));
        self.handle_connected(at(seconds));
        (chosen, self.handle_end(Retry::Alone, HEALTHY, SECOND, at(seconds + lasted)))
    }
}

#[test]
fn attempts_go_down_the_order_of_preference_and_then_to_whose_rest_is_over_first() {
    let mut three = Endpoints::new(3, 1);
    assert!(three.has_untried());
    assert_eq!(three.fails(0, Retry::Together).0, 0);
    assert_eq!(three.fails(1, Retry::Alone).0, 1);
    assert!(three.has_untried());
    assert_eq!(three.fails(2, Retry::Together).0, 2);
    assert!(!three.has_untried());
    // All rest, for 12 to 15 s, in the order in which they failed, or nearly
    let order: Vec<usize> = (3..6).map(|second| three.fails(second, Retry::Alone).0).collect();
    let mut sorted = order.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [0, 1, 2], "{order:?}");
}

#[test]
fn a_rest_doubles_up_to_the_longest_and_is_not_the_same_for_all() {
    let rest = |seed, failures: u64| {
        let mut two = Endpoints::new(2, seed);
        let mut now = 0;
        for _ in 0..failures {
            two.each[0].rests_until = Instant::ORIGIN;
            now += 1_000;
            assert_eq!(two.fails(now, Retry::Together).0, 0);
        }
        two.each[0].rests_until.saturating_duration_since(at(now))
    };
    for (failures, longest) in [(1, 15), (2, 30), (3, 60), (6, 480), (7, 600), (40, 600)] {
        let rests: Vec<Duration> = (0..50).map(|seed| rest(seed, failures)).collect();
        let longest = Duration::from_secs(longest);
        let bounds = longest.mul_f64(0.8)..=longest;
        assert!(rests.iter().all(|rest| bounds.contains(rest)), "{failures}: {rests:?}");
        let (first, last) = (rests.iter().min().unwrap(), rests.iter().max().unwrap());
        assert!(*last - *first > longest.mul_f64(0.15), "{failures}: {first:?} to {last:?}");
    }
}

#[test]
fn who_is_connected_stays_and_returns_to_the_preferred_one_when_the_connection_ends_anyway() {
    let mut two = Endpoints::new(2, 1);
    assert_eq!(two.fails(0, Retry::Together).0, 0);
    assert_eq!(two.choose(at(2)), 1);
    two.handle_connected(at(2));
    // Nobody is asked for hours
    assert_eq!(two.present(), 1);
    two.handle_end(Retry::Alone, HEALTHY, SECOND, at(10_000));
    assert_eq!(two.stands(10_001, 60).0, 0);
    assert_eq!(two.stands(10_062, 60).0, 0);
}

#[test]
fn a_preferred_one_that_still_fails_costs_one_attempt_and_the_healthy_one_is_remembered() {
    let mut two = Endpoints::new(2, 1);
    assert_eq!(two.fails(0, Retry::Together).0, 0);
    assert_eq!(two.stands(2, 5_000).0, 1);
    let (asked, next) = two.fails(5_003, Retry::Together);
    assert_eq!(asked, 0);
    assert!(next.spread > Duration::ZERO);
    // It was healthy, and one cut is no failure of its: it is asked again within the rest
    assert_eq!(two.stands(5_005, 40).0, 1);
}

#[test]
fn one_connection_that_ends_young_is_not_held_against_its_endpoint_but_two_are() {
    let mut two = Endpoints::new(2, 1);
    assert_eq!(two.stands(0, 3), (0, Next { retry: Retry::Alone, spread: Duration::ZERO }));
    let (again, next) = two.stands(4, 3);
    assert_eq!(again, 0);
    assert!(next.spread > Duration::ZERO);
    assert_eq!(two.stands(8, 100).0, 1);
    // A healthy connection in between begins a new count
    let mut two = Endpoints::new(2, 1);
    for (from, lasted) in [(0, 3), (4, 40), (45, 3), (49, 40)] {
        assert_eq!(two.stands(from, lasted).0, 0);
    }
}

#[test]
fn health_wipes_out_what_was_held_against_it() {
    let mut two = Endpoints::new(2, 1);
    for _ in 0..5 {
        two.each[0].rests_until = Instant::ORIGIN;
        two.fails(0, Retry::Together);
    }
    assert_eq!(two.stands(1_000, 29).0, 0);
    assert_eq!(two.each[0].failures, 5, "young, so it proves nothing");
    assert_eq!(two.stands(1_030, 30).0, 0);
    assert_eq!(two.each[0].failures, 0);
}

#[test]
fn refused_credentials_and_a_servers_own_window_are_not_held_against_it() {
    let window = RetryWindow::parse("retry=1000-2000").unwrap();
    for retry in [Retry::Once, Retry::Within(window)] {
        let mut two = Endpoints::new(2, 1);
        for second in 0..4 {
            let next = Next { retry, spread: Duration::ZERO };
            assert_eq!(two.fails(second, retry), (0, next));
        }
    }
}

#[test]
fn who_refuses_for_good_rests_and_the_end_comes_when_all_have() {
    for count in [2, 3, Endpoints::MOST] {
        let mut several = Endpoints::new(count, 1);
        for number in 0..count {
            let (asked, next) = several.fails(number as u64, Retry::Never);
            let last = number + 1 == count;
            assert_eq!(asked, number);
            assert_eq!(next.retry, if last { Retry::Never } else { Retry::Together });
            assert_eq!(next.spread > Duration::ZERO, !last);
            let rest = several.each[number].rests_until.saturating_duration_since(at(0));
            assert!(rest >= LONGEST_REST.mul_f64(0.8), "{rest:?}");
        }
    }
    let mut one = Endpoints::new(1, 1);
    assert_eq!(one.fails(0, Retry::Never).1.retry, Retry::Never);
}

#[test]
fn who_has_refused_is_not_asked_in_place_of_one_that_is_down() {
    let mut two = Endpoints::new(2, 1);
    assert_eq!(two.fails(0, Retry::Never).0, 0);
    for second in 1..400 {
        let (asked, next) = two.fails(second, Retry::Together);
        assert_eq!((asked, next.retry), (1, Retry::Together), "{second}");
    }
    // Its rest is over: it is asked again, and what it says then counts
    assert_eq!(two.fails(601, Retry::Together).0, 0);
    assert_eq!(two.fails(1_300, Retry::Never).0, 0);
    two.each[1].rests_until = Instant::ORIGIN;
    assert_eq!(two.fails(1_301, Retry::Never), {
        let next = Next { retry: Retry::Never, spread: Duration::ZERO };
        (1, next)
    });
}

#[test]
fn a_retry_after_elsewhere_is_waited_for_behind_a_refusal() {
    let hour = Duration::from_secs(3_600);
    let mut two = Endpoints::new(2, 1);
    two.fails(0, Retry::After(hour));
    let (asked, next) = two.fails(1, Retry::Never);
    assert_eq!((asked, next.retry), (1, Retry::After(hour - SECOND)));
}

#[test]
fn a_connection_or_another_network_makes_old_refusals_forgotten() {
    let refused = || {
        let mut two = Endpoints::new(2, 1);
        assert_eq!(two.fails(0, Retry::Never).0, 0);
        two
    };
    let mut two = refused();
    assert_eq!(two.stands(2, 5_000).0, 1);
    two.each[0].rests_until = at(6_000);
    assert_eq!(two.fails(5_003, Retry::Never).1.retry, Retry::Together, "0 may be mended by now");
    assert_eq!(two.fails(6_001, Retry::Never).1.retry, Retry::Never);

    let mut two = refused();
    two.handle_moved();
    let (asked, next) = two.fails(1, Retry::Never);
    assert_eq!((asked, next.retry), (0, Retry::Together));
}

#[test]
fn a_connection_that_stood_and_was_ended_for_good_is_the_end() {
    let mut two = Endpoints::new(2, 1);
    assert_eq!(two.choose(at(0)), 0);
    two.handle_connected(at(0));
    let next = two.handle_end(Retry::Never, HEALTHY, SECOND, at(5));
    assert_eq!(next, Next { retry: Retry::Never, spread: Duration::ZERO });
    assert!(two.has_untried());
}

#[test]
fn a_retry_after_holds_for_its_endpoint_alone() {
    let hour = Duration::from_secs(3_600);
    let mut two = Endpoints::new(2, 1);
    let (asked, next) = two.fails(0, Retry::After(hour));
    assert_eq!((asked, next.retry), (0, Retry::Together));
    for second in [3, 700, 1_500, 3_599] {
        assert_eq!(two.fails(second, Retry::Alone).0, 1, "{second}");
    }
    assert_eq!(two.choose(at(3_600)), 0);
}

#[test]
fn if_all_have_said_when_the_first_of_them_is_waited_for() {
    let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3_600));
    let mut two = Endpoints::new(2, 1);
    two.fails(0, Retry::After(hour));
    let (asked, next) = two.fails(2, Retry::After(minute));
    assert_eq!((asked, next.retry), (1, Retry::After(minute)));
    // Another network changes nothing about what a server has said
    two.handle_moved();
    assert_eq!(two.choose(at(63)), 1);
}

#[test]
fn on_another_network_the_preferred_one_is_first_again() {
    let mut two = Endpoints::new(2, 1);
    for second in 0..6 {
        two.fails(second, Retry::Together);
    }
    two.handle_moved();
    assert_eq!(two.choose(at(7)), 0);
    assert_eq!(two.each[0].failures, 0);
}

#[test]
fn who_moves_is_spread_over_five_first_steps() {
    let spreads: Vec<Duration> =
        (0..400).map(|seed| Endpoints::new(2, seed).fails(0, Retry::Alone).1.spread).collect();
    for second in 0..5 {
        let bounds = second * SECOND..(second + 1) * SECOND;
        let here = spreads.iter().filter(|spread| bounds.contains(spread)).count();
        assert!((50..=110).contains(&here), "{here} in second {second}");
    }
}

#[test]
fn one_endpoint_is_always_the_next_one() {
    for count in [0, 1] {
        let mut one = Endpoints::new(count, 1);
        for second in 0..50 {
            let (asked, next) = one.fails(second, Retry::Alone);
            assert_eq!((asked, next.spread), (0, Duration::ZERO));
        }
    }
}
