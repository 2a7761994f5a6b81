//! A beat of one's own: a message in place of the Ping, in either role, over any transport.

mod rig;

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use everbeat_core::cause::{Cause, Expired, Verdict};
use everbeat_core::config::ConnectionConfig;
use everbeat_core::transport::{Incoming, Outgoing, Transport};
use everbeat_core::{Connection, Event, Message};
use everbeat_sim::{Sim, SimTimer, for_each_seed};
use futures_core::Stream;
use futures_sink::Sink;

use self::rig::{Api, INTERVAL, Narrow, TIMEOUT, beating, beats, ping, pipes, text};
use crate::support::clients::{builder, is_connected};
use crate::support::{MS, SECOND, at, beat, drive, messages, the_end};

/// Either role; the client's configuration retains, the server's does not
fn roles() -> [ConnectionConfig; 2] {
    [beat(INTERVAL, TIMEOUT), beat(INTERVAL, TIMEOUT).with_retain_bytes(0)]
}

/// A connection in this role, and its peer
fn with_api(
    sim: &Sim,
    role: usize,
    config: ConnectionConfig,
) -> (Connection<everbeat_sim::Pipe, SimTimer>, Api) {
    let (client, server) = pipes(sim);
    let (ours, theirs) = if role == 0 { (client, server) } else { (server, client) };
    (beating(sim, ours, config), Api::at(&sim.handle(), theirs))
}

#[test]
fn a_peer_that_answers_the_beat_and_no_ping_lives_for_ever_in_either_role() {
    for_each_seed(0..20, |sim| {
        for (role, config) in roles().into_iter().enumerate() {
            let (mut connection, api) = with_api(sim, role, config);
            let elapsed = 1_000 * SECOND;
            assert_eq!(drive(sim, &mut connection, elapsed), [], "answers are not handed up");
            let words = api.words();
            assert!(words.iter().all(|word| word == "ping"), "{words:?}");
            // An interval times 0.9 to 1, and as long again as the answer took
            assert!((99..=112).contains(&words.len()), "{}", words.len());
            let round_trip = connection.round_trip().unwrap();
            assert_eq!((round_trip.last, round_trip.minimum), (60 * MS, 60 * MS));
            assert!(connection.evidence().silent_for <= INTERVAL + SECOND);
        }
    });
}

#[test]
fn a_beat_that_is_not_answered_is_suspicion_then_death_and_is_told_as_a_beat() {
    for_each_seed(0..50, |sim| {
        for (role, config) in roles().into_iter().enumerate() {
            let (mut connection, api) = with_api(sim, role, config);
            drive(sim, &mut connection, 30 * SECOND);
            let before = api.beats().len();
            api.answer(false);
            let events = drive(sim, &mut connection, 30 * SECOND);
            let (died, end) = the_end(&events);
            let [beat] = api.beats()[before..] else { panic!("{:?}", api.words()) };
            // Acknowledged 30 ms after it was there; from then on it is the program's turn.
            assert_eq!(died, beat + 30 * MS + TIMEOUT);
            let [(suspected, Event::Suspect { .. }), _] = events[..] else { panic!("{events:?}") };
            assert_eq!(suspected, beat + 30 * MS + TIMEOUT / 3);
            assert!(matches!(end.cause, Cause::Dead { verdict: Verdict::App, .. }), "{end}");
            assert!(end.to_string().contains("1 beat unanswered"), "{end}");
            assert_eq!((end.unconfirmed.count, end.unconfirmed.messages.len()), (0, 0));
        }
    });
}

#[test]
fn a_suspect_that_answers_late_is_alive() {
    for_each_seed(0..20, |sim| {
        let (mut connection, _api) = with_api(sim, 0, beat(INTERVAL, TIMEOUT));
        sim.link("client", "server").to("client").delay(3 * SECOND);
        let events = drive(sim, &mut connection, 100 * SECOND);
        let suspect = |event: &Event| matches!(event, Event::Suspect { .. });
        for pair in events.chunks_exact(2) {
            assert!(suspect(&pair[0].1) && pair[1].1 == Event::Alive, "{events:?}");
        }
        assert!(events.len() >= 14, "{events:?}");
    });
}

