//! What a client is told from outside: that the network is another one, that an address is gone, that
//! nobody looks; and what it tells of its own standstill.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use everbeat_core::cause::{Cause, Verdict};
use everbeat_core::client::{Hint, Hints};
use everbeat_core::halves::split;
use everbeat_core::reconnect::Backoff;
use everbeat_core::time::Timer;
use everbeat_core::transport::{Incoming, Outgoing};
use everbeat_core::{Event, client::Queue};
use everbeat_sim::net::Answer;
use everbeat_sim::{Sim, for_each_seed};

use crate::support::clients::{attempts, builder, connected, ends, is_connected, serve};
use crate::support::{MS, SECOND, beat, drive, messages, read_and_stay, the_end, with_peer};

const HURRIES: [Hint; 3] = [Hint::NetworkChanged, Hint::Online, Hint::Foreground];

#[test]
fn a_connection_is_asked_at_once_when_the_network_has_changed() {
    for_each_seed(0..20, |sim| {
        let hint = HURRIES[(sim.random() % 3) as usize];
        sim.link("client", "server").delay(20 * MS);
        let (mut client, peer) = with_peer(sim, beat(20 * SECOND, 10 * SECOND));
        let heard = read_and_stay(sim, peer);
        // The first beat is over by then, and the next is not due.
        drive(sim, &mut client, 21 * SECOND);
        let (before, now) = (heard.borrow().len(), sim.now());
        client.hint(hint);
        client.hint(hint);
        let events = drive(sim, &mut client, SECOND);
        let heard = heard.borrow();
        let [(at, Incoming::Ping(_))] = heard[before..] else { panic!("{heard:?}") };
        assert_eq!(at.saturating_duration_since(now), 20 * MS, "{hint:?}");
        assert_eq!(events, [], "{hint:?}");
    });
}

#[test]
fn a_road_that_is_gone_with_the_old_network_is_known_soon_after_the_hint() {
    for_each_seed(0..50, |sim| {
        sim.link("client", "server").delay(20 * MS);
        let (mut client, peer) = with_peer(sim, beat(20 * SECOND, 5 * SECOND));
        read_and_stay(sim, peer);
        drive(sim, &mut client, MS * (sim.random() % 60_000) as u32);
        sim.link("client", "server").partition();
        // What was on its way still arrives; the next test is of that.
        drive(sim, &mut client, 20 * MS);
        let now = sim.now();
        client.hint(Hint::NetworkChanged);
        let events = drive(sim, &mut client, 60 * SECOND);
        let (died, _) = the_end(&events);
        assert!(died.saturating_duration_since(now) <= 5 * SECOND + 500 * MS, "{died:?}");
    });
}

#[test]
fn what_was_on_its_way_when_the_network_changed_is_life_and_the_next_beat_finds_it_gone() {
    for_each_seed(0..20, |sim| {
        sim.link("client", "server").delay(20 * MS);
        let (mut client, peer) = with_peer(sim, beat(20 * SECOND, 5 * SECOND));
        let heard = read_and_stay(sim, peer);
        while heard.borrow().is_empty() {
            drive(sim, &mut client, 10 * MS);
        }
        sim.link("client", "server").partition();
        let now = sim.now();
        client.hint(Hint::NetworkChanged);
        let events = drive(sim, &mut client, 60 * SECOND);
        let after = the_end(&events).0.saturating_duration_since(now);
        assert!(after > 20 * SECOND && after <= 25 * SECOND + 500 * MS, "{after:?}");
    });
}

#[test]
fn a_connection_whose_address_is_gone_is_dead_at_once_and_no_other() {
    for_each_seed(0..20, |sim| {
        serve(sim);
        let hints = Hints::new();
        let host = sim.host("client");
        let plan = builder(sim).hints(&hints);
        let mut client = connected(sim, plan);
        hints.tell(Hint::AddressGone(IpAddr::from(Ipv4Addr::new(192, 0, 2, 1))));
        assert_eq!(ends(&drive(sim, &mut client, 5 * SECOND)), []);
        hints.tell(Hint::AddressGone(host.address()));
        let now = sim.now();
        let events = drive(sim, &mut client, 5 * SECOND);
        let [(at, Event::Disconnected(end)), ..] = &events[..] else { panic!("{events:?}") };
        assert_eq!(*at, now);
        assert!(matches!(end.cause, Cause::Dead { verdict: Verdict::Path, .. }), "{end}");
        assert!(end.evidence.address_gone, "{end}");
        // The new one is not held to be at that address, even if it is.
        assert!(events.iter().any(|(_, event)| is_connected(event)), "{events:?}");
        assert_eq!(ends(&events).len(), 1, "{events:?}");
    });
}

