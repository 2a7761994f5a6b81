//! The halves of a reconnecting client: no accepted message is forgotten between the two queues,
//! and a reader that pauses costs neither the beat nor the close.

use std::time::Duration;

use everbeat_core::client::Queue;
use everbeat_core::halves::{Receiver, Sender, split};
use everbeat_core::outcome::Disconnected;
use everbeat_core::{Event, Message};
use everbeat_sim::{Sim, SimHandle, Task, for_each_seed};

use crate::support::SECOND;
use crate::support::clients::{SimClient, builder, connected, serve};

/// A server that writes down what arrives and answers nothing
fn listen(sim: &Sim) -> Task<Vec<usize>> {
    let (handle, mut listener) = (sim.handle(), sim.listen("server"));
    sim.spawn(async move {
        let (mut pipe, _) = listener.accept().await;
        let _keep = handle;
        let mut sizes = Vec::new();
        while let Some(Ok(incoming)) = pipe.next().await {
            if let everbeat_core::transport::Incoming::Message(message) = incoming {
                sizes.push(message.len());
            }
        }
        sizes
    })
}

/// A client that does not give up, split
fn halves(sim: &Sim, client: SimClient, queue: Queue) -> (Sender, Receiver) {
    let (sender, receiver, pump) = split(client, queue);
    sim.spawn(pump);
    (sender, receiver)
}