#[test]
fn a_transport_that_cannot_ping_is_judged_by_the_beat() {
    for_each_seed(0..20, |sim| {
        let config = beat(INTERVAL, TIMEOUT);
        let (client, server) = pipes(sim);
        let mut connection =
            beating(sim, Narrow::new(sim, client, Duration::ZERO..=Duration::ZERO), config);
        let api = Api::at(&sim.handle(), server);
        assert_eq!(drive(sim, &mut connection, 300 * SECOND), []);
        assert!(api.beats().len() >= 29);
        api.answer(false);
        let died = drive(sim, &mut connection, 60 * SECOND);
        assert!(matches!(the_end(&died).1.cause, Cause::Dead { .. }));

        let (client, _server) = pipes(sim);
        let narrow = Narrow::new(sim, client, Duration::ZERO..=Duration::ZERO);
        let mut beatless = Connection::new(narrow, sim.timer(), config, sim.random());
        assert_eq!(drive(sim, &mut beatless, 300 * SECOND), [], "without it nobody would know");
    });
}

#[test]
fn behind_a_large_message_the_beat_waits_and_nobody_is_suspected_while_it_moves() {
    for_each_seed(0..20, |sim| {
        let upload = sim.link("client", "server").to("server");
        upload.rate(10_000).buffer(2_000);
        let (client, server) = pipes(sim);
        let mut connection = beating(sim, client, beat(SECOND, 2 * SECOND));
        let api = Api::at(&sim.handle(), server);
        sim.block_on(connection.send(vec![7; 300_000]), SECOND).unwrap().unwrap();
        assert_eq!(drive(sim, &mut connection, 40 * SECOND), []);
        let words = api.words();
        let large = words.iter().position(|word| word == "<300000 bytes>").unwrap();
        assert!(large <= 1 && beats(&words[large..]) >= 8, "{words:?}");
        // One waited, not one for each interval.
        let (beats, large) = (api.beats(), api.heard()[large].0);
        assert!(beats[usize::from(beats[0] < large)] < large + SECOND / 2, "{beats:?}");
        assert_eq!(connection.delivered(), 1);
    });
}

#[test]
fn behind_a_large_message_that_does_not_move_it_is_death_by_what_the_kernel_does_not_take() {
    for_each_seed(0..20, |sim| {
        let (client, _server) = pipes(sim);
        let mut connection = beating(sim, client, beat(SECOND, 2 * SECOND));
        sim.block_on(connection.send(vec![7; 300_000]), SECOND).unwrap().unwrap();
        let events = drive(sim, &mut connection, 40 * SECOND);
        let (died, end) = the_end(&events);
        assert!(matches!(end.cause, Cause::Dead { .. }) && died <= at(3 * SECOND), "{end}");
        assert_eq!(end.evidence.write_blocked_for, Some(2 * SECOND));
        assert_eq!(end.unconfirmed.count, 1);
    });
}

/// Has room, and for so long does not use it, but reads
async fn dither<T: Transport + Unpin>(
    connection: &mut Connection<T, SimTimer>,
    handle: &everbeat_sim::SimHandle,
    pause: Duration,
) {
    let room = poll_fn(|cx| Pin::new(&mut *connection).poll_ready(cx)).await;
    assert_eq!(room, Ok(()));
    let mut sleep = Box::pin(handle.sleep(pause));
    poll_fn(|cx| {
        assert_eq!(Pin::new(&mut *connection).poll_next(cx), Poll::Pending);
        sleep.as_mut().poll(cx)
    })
    .await;
}

