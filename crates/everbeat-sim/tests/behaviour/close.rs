//! How a connection ends: politely either way, by the peer's silence, by a cut, by a rule.

use std::time::Duration;

use crate::support::{
    MS, SECOND, at, beat, beatless, both, drive, drive_beside, messages, read_all, read_and_stay,
};
use crate::support::{the_end, with_peer};
use everbeat_core::cause::{Cause, CloseCode, CloseFrame, Cut, Expired};
use everbeat_core::config::ConnectionConfig;
use everbeat_core::transport::{Incoming, Outgoing};
use everbeat_core::{Connection, Event, Message};
use everbeat_sim::{Pipe, Sim, SimTimer, for_each_seed};

const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

fn closes(incoming: &[(everbeat_core::time::Instant, Incoming)]) -> Vec<Option<CloseFrame>> {
    let close = |(_, incoming): &(_, Incoming)| match incoming {
        Incoming::Close(frame) => Some(frame.clone()),
        _ => None,
    };
    incoming.iter().filter_map(close).collect()
}

fn pair(sim: &Sim) -> (Connection<Pipe, SimTimer>, Connection<Pipe, SimTimer>) {
    sim.link("client", "server").delay(20 * MS);
    both(sim, ConnectionConfig::client(), ConnectionConfig::server())
}

#[test]
fn we_close_and_the_peer_hears_1000() {
    let mut sim = Sim::seed(1);
    let (mut client, server) = pair(&sim);
    let server = drive_beside(&sim, server);
    let end = sim.block_on(client.close(), CLOSE_TIMEOUT).unwrap();
    assert_eq!(end.cause, Cause::ClosedByUs);
    assert_eq!(sim.now(), at(40 * MS), "a round trip, no more");
    let heard = server.take().unwrap().cause;
    assert_eq!(heard, Cause::from(Some(CloseCode::NORMAL.into())));
    assert!(heard.is_polite());
}

#[test]
fn a_server_closes_as_politely_and_its_code_gets_through() {
    let mut sim = Sim::seed(1);
    let (client, mut server) = pair(&sim);
    let client = drive_beside(&sim, client);
    let frame = CloseFrame::new(CloseCode(4_001), "maintenance");
    let end = sim.block_on(server.close_with(frame.clone()), CLOSE_TIMEOUT).unwrap();
    assert_eq!(end.cause, Cause::ClosedByUs);
    sim.run_for(SECOND).unwrap();
    assert_eq!(client.take().unwrap().cause, Cause::from(Some(frame)));
}

#[test]
fn both_may_close_at_once() {
    let mut sim = Sim::seed(1);
    let (mut client, mut server) = pair(&sim);
    let server = sim.spawn(async move { server.close().await });
    let end = sim.block_on(client.close(), CLOSE_TIMEOUT).unwrap();
    sim.run_for(SECOND).unwrap();
    assert_eq!(end.cause, Cause::ClosedByUs);
    assert_eq!(server.take().unwrap().cause, Cause::ClosedByUs);
    assert!(sim.now() < at(CLOSE_TIMEOUT));
}

#[test]
fn recv_is_none_after_a_polite_close_and_the_cause_after_another() {
    for (code, polite) in [(1000, true), (1001, true), (1008, false), (1011, false), (4000, false)]
    {
        let mut sim = Sim::seed(1);
        let (mut client, mut server) = pair(&sim);
        sim.spawn(async move { server.close_with(CloseCode(code).into()).await });
        let heard = sim.block_on(client.recv(), SECOND).unwrap();
        let cause = Cause::from(Some(CloseFrame::from(CloseCode(code))));
        assert_eq!(heard, if polite { Ok(None) } else { Err(cause.clone()) });
        assert_eq!(sim.block_on(client.recv(), SECOND).unwrap(), Ok(None), "and none from then on");
        assert_eq!(sim.block_on(client.send("late"), SECOND).unwrap(), Err(cause));
    }
}