#[test]
fn a_client_that_waits_tries_soon_when_there_is_a_network_again() {
    for_each_seed(0..50, |sim| {
        let server = serve(sim);
        let hints = Hints::new();
        let plan = builder(sim).backoff(Backoff::full_jitter(SECOND..=600 * SECOND)).hints(&hints);
        let mut client = connected(sim, plan);
        drive(sim, &mut client, 60 * SECOND);
        server.abort();
        drive(sim, &mut client, 3_000 * SECOND);
        serve(sim);
        let hint = HURRIES[(sim.random() % 3) as usize];
        let halves = sim.random() % 2 == 0;
        hints.tell(hint);
        if !halves {
            let events = drive(sim, &mut client, SECOND + 40 * MS);
            assert!(events.iter().any(|(_, event)| is_connected(event)), "{hint:?} {events:?}");
            return;
        }
        let (_sender, mut receiver, pump) = split(client, Queue::default());
        sim.spawn(pump);
        let events = drive(sim, &mut receiver, SECOND + 40 * MS);
        assert!(events.iter().any(|(_, event)| is_connected(event)), "{hint:?} {events:?}");
    });
}

#[test]
fn a_hint_wakes_whoever_waits_for_the_next_attempt() {
    for_each_seed(0..20, |sim| {
        let server = serve(sim);
        let hints = Hints::new();
        let plan =
            builder(sim).backoff(Backoff::full_jitter(300 * SECOND..=600 * SECOND)).hints(&hints);
        let mut client = connected(sim, plan);
        server.abort();
        // What ended young waits for nearly all of a step.
        drive(sim, &mut client, 10 * SECOND);
        serve(sim);
        let teller = hints.clone();
        sim.after(SECOND, move || teller.tell(Hint::NetworkChanged));
        let events = drive(sim, &mut client, 302 * SECOND);
        assert!(events.iter().any(|(_, event)| is_connected(event)), "{events:?}");
    });
}

#[test]
fn no_hint_brings_a_client_back_before_the_server_s_time() {
    for_each_seed(0..20, |sim| {
        serve(sim);
        let plan = builder(sim);
        let mut client = connected(sim, plan);
        let retry_after = Some(20 * SECOND);
        sim.answer("server", Answer::Reject { status: 503, retry_after });
        sim.link("client", "server").reset();
        let down = drive(sim, &mut client, 2 * SECOND);
        let rejected = |cause: &Cause| matches!(cause, Cause::Rejected { status: 503, .. });
        assert!(ends(&down).iter().any(rejected), "{down:?}");
        client.hint(Hint::Online);
        assert_eq!(attempts(&drive(sim, &mut client, 17 * SECOND)), 0);
        assert!(attempts(&drive(sim, &mut client, 4 * SECOND)) >= 1);
    });
}

#[test]
fn who_is_offline_tries_at_the_last_step_s_pace() {
    for_each_seed(0..20, |sim| {
        let server = serve(sim);
        let plan = builder(sim);
        let mut client = connected(sim, plan);
        client.hint(Hint::Offline);
        server.abort();
        // The last step is a second, of which at least 0.8 pass before each attempt.
        let tries = attempts(&drive(sim, &mut client, 60 * SECOND));
        assert!((55..=75).contains(&tries), "{tries}");
    });
}

