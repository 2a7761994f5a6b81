//! The client that comes back: after what happens to the road, how soon, and how often.

use std::time::Duration;

use crate::support::clients::{attempts, builder, connected, ends, is_connected, serve};
use crate::support::{MS, SECOND, at, drive, messages};
use everbeat_core::cause::{Cause, CloseCode, Cut};
use everbeat_core::client::{Client, ConnectError, Hint};
use everbeat_core::config::defaults::PATH_TIMEOUT;
use everbeat_core::{Event, Message};
use everbeat_sim::net::Answer;
use everbeat_sim::{Sim, for_each_seed};

#[test]
fn it_tells_its_life_in_order() {
    let mut sim = Sim::seed(1);
    serve(&sim);
    let client = sim.block_on(builder(&sim).connect(), SECOND).unwrap();
    let mut client = client.unwrap();
    sim.link("client", "server").reset();
    let events = drive(&mut sim, &mut client, 5 * SECOND);
    let took = 40 * MS;
    let events: Vec<Event> = events.into_iter().map(|(_, event)| event).collect();
    let [Event::Connected { .. }, Event::Disconnected(end), rest @ ..] = &events[..] else {
        panic!("{events:?}")
    };
    assert!(matches!(end.cause, Cause::Cut { how: Cut::Reset, .. }) && end.retry_in.is_some());
    let (attempt, endpoint) = (1, 0);
    let again =
        [Event::Connecting { attempt, endpoint }, Event::Connected { attempt, endpoint, took }];
    assert_eq!(rest, again);
}

#[test]
fn it_comes_back_after_whatever_happens_to_the_road() {
    for_each_seed(0..100, |sim| {
        let server = serve(sim);
        let plan = builder(sim);
        let mut client = connected(sim, plan);
        let link = sim.link("client", "server");
        match sim.random() % 6 {
            0 => link.cut(),
            1 => link.to("client").cut(),
            2 => link.to("server").cut(),
            3 => link.reset(),
            4 => link.to("client").end(),
            _ => server.abort(),
        }
        // A new process takes the place of the one that was killed.
        let _restarted = serve(sim);
        let events = drive(sim, &mut client, 6 * SECOND);
        assert_eq!(ends(&events).len(), 1, "{events:?}");
        let back = events.iter().find(|(_, event)| is_connected(event)).unwrap().0;
        // Interval, timeout, the first delay, a round trip.
        assert!(back <= at(5 * SECOND + 40 * MS) + SECOND + 2 * SECOND + 600 * MS, "{back:?}");
        sim.block_on(client.send("are you there?"), SECOND).unwrap().unwrap();
        let echo = messages(&drive(sim, &mut client, SECOND));
        assert_eq!(echo, [Message::from("are you there?")]);
    });
}

#[test]
fn it_comes_back_when_a_long_partition_is_repaired() {
    for_each_seed(0..50, |sim| {
        serve(sim);
        let plan = builder(sim);
        let mut client = connected(sim, plan);
        let link = sim.link("client", "server");
        link.partition();
        let down = drive(sim, &mut client, 60 * SECOND);
        assert!(!down.iter().any(|(_, event)| is_connected(event)));
        let limit = Cause::TimedOut { limit: 2 * SECOND };
        assert!(ends(&down).len() > 15, "it goes on trying: {down:?}");
        assert!(ends(&down)[1..].iter().all(|cause| *cause == limit), "{down:?}");
        link.repair();
        let up = drive(sim, &mut client, 4 * SECOND);
        assert!(up.iter().any(|(_, event)| is_connected(event)), "{up:?}");
    });
}

#[test]
fn it_outlives_a_server_that_is_down_for_a_minute() {
    for_each_seed(0..50, |sim| {
        let server = serve(sim);
        let plan = builder(sim);
        let mut client = connected(sim, plan);
        server.abort();
        let down = drive(sim, &mut client, 60 * SECOND);
        assert!(ends(&down)[1..].iter().all(|cause| matches!(cause, Cause::Unreachable { .. })));
        // Full jitter up to a second: half a second on average, and never a storm.
        assert!((60..250).contains(&attempts(&down)), "{}", attempts(&down));
        serve(sim);
        let up = drive(sim, &mut client, 2 * SECOND);
        assert!(up.iter().any(|(_, event)| is_connected(event)));
    });
}

#[test]
fn the_first_connection_fails_fast() {
    let mut sim = Sim::seed(1);
    let error = sim.block_on(builder(&sim).connect(), 10 * SECOND).unwrap().unwrap_err();
    assert!(matches!(error, ConnectError::Failed(Cause::Unreachable { .. })), "{error}");
    assert_eq!(sim.now(), at(40 * MS));
    sim.answer("server", Answer::Hang);
    let error = sim.block_on(builder(&sim).connect(), 10 * SECOND).unwrap().unwrap_err();
    assert_eq!(error, ConnectError::Failed(Cause::TimedOut { limit: 2 * SECOND }));
}

#[test]
fn retry_first_waits_for_a_server_that_starts_later() {
    for_each_seed(0..20, |sim| {
        serve(sim);
        sim.answer("server", Answer::Refuse);
        let handle = sim.handle();
        sim.after(10 * SECOND, move || {
            handle.answer("server", Answer::Upgrade);
        });
        let connect = builder(sim).retry_first(true).connect();
        let client = sim.block_on(connect, 12 * SECOND).unwrap().unwrap();
        assert!(sim.now() >= at(10 * SECOND) && client.connection().is_some());
    });
}

