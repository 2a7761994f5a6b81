//! A client of several endpoints: whom it goes to when one fails, when it returns, and how a crowd
//! that loses one comes to the other.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use crate::support::clients::{attempts, is_connected, serve_on};
use crate::support::{MS, SECOND, at, drive};
use everbeat_core::Event;
use everbeat_core::cause::Cause;
use everbeat_core::client::{Client, ClientBuilder, ConnectError, Hint};
use everbeat_core::reconnect::Backoff;
use everbeat_core::time::Instant;
use everbeat_sim::net::Answer;
use everbeat_sim::{Sim, SimConnector, SimTimer, for_each_seed};

const MINUTE: Duration = Duration::from_secs(60);

/// A client of `eu`, and if that fails of `us`
fn builder(sim: &Sim) -> ClientBuilder<SimConnector, SimTimer> {
    for host in ["eu", "us"] {
        sim.link("client", host).delay(20 * MS);
    }
    Client::over(sim.connector("eu").and("us"), sim.timer(), sim.random())
        .interval(SECOND)
        .timeout(2 * SECOND)
        .connect_timeout(2 * SECOND)
        .backoff(Backoff::full_jitter(SECOND..=30 * SECOND).with_healthy_after(10 * SECOND))
}

/// To which endpoints it was connected, and when
fn connections(events: &[(Instant, Event)]) -> Vec<(Instant, usize)> {
    let connection = |(at, event): &(Instant, Event)| match event {
        Event::Connected { endpoint, .. } => Some((*at, *endpoint)),
        _ => None,
    };
    events.iter().filter_map(connection).collect()
}

/// To which endpoints it tried to connect
fn tries(events: &[(Instant, Event)]) -> Vec<usize> {
    let endpoint = |(_, event): &(Instant, Event)| match event {
        Event::Connecting { endpoint, .. } => Some(*endpoint),
        _ => None,
    };
    events.iter().filter_map(endpoint).collect()
}

/// At which endpoints something ended
fn ended_at(events: &[(Instant, Event)]) -> Vec<usize> {
    let endpoint = |(_, event): &(Instant, Event)| match event {
        Event::Disconnected(end) | Event::GaveUp(end) => Some(end.endpoint),
        _ => None,
    };
    events.iter().filter_map(endpoint).collect()
}

#[test]
fn the_preferred_one_is_first_and_each_is_tried_before_it_gives_up() {
    let mut sim = Sim::seed(1);
    let _us = serve_on(&sim, "us");
    // Nobody listens at the first: without `retry_first` the second has its turn
    let client = sim.block_on(builder(&sim).connect(), 10 * SECOND).unwrap().unwrap();
    assert!(client.connection().is_some());

    let mut sim = Sim::seed(1);
    let failed = sim.block_on(builder(&sim).connect(), 10 * SECOND).unwrap().unwrap_err();
    assert!(matches!(failed, ConnectError::Failed(Cause::Unreachable { .. })), "{failed}");
    let mut client = builder(&sim).build().unwrap();
    let events = drive(&mut sim, &mut client, MINUTE);
    assert_eq!((tries(&events), ended_at(&events)), (vec![0, 1], vec![0, 1]));
    assert!(matches!(events.last(), Some((_, Event::GaveUp(_)))), "{events:?}");
}

#[test]
fn one_that_refuses_for_good_is_passed_over_and_the_end_comes_when_all_have() {
    let refuse = |sim: &Sim, host, status| {
        sim.answer(host, Answer::Reject { status, retry_after: None });
    };
    for_each_seed(0..20, |sim| {
        let _us = serve_on(sim, "us");
        refuse(sim, "eu", 404);
        // Also without `retry_first`
        let mut client = sim.block_on(builder(sim).connect(), 10 * SECOND).unwrap().unwrap();
        let events = drive(sim, &mut client, 20 * MINUTE);
        assert_eq!(connections(&events).iter().map(|(_, at)| *at).collect::<Vec<_>>(), [1]);

        // Twenty minutes later the first is asked again, and refuses; now the second does so, too
        refuse(sim, "us", 410);
        sim.link("client", "us").reset();
        let events = drive(sim, &mut client, 5 * MINUTE);
        assert_eq!((tries(&events), ended_at(&events)), (vec![0, 1], vec![1, 0, 1]));
        let Some((_, Event::GaveUp(end))) = events.last() else { panic!("{events:?}") };
        assert!(matches!(end.cause, Cause::Rejected { status: 410, .. }), "{end}");
    });
}