#[test]
fn a_stall_is_told_with_how_long_it_was_and_the_connection_lives() {
    for_each_seed(0..50, |sim| {
        sim.link("client", "server").delay(20 * MS);
        let host = sim.host("client");
        let (pipe, peer) = sim.pipe("client", "server");
        let heard = read_and_stay(sim, peer);
        let config = beat(2 * SECOND, 3 * SECOND);
        let mut client = everbeat_core::Connection::new(pipe, host.timer(), config, sim.random());
        let log = heard.clone();
        let told = host.spawn(async move {
            let mut told = Vec::new();
            while let Some(event) = client.next().await {
                if let Event::Stalled { .. } = event {
                    told.push(event);
                    assert!(!log.borrow().is_empty());
                    return (told, client);
                }
                assert!(!matches!(event, Event::Disconnected(_)), "{event:?}");
            }
            (told, client)
        });
        sim.run_for(MS * (10_000 + sim.random() % 5_000) as u32).unwrap();
        host.stall(30 * SECOND);
        sim.run_for(31 * SECOND).unwrap();
        let (told, mut client) = told.take().expect("it was told of its stall");
        let [Event::Stalled { stalled_for, slept_for }] = told[..] else { panic!("{told:?}") };
        // What is missing is what was left of the interval, or of a clock.
        let range = 26 * SECOND..=30 * SECOND;
        assert!(range.contains(&stalled_for), "{stalled_for:?}");
        assert_eq!(slept_for, Duration::ZERO);
        let after = drive(sim, &mut client, 60 * SECOND);
        assert_eq!(after, [], "and it lives");
    });
}

#[test]
fn a_stall_is_told_although_what_the_peer_said_meanwhile_is_read_first() {
    for_each_seed(0..50, |sim| {
        sim.link("client", "server").delay(20 * MS);
        let host = sim.host("client");
        let (pipe, mut peer) = sim.pipe("client", "server");
        let config = beat(2 * SECOND, 3 * SECOND);
        let mut client = everbeat_core::Connection::new(pipe, host.timer(), config, sim.random());
        // It pings and talks all the time, and so is heard before anything else.
        let (timer, ping) = (sim.timer(), sim.random() % 2 == 0);
        sim.spawn(async move {
            loop {
                let said: Outgoing =
                    if ping { Outgoing::Ping([1; 8]) } else { Outgoing::Message("tick".into()) };
                if peer.send(said).await.is_err() {
                    return;
                }
                timer.sleep_until(timer.now() + 300 * MS).await;
            }
        });
        let told = host.spawn(async move {
            loop {
                match client.next().await {
                    Some(Event::Stalled { stalled_for, .. }) => return stalled_for,
                    Some(Event::Message(_)) => {}
                    other => panic!("{other:?}"),
                }
            }
        });
        sim.run_for(MS * (10_000 + sim.random() % 5_000) as u32).unwrap();
        host.stall(30 * SECOND);
        sim.run_for(31 * SECOND).unwrap();
        let stalled_for = told.take().expect("it was told of its stall");
        let range = 26 * SECOND..=30 * SECOND;
        assert!(range.contains(&stalled_for), "{stalled_for:?}");
    });
}

#[test]
fn stalls_that_nobody_reads_are_told_as_one() {
    let mut sim = Sim::seed(3);
    sim.link("client", "server").delay(20 * MS);
    let (mut client, peer) = with_peer(&sim, beat(2 * SECOND, 3 * SECOND));
    read_and_stay(&sim, peer);
    // A task that does nothing but send, once in ten seconds: it is late for every beat.
    for _ in 0..100 {
        sim.block_on(client.send("now and then"), SECOND).unwrap().unwrap();
        sim.run_for(10 * SECOND).unwrap();
    }
    let events = drive(&mut sim, &mut client, MS);
    let stalls = events.iter().filter_map(|(_, event)| match event {
        Event::Stalled { stalled_for, .. } => Some(*stalled_for),
        _ => None,
    });
    // A hundred were; the last is noticed by who reads.
    let stalls = stalls.collect::<Vec<_>>();
    assert!(stalls.len() <= 2 && stalls[0] >= 500 * SECOND, "{events:?}");
    assert!(events.len() <= 4, "{events:?}");
}

#[test]
fn a_task_that_only_sends_writes_nothing_from_an_address_that_is_gone() {
    for_each_seed(0..10, |sim| {
        serve(sim);
        let hints = Hints::new();
        let host = sim.host("client");
        let plan = builder(sim).hints(&hints);
        let mut client = connected(sim, plan);
        if sim.random() % 2 == 0 {
            hints.tell(Hint::AddressGone(host.address()));
        } else {
            client.hint(Hint::AddressGone(host.address()));
        }
        for _ in 0..3 {
            sim.block_on(client.send("tick"), SECOND).unwrap().unwrap();
            sim.run_for(100 * MS).unwrap();
        }
        let events = drive(sim, &mut client, 5 * SECOND);
        let end = events.iter().find_map(|(_, event)| match event {
            Event::Disconnected(end) => Some(end),
            _ => None,
        });
        assert_eq!(end.map(|end| end.unconfirmed.count), Some(0), "{events:?}");
        assert_eq!(messages(&events).len(), 3, "they wait for the next connection: {events:?}");
    });
}