#[test]
fn attempts_are_numbered_from_the_start_too() {
    let mut sim = Sim::seed(1);
    let mut client = builder(&sim).retry_first(true).build().unwrap();
    let events = drive(&mut sim, &mut client, 5 * SECOND);
    let numbers = events.iter().filter_map(|(_, event)| match event {
        Event::Connecting { attempt, .. } => Some(*attempt),
        _ => None,
    });
    assert_eq!(numbers.take(4).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[test]
fn a_server_that_accepts_and_closes_is_not_met_more_than_8_times_in_5_seconds() {
    let answers = [
        Answer::Close(CloseCode::INTERNAL.into()),
        Answer::Close(CloseCode::GOING_AWAY.into()),
        Answer::Close(CloseCode::TRY_AGAIN.into()),
        Answer::Cut(Cut::End),
        Answer::Cut(Cut::Reset),
    ];
    for_each_seed(0..200, |sim| {
        let which = sim.random() as usize % answers.len();
        sim.answer("server", answers[which].clone());
        let mut client = builder(sim).retry_first(true).build().unwrap();
        let events = drive(sim, &mut client, 5 * SECOND);
        assert!(attempts(&events) <= 8, "{} of {:?}", attempts(&events), answers[which]);
        assert!(attempts(&events) >= 3, "it goes on trying");
    });
}

#[test]
fn delays_are_spread_and_never_longer_than_the_last_step() {
    let mut first = Vec::new();
    for_each_seed(0..200, |sim| {
        let server = serve(sim);
        let plan = builder(sim);
        let mut client = connected(sim, plan);
        server.abort();
        let events = drive(sim, &mut client, 20 * SECOND);
        let delays: Vec<Duration> = events
            .iter()
            .filter_map(|(_, event)| match event {
                Event::Disconnected(end) => end.retry_in,
                _ => None,
            })
            .collect();
        assert!(delays.iter().all(|delay| *delay <= SECOND), "{delays:?}");
        first.push(delays[0]);
    });
    // Alone: uniform over the first step of 100 ms.
    assert!(first.iter().all(|delay| *delay <= 100 * MS));
    for decile in 0..10 {
        let range = 10 * MS * decile..10 * MS * (decile + 1);
        let share = first.iter().filter(|delay| range.contains(delay)).count();
        let fair = first.len() / 10;
        // With the one seed of a replay there is nothing to be spread.
        assert!(first.len() < 200 || (fair / 4..fair * 9 / 4).contains(&share), "{share}");
    }
}

#[test]
fn attempts_are_counted_anew_after_a_healthy_connection() {
    let mut sim = Sim::seed(1);
    let server = serve(&sim);
    let plan = builder(&sim);
    let mut client = connected(&mut sim, plan);
    server.abort();
    drive(&mut sim, &mut client, 20 * SECOND);
    serve(&sim);
    let up = drive(&mut sim, &mut client, 10 * SECOND);
    let number = up.iter().find_map(|(_, event)| match event {
        Event::Connected { attempt, .. } => Some(*attempt),
        _ => None,
    });
    assert!(number > Some(10), "{number:?}");
    sim.link("client", "server").reset();
    let events = drive(&mut sim, &mut client, SECOND);
    let first = events.iter().find(|(_, event)| matches!(event, Event::Connecting { .. }));
    assert_eq!(first.map(|(_, event)| event), Some(&Event::Connecting { attempt: 1, endpoint: 0 }));
}

/// For how long the second connection of a client asks in vain before it is dead, if the road of the
/// first was silent for so long and came back
fn patience_of_the_second(silence: Duration) -> Option<Duration> {
    let mut sim = Sim::seed(3);
    serve(&sim);
    let road = sim.link("client", "server");
    road.delay(20 * MS);
    let plan = Client::over(sim.connector("server"), sim.timer(), 7);
    let mut client = connected(&mut sim, plan);
    drive(&mut sim, &mut client, 30 * SECOND);
    road.partition();
    client.hint(Hint::Foreground);
    drive(&mut sim, &mut client, silence);
    road.repair();
    assert_eq!(ends(&drive(&mut sim, &mut client, 60 * SECOND)), []);
    road.reset();
    assert_eq!(ends(&drive(&mut sim, &mut client, 30 * SECOND)).len(), 1);
    road.partition();
    client.hint(Hint::Foreground);
    let asked = sim.now();
    let events = drive(&mut sim, &mut client, 60 * SECOND);
    let end = |(at, event): &(_, _)| matches!(event, Event::Disconnected(_)).then_some(*at);
    Some(events.iter().find_map(end)?.saturating_duration_since(asked))
}

#[test]
fn what_one_connection_has_learnt_of_the_road_the_next_begins_with() {
    let usual = patience_of_the_second(Duration::ZERO).unwrap();
    let patient = patience_of_the_second(6 * SECOND).unwrap();
    assert!(usual < PATH_TIMEOUT + SECOND, "{usual:?}");
    assert!(patient > PATH_TIMEOUT + 5 * SECOND, "{patient:?}");
}