#[test]
fn one_that_is_down_is_waited_for_although_the_other_refuses_for_good() {
    for_each_seed(0..20, |sim| {
        sim.answer("eu", Answer::Reject { status: 404, retry_after: None });
        let mut client = builder(sim).retry_first(true).build().unwrap();
        let events = drive(sim, &mut client, 30 * MINUTE);
        // Who refuses is asked every ten minutes at most, who is down as often as alone
        let (eu, us): (Vec<_>, Vec<_>) =
            tries(&events).into_iter().partition(|endpoint| *endpoint == 0);
        assert!((2..=5).contains(&eu.len()) && us.len() > 80, "{} {}", eu.len(), us.len());
        let _us = serve_on(sim, "us");
        let events = drive(sim, &mut client, 2 * MINUTE);
        assert_eq!(connections(&events)[0].1, 1);
    });
}

#[test]
fn it_goes_to_the_other_one_and_returns_only_when_that_ends_anyway() {
    for_each_seed(0..60, |sim| {
        let eu = serve_on(sim, "eu");
        let _us = serve_on(sim, "us");
        let mut client = sim.block_on(builder(sim).connect(), SECOND).unwrap().unwrap();
        assert_eq!(connections(&drive(sim, &mut client, 20 * SECOND))[0].1, 0);

        let broke = sim.now();
        match sim.random() % 3 {
            // Its process is gone, its host answers
            0 => eu.abort(),
            // Its host hangs, and so does whoever connects to it
            1 => {
                sim.link("client", "eu").partition();
            }
            _ => {
                eu.abort();
                sim.answer("eu", Answer::Reject { status: 503, retry_after: Some(10 * MINUTE) });
            }
        }
        let events = drive(sim, &mut client, MINUTE);
        let [(moved, 1)] = connections(&events)[..] else { panic!("{events:?}") };
        // A beat and its clock, a first delay, an attempt that hangs, the spread of who moves
        let bound = broke + 3 * SECOND + SECOND + 2 * SECOND + 5 * SECOND + 200 * MS;
        assert!(moved <= bound, "{moved:?}");
        assert!(tries(&events).iter().filter(|endpoint| **endpoint == 0).count() <= 2);

        // The first is back, for long, and nobody leaves the second for it
        sim.link("client", "eu").repair();
        sim.answer("eu", Answer::Upgrade);
        let _eu = serve_on(sim, "eu");
        assert_eq!(drive(sim, &mut client, 30 * MINUTE), []);

        sim.link("client", "us").reset();
        let events = drive(sim, &mut client, 10 * SECOND);
        assert_eq!((ended_at(&events), tries(&events)), (vec![1], vec![0]));
        assert_eq!(connections(&events).len(), 1);
    });
}

#[test]
fn a_first_one_that_stays_away_costs_one_attempt_at_each_end() {
    for_each_seed(0..40, |sim| {
        let _us = serve_on(sim, "us");
        let mut client = sim.block_on(builder(sim).connect(), 10 * SECOND).unwrap().unwrap();
        let first = drive(sim, &mut client, 20 * MINUTE);
        assert_eq!(connections(&first).len(), 1);
        for _ in 0..3 {
            sim.link("client", "us").reset();
            let events = drive(sim, &mut client, 20 * MINUTE);
            assert_eq!(tries(&events), [0, 1], "{events:?}");
            assert_eq!(connections(&events)[0].1, 1);
        }
    });
}