#[test]
fn a_beat_that_takes_promised_room_loses_and_reorders_no_message() {
    for_each_seed(0..50, |sim| {
        let (client, server) = pipes(sim);
        // A message is held while another beat comes due.
        let narrow = Narrow::new(sim, client, Duration::ZERO..=1_400 * MS);
        let config = beat(SECOND, 6 * SECOND).with_close_timeout(20 * SECOND).unwrap();
        let mut connection = beating(sim, narrow, config);
        let (api, handle) = (Api::at(&sim.handle(), server), sim.handle());
        let sent: Vec<_> = (0..100).map(|n| format!("m{n}")).collect();
        let numbered = sent.clone();
        let task = sim.spawn(async move {
            for text in numbered {
                let pause = MS * (handle.random() % 1_500) as u32;
                dither(&mut connection, &handle, pause).await;
                Pin::new(&mut connection).start_send(text.into()).unwrap();
                if handle.random() % 2 == 0 {
                    poll_fn(|cx| Pin::new(&mut connection).poll_flush(cx)).await.unwrap();
                }
            }
            // What is held by now goes before the Close.
            connection.close().await
        });
        sim.run_for(1_000 * SECOND).unwrap();
        let end = task.take().unwrap();
        assert_eq!((end.cause, end.unconfirmed.count), (Cause::ClosedByUs, 0));
        let (beats, rest): (Vec<_>, Vec<_>) = api.words().into_iter().partition(|w| w == "ping");
        assert!(beats.len() >= 30, "{}", beats.len());
        assert_eq!(rest.last().unwrap(), "Close");
        assert_eq!(rest[..rest.len() - 1], sent);
    });
}

#[test]
fn a_beat_waits_for_room_and_goes_as_soon_as_there_is_some() {
    for_each_seed(0..20, |sim| {
        let (client, server) = pipes(sim);
        let narrow = Narrow::new(sim, client, 4 * SECOND..=4 * SECOND);
        let mut connection = beating(sim, narrow, beat(SECOND, 20 * SECOND));
        let api = Api::at(&sim.handle(), server);
        drive(sim, &mut connection, 20 * SECOND);
        // Each beat takes the room for 4 s, in which another becomes due.
        let beats = api.beats();
        let gaps = beats.windows(2).map(|pair| pair[1].saturating_duration_since(pair[0]));
        assert!(beats.len() >= 5 && gaps.clone().all(|gap| gap == 4 * SECOND), "{beats:?}");
    });
}

#[test]
fn the_answer_proves_what_was_sent_before_the_beat_and_beats_are_no_messages() {
    for_each_seed(0..20, |sim| {
        let (mut connection, api) = with_api(sim, 0, beat(INTERVAL, TIMEOUT));
        for text in ["a", "b"] {
            sim.block_on(connection.send(text), SECOND).unwrap().unwrap();
        }
        while api.beats().is_empty() {
            drive(sim, &mut connection, 5 * MS);
        }
        // Behind the beat, and ahead of its answer
        sim.block_on(connection.send("c"), SECOND).unwrap().unwrap();
        api.answer(false);
        drive(sim, &mut connection, 50 * MS);
        assert_eq!(connection.delivered(), 2);
        let events = drive(sim, &mut connection, 60 * SECOND);
        let (_, end) = the_end(&events);
        assert_eq!((end.unconfirmed.count, connection.delivered()), (1, 2));
        assert_eq!(end.unconfirmed.messages, [Message::from("c")]);
    });
}

#[test]
fn an_answer_that_nobody_asked_for_is_not_handed_up_and_proves_nothing() {
    let mut sim = Sim::seed(3);
    let (client, mut server) = pipes(&sim);
    let mut connection = beating(&sim, client, beat(INTERVAL, TIMEOUT));
    sim.block_on(connection.send("a"), SECOND).unwrap().unwrap();
    for word in ["pong", "hello"] {
        sim.block_on(server.send(text(word)), SECOND).unwrap().unwrap();
    }
    let events = drive(&mut sim, &mut connection, 100 * MS);
    assert_eq!(messages(&events), [Message::from("hello")]);
    assert_eq!((connection.delivered(), connection.round_trip()), (0, None));
}