/// The last event
async fn end(mut receiver: Receiver) -> Disconnected {
    let mut last = None;
    while let Some(event) = receiver.next().await {
        last = Some(event);
    }
    match last {
        Some(Event::Closed(end) | Event::GaveUp(end)) => *end,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_larger_than_the_clients_own_queue_goes_through_it_one_by_one() {
    let mut sim = Sim::seed(1);
    let client = builder(&sim).retry_first(true).build().unwrap();
    let (sender, receiver) = halves(&sim, client, Queue::bounded(16, 8 << 20));
    let sizes = [700 << 10, 700 << 10, 2 << 20, 1, 900 << 10];
    for size in sizes {
        sender.try_send(vec![7; size]).unwrap();
    }
    // It is down for a while, and takes what it can.
    sim.run_for(5 * SECOND).unwrap();
    let arrived = listen(&sim);
    sim.run_for(30 * SECOND).unwrap();
    sim.block_on(async move { sender.close().await }, 30 * SECOND).unwrap();
    let end = sim.block_on(end(receiver), SECOND).unwrap();
    assert_eq!((end.unsent.len(), end.unconfirmed.count), (0, 0), "{end}");
    sim.run_for(SECOND).unwrap();
    assert_eq!(arrived.take().as_deref(), Some(&sizes[..]));
}

#[test]
fn what_no_connection_took_comes_back_from_both_queues_in_order() {
    let mut sim = Sim::seed(1);
    let client = builder(&sim).retry_first(true).build().unwrap();
    let (sender, receiver) = halves(&sim, client, Queue::bounded(16, 8 << 20));
    let sizes = [700 << 10, 700 << 10, 2 << 20, 1];
    for size in sizes {
        sender.try_send(vec![7; size]).unwrap();
    }
    sim.run_for(5 * SECOND).unwrap();
    sim.block_on(async move { sender.close().await }, SECOND).unwrap();
    let end = sim.block_on(end(receiver), SECOND).unwrap();
    assert_eq!(end.unsent.iter().map(Message::len).collect::<Vec<_>>(), sizes);
}

#[test]
fn a_close_with_both_queues_full_accounts_for_every_message() {
    for_each_seed(0..20, |sim| {
        sim.link("client", "server").rate(20_000).buffer(2_000);
        let arrived = listen(sim);
        let plan = builder(sim).queue(Queue::bounded(1_024, 20_000));
        let client = sim.block_on(plan.connect(), SECOND).unwrap().unwrap();
        let (sender, receiver) = halves(sim, client, Queue::bounded(1_024, 100_000));
        let mut accepted = 0;
        while sender.try_send(vec![7; 1_000]).is_ok() {
            accepted += 1;
        }
        sim.run_for(SECOND / 10).unwrap();
        while sender.try_send(vec![7; 1_000]).is_ok() {
            accepted += 1;
        }
        sim.block_on(async move { sender.close().await }, 30 * SECOND).unwrap();
        let end = sim.block_on(end(receiver), SECOND).unwrap();
        sim.run_for(30 * SECOND).unwrap();
        let arrived = arrived.take().map_or(0, |arrived| arrived.len());
        let (unsent, unconfirmed) = (end.unsent.len(), end.unconfirmed.count as usize);
        // A rate of 20,000 B/s takes many of them within the close's time, and not all.
        assert!(accepted > 100 && unsent > 0 && arrived > 20, "{accepted}, {arrived}; {end}");
        assert!(arrived + unsent <= accepted, "{accepted}: {arrived} arrived; {end}");
        assert!(arrived + unsent + unconfirmed >= accepted, "{accepted}: {arrived} arrived; {end}");
    });
}

/// A server that sends without end and keeps its own heartbeat; ends with the connection
fn chatter(handle: &SimHandle) -> Task<everbeat_core::Cause> {
    use everbeat_core::Connection;
    use everbeat_core::config::ConnectionConfig;
    let (mut listener, handle) = (handle.listen("server"), handle.clone());
    let inner = handle.clone();
    inner.spawn(async move {
        let (pipe, _) = listener.accept().await;
        let config = ConnectionConfig::server();
        let mut connection = Connection::new(pipe, handle.timer(), config, handle.random());
        loop {
            if let Err(cause) = connection.send("chatter").await {
                return cause;
            }
            handle.sleep(SECOND / 10).await;
        }
    })
}

#[test]
fn a_receiver_that_pauses_for_ten_minutes_stays_connected() {
    for_each_seed(0..5, |sim| {
        sim.link("client", "server").buffer(2_000);
        let server = chatter(&sim.handle());
        let client = sim.block_on(builder(sim).connect(), SECOND).unwrap().unwrap();
        let (sender, mut receiver) = halves(sim, client, Queue::default());
        sim.run_for(600 * SECOND).unwrap();
        assert!(!server.is_finished(), "{:?}", server.take());
        // It was never lost: from the first event on there are messages and nothing else.
        for _ in 0..200 {
            let event = sim.block_on(receiver.next(), 10 * SECOND).unwrap();
            assert!(
                matches!(&event, Some(Event::Message(_) | Event::Connected { .. })),
                "{event:?}"
            );
        }
        drop(sender);
    });
}

#[test]
fn a_close_ends_in_time_although_nobody_receives() {
    for_each_seed(0..5, |sim| {
        sim.link("client", "server").buffer(2_000);
        let _server = chatter(&sim.handle());
        let client = sim.block_on(builder(sim).connect(), SECOND).unwrap().unwrap();
        let (sender, receiver) = halves(sim, client, Queue::default());
        sim.run_for(60 * SECOND).unwrap();
        // More than 64 events are unread; the close itself and its last event find their way.
        sim.block_on(async move { sender.close().await }, 10 * SECOND).unwrap();
        sim.block_on(end(receiver), SECOND).unwrap();
    });
}

#[test]
fn dropped_halves_close_in_time_although_the_peer_takes_nothing() {
    let mut sim = Sim::seed(1);
    let arrived = listen(&sim);
    let plan = builder(&sim).interval(Duration::from_secs(600)).timeout(Duration::from_secs(600));
    let client = connected(&mut sim, plan);
    let (sender, receiver, pump) = split(client, Queue::default());
    let pump = sim.spawn(pump);
    sim.link("client", "server").stall();
    for _ in 0..100 {
        sender.try_send(vec![7; 10_000]).unwrap();
    }
    sim.run_for(SECOND).unwrap();
    drop((sender, receiver));
    // Twice the close timeout of 5 s, by default
    sim.run_for(11 * SECOND).unwrap();
    assert!(pump.is_finished());
    drop(arrived);
}

#[test]
fn a_server_that_comes_back_finds_a_client_whose_reader_paused() {
    let mut sim = Sim::seed(4);
    let server = serve(&sim);
    let plan = builder(&sim);
    let client = connected(&mut sim, plan);
    let (sender, mut receiver) = halves(&sim, client, Queue::default());
    for number in 0..200 {
        sender.try_send(number.to_string()).unwrap();
    }
    sim.run_for(10 * SECOND).unwrap();
    server.abort();
    sim.run_for(60 * SECOND).unwrap();
    serve(&sim);
    sim.run_for(60 * SECOND).unwrap();
    sender.try_send("after").unwrap();
    let found = sim.block_on(
        async move {
            loop {
                match receiver.next().await {
                    Some(Event::Message(message)) if message == Message::from("after") => break,
                    Some(_) => {}
                    None => panic!("it ended"),
                }
            }
        },
        60 * SECOND,
    );
    found.unwrap();
}