#[test]
fn while_all_are_down_the_backoff_is_the_clients_and_each_has_its_turn() {
    for_each_seed(0..20, |sim| {
        let mut client = builder(sim).retry_first(true).build().unwrap();
        let events = drive(sim, &mut client, 10 * MINUTE);
        // As many as with one endpoint: half of 30 s apart, once the steps have grown
        assert!((25..80).contains(&attempts(&events)), "{}", attempts(&events));
        let tries = tries(&events);
        let first = tries.iter().filter(|endpoint| **endpoint == 0).count();
        assert!(first * 3 >= tries.len() && first * 3 <= 2 * tries.len() + 3, "{tries:?}");
    });
}

#[test]
fn on_another_network_the_preferred_one_is_asked_at_once() {
    for_each_seed(0..30, |sim| {
        sim.link("client", "eu").partition();
        sim.link("client", "us").partition();
        let mut client = builder(sim).retry_first(true).build().unwrap();
        drive(sim, &mut client, 10 * MINUTE);
        let (_eu, _us) = (serve_on(sim, "eu"), serve_on(sim, "us"));
        sim.link("client", "eu").repair();
        sim.link("client", "us").repair();
        client.hint(Hint::Online);
        let events = drive(sim, &mut client, 5 * SECOND);
        let [(_, endpoint)] = connections(&events)[..] else { panic!("{events:?}") };
        // An attempt that was under way was to whom it was
        let under_way = !matches!(events[0].1, Event::Connecting { .. });
        assert!(endpoint == 0 || under_way, "{events:?}");
    });
}

/// When each of a crowd that stood at `eu` came to `us`, after `eu` was gone at one moment
fn crowd(sim: &mut Sim, members: usize) -> Vec<Duration> {
    let arrivals = Rc::new(RefCell::new(Vec::new()));
    let eu = serve_on(sim, "eu");
    let _us = serve_on(sim, "us");
    for _ in 0..members {
        let plan = builder(sim).retry_first(true).build();
        let (arrivals, handle) = (arrivals.clone(), sim.handle());
        sim.spawn(async move {
            let mut client = plan.unwrap();
            while let Some(event) = client.next().await {
                if let Event::Connecting { endpoint: 1, .. } = event {
                    arrivals.borrow_mut().push(handle.now());
                }
            }
        });
    }
    sim.run_until(at(MINUTE)).unwrap();
    assert_eq!(*arrivals.borrow(), []);
    eu.abort();
    sim.answer("eu", Answer::Refuse);
    sim.run_for(30 * SECOND).unwrap();
    let begun = at(MINUTE);
    arrivals.take().into_iter().map(|at| at.saturating_duration_since(begun)).collect()
}

#[test]
fn a_crowd_that_loses_one_comes_to_the_other_spread() {
    for_each_seed(0..3, |sim| {
        let arrivals = crowd(sim, 400);
        assert_eq!(arrivals.len(), 400, "each once");
        // If they came evenly over six seconds it were 17 in a quarter of a second
        let quarters = |arrival: &Duration| arrival.as_millis() / 250;
        let mut counts = [0_usize; 40];
        for arrival in &arrivals {
            counts[quarters(arrival) as usize] += 1;
        }
        let most = counts.iter().max().unwrap();
        assert!(*most <= 45, "{counts:?}");
        assert!(arrivals.iter().max().unwrap() <= &(7 * SECOND));
    });
}

#[test]
fn a_single_endpoint_is_the_first_one_everywhere() {
    let mut sim = Sim::seed(1);
    let _server = serve_on(&sim, "eu");
    let plan = Client::over(sim.connector("eu"), sim.timer(), 1);
    let mut client = sim.block_on(plan.connect(), SECOND).unwrap().unwrap();
    sim.run_for(SECOND).unwrap();
    sim.link("client", "eu").reset();
    let events = drive(&mut sim, &mut client, 5 * SECOND);
    assert!(events.iter().any(|(_, event)| is_connected(event)));
    let connected = connections(&events);
    assert!(connected.iter().all(|(_, endpoint)| *endpoint == 0), "{events:?}");
    assert!(ended_at(&events).iter().all(|endpoint| *endpoint == 0), "{events:?}");
}