#[test]
fn idle_is_idle_in_spite_of_beats_and_answers() {
    for_each_seed(0..20, |sim| {
        for (role, config) in roles().into_iter().enumerate() {
            let config = config.with_idle(Some(60 * SECOND)).unwrap();
            let begun = sim.now();
            let (mut connection, api) = with_api(sim, role, config);
            let events = drive(sim, &mut connection, 100 * SECOND);
            let (ended, end) = the_end(&events);
            assert_eq!(end.cause, Cause::Expired(Expired::Idle));
            assert!(ended < begun + 66 * SECOND, "{ended:?}");
            assert!(api.beats().len() >= 5);
        }
    });
}

#[test]
fn closing_asks_for_proof_by_a_beat_and_waits_for_it_no_longer_than_half_its_time() {
    for answers in [true, false] {
        for_each_seed(0..20, |sim| {
            let (mut connection, api) = with_api(sim, 0, beat(INTERVAL, TIMEOUT));
            sim.block_on(connection.send("last"), SECOND).unwrap().unwrap();
            api.answer(answers);
            let end = sim.block_on(connection.close(), 6 * SECOND).unwrap();
            assert_eq!(end.unconfirmed.count, u64::from(!answers));
            assert_eq!(api.words(), ["last", "ping", "Close"]);
            let closed = api.heard()[2].0;
            let due = if answers { 60 * MS } else { 2_500 * MS };
            assert_eq!(closed, at(due + 30 * MS));
        });
    }
}

#[test]
fn a_client_that_comes_back_beats_its_own_beat_again() {
    for_each_seed(0..10, |sim| {
        let (handle, mut listener) = (sim.handle(), sim.listen("server"));
        sim.link("client", "server").mute();
        let apis = sim.spawn(async move {
            let mut apis = Vec::new();
            while apis.len() < 3 {
                apis.push(Api::at(&handle, listener.accept().await.0));
            }
            apis
        });
        let mut client = builder(sim).beat(ping()).build().unwrap();
        let mut events = drive(sim, &mut client, 20 * SECOND);
        for _ in 0..2 {
            sim.link("client", "server").reset();
            events.extend(drive(sim, &mut client, 20 * SECOND));
        }
        let ups = events.iter().filter(|(_, event)| is_connected(event)).count();
        let apis = apis.take().unwrap();
        assert_eq!((ups, apis.len()), (3, 3), "{events:?}");
        for api in apis {
            let words = api.words();
            assert!(words.len() >= 17 && words.len() == beats(&words), "{words:?}");
        }
        assert_eq!(messages(&events), []);
    });
}

#[test]
fn it_costs_the_timer_what_a_ping_costs() {
    for_each_seed(0..20, |sim| {
        let (client, server) = pipes(sim);
        let timer = sim.timer();
        let config = beat(INTERVAL, TIMEOUT);
        let seed = sim.random();
        let mut connection = Connection::with_beat(client, timer.clone(), config, ping(), seed);
        let _api = Api::at(&sim.handle(), server);
        let task = sim.spawn(async move { connection.next().await });
        sim.run_for(1_000 * SECOND).unwrap();
        let allowed = 1 + (2.0 * 1_000.0 / (0.9 * INTERVAL.as_secs_f64())) as u64;
        assert!(timer.arms() - 1 <= allowed, "{} of {allowed}", timer.arms());
        assert!(timer.clock_reads() <= task.polls() + 1);
    });
}

#[test]
fn a_ping_of_the_peer_is_answered_as_ever() {
    let mut sim = Sim::seed(5);
    let (client, mut server) = pipes(&sim);
    sim.link("client", "server").unmute();
    let mut connection = beating(&sim, client, beat(INTERVAL, TIMEOUT));
    sim.block_on(server.send(Outgoing::Ping([7; 8])), SECOND).unwrap().unwrap();
    assert_eq!(drive(&mut sim, &mut connection, 100 * MS), []);
    let heard = sim.block_on(server.next(), SECOND).unwrap().unwrap().unwrap();
    assert_eq!(heard, Incoming::Pong(vec![7; 8].into()));
}
