//! What a client is given while it is down: bounded, in order, and handed back if it is closed.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use crate::support::clients::{builder, connected, serve, with_an_unread_end};
use crate::support::{MS, SECOND, drive, messages};
use everbeat_core::Message;
use everbeat_core::cause::Cause;
use everbeat_core::client::{Queue, SendError};
use everbeat_sim::net::Answer;
use everbeat_sim::{Sim, for_each_seed};
use futures_sink::Sink;

#[test]
fn the_queue_is_bounded_while_down_and_refuses_with_the_message() {
    let mut sim = Sim::seed(1);
    let plan = builder(&sim).retry_first(true).queue(Queue::bounded(3, 1_000));
    let mut client = plan.build().unwrap();
    drive(&mut sim, &mut client, SECOND);
    for text in ["a", "b", "c"] {
        sim.block_on(client.send(text), Duration::ZERO).unwrap().unwrap();
    }
    let error = sim.block_on(client.send("d"), Duration::ZERO).unwrap().unwrap_err();
    assert!(matches!(error, SendError::Full { .. }), "{error}");
    assert!(error.to_string().contains("3 messages") && error.to_string().contains("`queue`"));
    assert_eq!(error.into_message(), Message::from("d"));
    let large = sim.block_on(client.send(vec![7; 1_001]), Duration::ZERO).unwrap().unwrap_err();
    assert!(matches!(large, SendError::TooLarge { .. }), "{large}");
}

#[test]
fn a_queue_that_waits_takes_the_message_once_there_is_room() {
    for_each_seed(0..20, |sim| {
        sim.answer("server", Answer::Refuse);
        serve(sim);
        let plan = builder(sim).retry_first(true).queue(Queue::bounded(3, 1_000).or_wait());
        let mut client = plan.build().unwrap();
        for text in ["a", "b", "c"] {
            sim.block_on(client.send(text), Duration::ZERO).unwrap().unwrap();
        }
        assert!(sim.block_on(client.send("d"), 5 * SECOND).is_err(), "it waits");
        sim.answer("server", Answer::Upgrade);
        sim.block_on(client.send("d"), 5 * SECOND).unwrap().unwrap();
        let echoed = messages(&drive(sim, &mut client, SECOND));
        assert_eq!(echoed, ["a", "b", "c", "d"].map(Message::from));
    });
}

#[test]
fn what_was_queued_while_down_arrives_once_and_in_order() {
    for_each_seed(0..50, |sim| {
        let server = serve(sim);
        let plan = builder(sim);
        let mut client = connected(sim, plan);
        server.abort();
        drive(sim, &mut client, SECOND);
        let sent: Vec<Message> = (0..100_u32).map(|number| number.to_string().into()).collect();
        for message in &sent {
            client.try_send(message.clone()).unwrap();
            drive(sim, &mut client, 20 * MS);
        }
        serve(sim);
        let echoed = messages(&drive(sim, &mut client, 5 * SECOND));
        assert_eq!(echoed, sent);
    });
}

#[test]
fn what_waits_goes_before_what_is_sent_now() {
    let mut sim = Sim::seed(1);
    serve(&sim);
    let plan = builder(&sim);
    let mut client = connected(&mut sim, plan);
    for (queued, sent) in [("a", "b"), ("c", "d")] {
        client.try_send(queued).unwrap();
        sim.block_on(client.send(sent), SECOND).unwrap().unwrap();
        // Nothing waits any more, and this one goes past the queue.
        sim.block_on(client.send("e"), SECOND).unwrap().unwrap();
    }
    let echoed = messages(&drive(&mut sim, &mut client, SECOND));
    assert_eq!(echoed, ["a", "b", "e", "c", "d", "e"].map(Message::from));
    let large = sim.block_on(client.send(vec![7; (1 << 20) + 1]), SECOND).unwrap().unwrap_err();
    assert!(matches!(large, SendError::TooLarge { .. }), "it goes past no limit: {large}");
}

#[test]
fn closing_while_down_does_not_wait_for_a_server() {
    let mut sim = Sim::seed(1);
    let server = serve(&sim);
    let plan = builder(&sim);
    let mut client = connected(&mut sim, plan);
    server.abort();
    drive(&mut sim, &mut client, SECOND);
    let begun = sim.now();
    let end = sim.block_on(client.close(), 60 * SECOND).unwrap();
    assert_eq!((end.cause, sim.now()), (Cause::ClosedByUs, begun));
    assert_eq!(drive(&mut sim, &mut client, 60 * SECOND), []);
}

#[test]
fn a_closed_client_refuses_messages_and_stays_closed() {
    let mut sim = Sim::seed(1);
    serve(&sim);
    let plan = builder(&sim);
    let mut client = connected(&mut sim, plan);
    let end = sim.block_on(client.close(), 10 * SECOND).unwrap();
    assert_eq!(end.cause, Cause::ClosedByUs);
    let late = sim.block_on(client.send("late"), SECOND).unwrap();
    let why = Some(Box::new(Cause::ClosedByUs));
    assert_eq!(late, Err(SendError::Over { message: "late".into(), cause: why }));
    assert_eq!(late.unwrap_err().to_string(), "nothing more can be sent: closed by us");
    assert_eq!(drive(&mut sim, &mut client, 600 * SECOND), []);
    assert_eq!(client.outcome(), Some(&Cause::ClosedByUs));
}

#[test]
fn what_an_unread_end_left_unconfirmed_is_told_when_the_client_is_closed() {
    let mut sim = Sim::seed(1);
    let mut client = with_an_unread_end(&mut sim);
    let end = sim.block_on(client.close(), 60 * SECOND).unwrap();
    assert_eq!(end.unconfirmed.count, 1, "{end}");
    assert_eq!(end.unconfirmed.messages, ["lost"].map(Message::from));
    assert_eq!(end.unsent, ["later"].map(Message::from));
}

#[test]
fn what_two_unread_ends_left_unconfirmed_is_told_together_when_the_client_is_closed() {
    let mut sim = Sim::seed(1);
    let mut client = with_an_unread_end(&mut sim);
    sim.run_for(5 * SECOND).unwrap();
    let flush = poll_fn(|cx| Pin::new(&mut client).poll_flush(cx));
    sim.block_on(flush, 10 * SECOND).unwrap().unwrap();
    let road = sim.link("client", "server");
    road.hold();
    sim.block_on(client.send("lost too"), SECOND).unwrap().unwrap();
    road.reset();
    sim.run_for(SECOND).unwrap();
    road.release();
    sim.block_on(client.send("last"), SECOND).unwrap().unwrap();
    let end = sim.block_on(client.close(), 60 * SECOND).unwrap();
    let told = &end.unconfirmed.messages;
    assert_eq!(end.unconfirmed.count, told.len() as u64, "{end}");
    assert_eq!(told.first(), Some(&"lost".into()), "the oldest first: {told:?}");
    assert_eq!(told.last(), Some(&"lost too".into()), "{told:?}");
}