#[test]
fn what_was_sent_before_the_close_arrives_and_is_proven() {
    for_each_seed(0..50, |sim| {
        let (mut client, mut server) = pair(sim);
        sim.link("client", "server").rate(10_000).buffer(500);
        let server = sim.spawn(async move {
            let mut heard = Vec::new();
            while let Ok(Some(message)) = server.recv().await {
                heard.push(message);
            }
            heard
        });
        let sent: Vec<Message> = (0..20).map(|number| Message::from(vec![number; 100])).collect();
        for message in &sent {
            sim.block_on(client.send(message.clone()), SECOND).unwrap().unwrap();
        }
        let end = sim.block_on(client.close(), CLOSE_TIMEOUT).unwrap();
        assert_eq!((end.unconfirmed.count, client.delivered()), (0, 20));
        assert_eq!(server.take(), Some(sent));
    });
}

#[test]
fn a_peer_that_never_answers_our_close_is_dropped_after_the_close_timeout() {
    let mut sim = Sim::seed(1);
    sim.link("client", "server").to("server").mute();
    let (mut client, server) = with_peer(&sim, beatless());
    let heard = read_and_stay(&sim, server);
    let end = sim.block_on(client.close(), 60 * SECOND).unwrap();
    assert_eq!((end.cause, sim.now()), (Cause::ClosedByUs, at(CLOSE_TIMEOUT)));
    sim.run_for(SECOND).unwrap();
    assert_eq!(closes(&heard.borrow()), [Some(CloseCode::NORMAL.into())]);
}

#[test]
fn closing_ends_within_the_timeout_whatever_the_peer_does_not_do() {
    for_each_seed(0..50, |sim| {
        let link = sim.link("client", "server");
        link.buffer(500);
        let (mut client, server) = with_peer(sim, beat(SECOND, SECOND));
        let server = read_all(sim, server);
        sim.block_on(client.send(vec![7; 50_000]), SECOND).unwrap().unwrap();
        match sim.random() % 4 {
            0 => link.to("server").stall(),
            1 => link.cut(),
            2 => link.partition(),
            _ => link.to("client").cut(),
        }
        let begun = sim.now();
        let end = sim.block_on(client.close(), 60 * SECOND).unwrap();
        assert!(sim.now() <= begun + CLOSE_TIMEOUT, "{:?} since {begun:?}", sim.now());
        assert_eq!((end.cause, end.unconfirmed.count), (Cause::ClosedByUs, 1));
        drop(server);
    });
}

#[test]
fn a_close_that_is_interrupted_goes_on_when_called_again() {
    let mut sim = Sim::seed(1);
    let (mut client, server) = pair(&sim);
    let server = drive_beside(&sim, server);
    assert!(sim.block_on(client.close(), 10 * MS).is_err());
    let end = sim.block_on(client.close(), CLOSE_TIMEOUT).unwrap();
    assert_eq!((end.cause, sim.now()), (Cause::ClosedByUs, at(40 * MS)));
    assert!(server.is_finished());
}

#[test]
fn an_end_of_stream_without_a_close_is_a_cut() {
    let mut sim = Sim::seed(1);
    let (mut client, mut server) = with_peer(&sim, beatless());
    sim.block_on(server.send(Outgoing::Message("last words".into())), SECOND).unwrap().unwrap();
    drop(server);
    let events = drive(&mut sim, &mut client, SECOND);
    assert_eq!(messages(&events), [Message::from("last words")]);
    let (when, end) = the_end(&events);
    assert!(matches!(end.cause, Cause::Cut { how: Cut::End, .. }), "{end}");
    assert_eq!(when, at(MS), "at once");
}

#[test]
fn a_reset_is_a_cut() {
    let mut sim = Sim::seed(1);
    let (mut client, mut server) = pair(&sim);
    sim.link("client", "server").reset();
    let heard = sim.block_on(client.recv(), SECOND).unwrap();
    assert!(matches!(heard, Err(Cause::Cut { how: Cut::Reset, .. })), "{heard:?}");
    let heard = sim.block_on(server.recv(), SECOND).unwrap();
    assert!(matches!(heard, Err(Cause::Cut { how: Cut::Reset, .. })), "{heard:?}");
}