#[test]
fn a_task_that_only_sends_asks_when_the_network_has_changed() {
    let mut sim = Sim::seed(3);
    sim.link("client", "server").delay(20 * MS);
    let (mut client, peer) = with_peer(&sim, beat(20 * SECOND, 10 * SECOND));
    let heard = read_and_stay(&sim, peer);
    drive(&mut sim, &mut client, 21 * SECOND);
    let pings = || {
        let ping = |(_, said): &&(_, Incoming)| matches!(said, Incoming::Ping(_));
        heard.borrow().iter().filter(ping).count()
    };
    let before = pings();
    client.hint(Hint::NetworkChanged);
    sim.block_on(client.send("tick"), SECOND).unwrap().unwrap();
    sim.run_for(SECOND).unwrap();
    assert_eq!(pings(), before + 1);
}

#[test]
fn a_flood_of_hints_is_no_flood_of_pings() {
    for (every, times, most) in [(10, 1_000_u32, 12), (210, 300, 65)] {
        let mut sim = Sim::seed(3);
        sim.link("client", "server").delay(2 * MS);
        let (mut client, peer) = with_peer(&sim, beat(20 * SECOND, 10 * SECOND));
        let heard = read_and_stay(&sim, peer);
        drive(&mut sim, &mut client, 21 * SECOND);
        let before = heard.borrow().len();
        for _ in 0..times {
            client.hint(Hint::NetworkChanged);
            drive(&mut sim, &mut client, every * MS);
        }
        // The last is heard too, when its second is over.
        drive(&mut sim, &mut client, SECOND);
        let pings = heard.borrow().len() - before;
        assert!(
            (10..=most).contains(&pings),
            "{pings} Pings of {times} hints, one each {every} ms"
        );
    }
}

#[test]
fn a_hint_during_an_attempt_hurries_the_next() {
    for_each_seed(0..50, |sim| {
        serve(sim);
        let hints = Hints::new();
        let plan = builder(sim).backoff(Backoff::default()).hints(&hints);
        let mut client = connected(sim, plan);
        drive(sim, &mut client, 70 * SECOND);
        sim.answer("server", Answer::Hang);
        sim.link("client", "server").reset();
        drive(sim, &mut client, 300 * SECOND);
        let connecting =
            |events: &[(_, Event)]| matches!(events.last(), Some((_, Event::Connecting { .. })));
        while !connecting(&drive(sim, &mut client, 100 * MS)) {}
        sim.answer("server", Answer::Upgrade);
        hints.tell(Hint::Online);
        let now = sim.now();
        let events = drive(sim, &mut client, 60 * SECOND);
        let back = events.iter().find(|(_, event)| is_connected(event)).unwrap().0;
        // What is left of the attempt's 2 s, the first step, and the way.
        assert!(back.saturating_duration_since(now) <= 3 * SECOND + 100 * MS, "{events:?}");
    });
}

#[test]
fn a_hint_too_soon_after_another_is_heard_when_its_second_is_over() {
    let mut sim = Sim::seed(3);
    sim.link("client", "server").delay(2 * MS);
    let (mut client, peer) = with_peer(&sim, beat(20 * SECOND, 10 * SECOND));
    let heard = read_and_stay(&sim, peer);
    drive(&mut sim, &mut client, 21 * SECOND);
    let (before, now) = (heard.borrow().len(), sim.now());
    client.hint(Hint::NetworkChanged);
    drive(&mut sim, &mut client, 100 * MS);
    client.hint(Hint::Foreground);
    drive(&mut sim, &mut client, 5 * SECOND);
    let after = |(at, _): &(everbeat_core::time::Instant, _)| at.saturating_duration_since(now);
    let pings = heard.borrow()[before..].iter().map(after).collect::<Vec<_>>();
    assert_eq!(pings, [2 * MS, SECOND + 2 * MS]);
}