#[test]
fn a_connection_without_messages_expires_although_it_beats() {
    for_each_seed(0..20, |sim| {
        let limit = 10 * SECOND;
        let config = beat(SECOND, SECOND).with_idle(Some(limit)).unwrap();
        let (mut server, client) = with_peer(sim, config);
        let heard = read_all(sim, client);
        let events = drive(sim, &mut server, 20 * SECOND);
        let (when, end) = the_end(&events);
        assert_eq!(end.cause, Cause::Expired(Expired::Idle));
        assert!(end.cause.is_polite());
        assert!(when >= at(limit) && when <= at(limit + SECOND), "{when:?}");
        let goodbye = CloseFrame::new(CloseCode::GOING_AWAY, "idle");
        assert_eq!(closes(&heard.take().unwrap()), [Some(goodbye)]);
    });
}

#[test]
fn a_message_either_way_postpones_the_expiry() {
    for inbound in [true, false] {
        let mut sim = Sim::seed(1);
        let config = beatless().with_idle(Some(10 * SECOND)).unwrap();
        let (mut server, mut client) = with_peer(&sim, config);
        assert_eq!(drive(&mut sim, &mut server, 9 * SECOND), []);
        if inbound {
            let send = client.send(Outgoing::Message("hi".into()));
            sim.block_on(send, SECOND).unwrap().unwrap();
        } else {
            sim.block_on(server.send("hi"), SECOND).unwrap().unwrap();
        }
        let spoken = sim.now();
        let heard = read_all(&sim, client);
        let events = drive(&mut sim, &mut server, 20 * SECOND);
        let when = the_end(&events).0;
        assert!(when >= spoken + 10 * SECOND && when <= spoken + 11 * SECOND, "{when:?}");
        assert!(heard.is_finished());
    }
}

#[test]
fn a_violation_is_told_to_the_peer_with_its_code() {
    let mut sim = Sim::seed(1);
    let (mut client, server) = with_peer(&sim, beatless());
    let heard = read_all(&sim, server);
    let frame = CloseFrame::new(CloseCode::TOO_BIG, "over 16 MiB");
    sim.link("client", "server").to("client").violate(frame.clone());
    let events = drive(&mut sim, &mut client, CLOSE_TIMEOUT + SECOND);
    let (_, end) = the_end(&events);
    assert!(matches!(end.cause, Cause::Violation { code: CloseCode::TOO_BIG, .. }), "{end}");
    sim.run_for(SECOND).unwrap();
    assert_eq!(closes(&heard.take().unwrap()), [Some(frame)]);
}

#[test]
fn a_dropped_connection_says_no_close() {
    let mut sim = Sim::seed(1);
    let (client, server) = pair(&sim);
    let server = drive_beside(&sim, server);
    drop(client);
    sim.run_for(SECOND).unwrap();
    let end = server.take().unwrap();
    assert!(matches!(end.cause, Cause::Cut { how: Cut::End, .. }), "{end}");
}

#[test]
fn a_peer_that_closes_and_vanishes_is_not_waited_for_beyond_the_timeout() {
    let mut sim = Sim::seed(1);
    let (mut client, mut server) = with_peer(&sim, beatless());
    sim.block_on(server.send(Outgoing::Close(None)), SECOND).unwrap().unwrap();
    // It never ends the stream, as a server ought to.
    let events = drive(&mut sim, &mut client, 60 * SECOND);
    let (when, end) = the_end(&events);
    assert_eq!(end.cause, Cause::from(None));
    assert!(when <= at(CLOSE_TIMEOUT + SECOND), "{when:?}");
    drop(server);
}

#[test]
fn the_last_event_is_the_end_and_there_is_one() {
    for_each_seed(0..20, |sim| {
        let (mut client, server) = pair(sim);
        let server = drive_beside(sim, server);
        let link = sim.link("client", "server");
        match sim.random() % 3 {
            0 => link.reset(),
            1 => link.to("client").end(),
            _ => link.cut(),
        }
        let events = drive(sim, &mut client, 100 * SECOND);
        let ends = events.iter().filter(|(_, event)| matches!(event, Event::Disconnected(_)));
        assert_eq!(ends.count(), 1);
        the_end(&events);
        assert_eq!(drive(sim, &mut client, SECOND), []);
        drop(server);
    });
}
