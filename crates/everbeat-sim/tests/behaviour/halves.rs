//! The halves and their pump: what one task sends and another reads, with bounded queues between,
//! and how they end.

use std::time::Duration;

use everbeat_core::client::{Client, Queue, SendError};
use everbeat_core::config::ConnectionConfig;
use everbeat_core::halves::{Receiver, Sender, split};
use everbeat_core::{Cause, Connection, Event, Message};
use everbeat_sim::{Sim, SimTimer, for_each_seed};

const SECOND: Duration = Duration::from_secs(1);

fn number(message: &Message) -> u32 {
    message.as_text().and_then(|text| text.parse().ok()).unwrap_or(u32::MAX)
}

/// A split client end, and the server's end as a plain connection
fn halves(sim: &Sim, queue: Queue) -> (Sender, Receiver, Connection<everbeat_sim::Pipe, SimTimer>) {
    let handle = sim.handle();
    let (client, server) = handle.pipe("client", "server");
    let timer = handle.timer();
    let client = Connection::new(client, timer.clone(), ConnectionConfig::client(), 1);
    let server = Connection::new(server, timer, ConnectionConfig::server(), 2);
    let (sender, receiver, pump) = split(client, queue);
    sim.spawn(pump);
    (sender, receiver, server)
}

#[test]
fn what_one_task_sends_another_reads_in_order() {
    for_each_seed(0..20, |sim| {
        sim.link("client", "server").delay(SECOND / 20).rate(20_000).buffer(1_000);
        let (sender, mut receiver, mut server) = halves(sim, Queue::bounded(8, 1_000));
        sim.spawn(async move {
            while let Ok(Some(message)) = server.recv().await {
                server.send(message).await?;
            }
            Ok::<_, Cause>(())
        });
        sim.spawn(async move {
            for number in 0..500_u32 {
                sender.send(number.to_string()).await?;
            }
            // Kept alive until the echo of the last one is back.
            std::future::pending::<Result<(), SendError>>().await
        });
        let read = sim.block_on(
            async move {
                let mut read = Vec::new();
                while read.len() < 500 {
                    match receiver.next().await {
                        Some(Event::Message(message)) => read.push(number(&message)),
                        other => panic!("{other:?}"),
                    }
                }
                read
            },
            120 * SECOND,
        );
        assert_eq!(read.unwrap(), (0..500).collect::<Vec<_>>());
    });
}

#[test]
fn a_full_queue_refuses_or_waits_and_says_its_bounds() {
    let mut sim = Sim::seed(1);
    sim.link("client", "server").buffer(64).hold();
    let (sender, _receiver, _server) = halves(&sim, Queue::bounded(4, 1_000));
    // The transport takes some of them; then the queue itself fills.
    let mut accepted = 0;
    let refused = loop {
        sim.run_for(SECOND / 10).unwrap();
        match sender.try_send("twelve bytes") {
            Ok(()) => accepted += 1,
            Err(refused) => break refused,
        }
    };
    assert!((4..20).contains(&accepted), "{accepted}");
    assert!(matches!(refused, SendError::Full { .. }));
    assert!(refused.to_string().contains("4 messages, 1000 bytes"), "{refused}");
    let large = sender.try_send("x".repeat(1_001)).unwrap_err();
    assert!(matches!(large, SendError::TooLarge { .. }), "{large}");
    let waiting = sim.spawn(async move { sender.send("late").await });
    sim.run_for(SECOND).unwrap();
    assert!(!waiting.is_finished(), "{:?}", waiting.take());
}

#[test]
fn dropping_both_halves_closes_politely() {
    let mut sim = Sim::seed(1);
    let (sender, receiver, mut server) = halves(&sim, Queue::default());
    sim.spawn(async move {
        sender.send("last words").await.unwrap();
        drop((sender, receiver));
    });
    let heard = sim.block_on(async move { (server.recv().await, server.recv().await) }, SECOND);
    assert_eq!(heard.unwrap(), (Ok(Some("last words".into())), Ok(None)));
}

#[test]
fn a_receiver_that_does_not_read_keeps_the_beat_and_slows_the_peer() {
    let mut sim = Sim::seed(3);
    sim.link("client", "server").buffer(2_000);
    let (_sender, mut receiver, mut server) = halves(&sim, Queue::default());
    let sent = sim.spawn(async move {
        for number in 0..2_000_u32 {
            server.send(number.to_string()).await?;
        }
        server.recv().await
    });
    sim.run_for(120 * SECOND).unwrap();
    assert!(!sent.is_finished(), "{:?}", sent.take());
    let read = sim.block_on(
        async move {
            let mut expected = 0;
            while expected < 2_000 {
                match receiver.next().await {
                    Some(Event::Message(message)) => {
                        assert_eq!(number(&message), expected);
                        expected += 1;
                    }
                    Some(Event::Suspect { .. } | Event::Alive) => {}
                    other => panic!("{other:?} after {expected}"),
                }
            }
        },
        60 * SECOND,
    );
    read.unwrap();
}

#[test]
fn what_the_halves_had_queued_comes_back_unsent() {
    let mut sim = Sim::seed(1);
    let handle = sim.handle();
    let client =
        Client::over(sim.connector("nobody"), handle.timer(), 1).retry_first(true).build().unwrap();
    let (sender, mut receiver, pump) = split(client, Queue::default());
    sim.spawn(pump);
    sim.spawn(async move {
        for text in ["a", "b", "c"] {
            sender.send(text).await.unwrap();
        }
        sender.close().await;
    });
    let last = sim.block_on(
        async move {
            let mut last = None;
            while let Some(event) = receiver.next().await {
                last = Some(event);
            }
            last
        },
        60 * SECOND,
    );
    let Ok(Some(Event::Closed(end))) = last else { panic!("{last:?}") };
    assert_eq!(end.unsent, ["a", "b", "c"].map(Message::from));
}

#[test]
fn a_dropped_pump_ends_both_halves() {
    let mut sim = Sim::seed(1);
    let handle = sim.handle();
    let (client, _server) = handle.pipe("client", "server");
    let client = Connection::new(client, handle.timer(), ConnectionConfig::client(), 1);
    let (sender, mut receiver, pump) = split(client, Queue::default());
    let waiting = sim.spawn(async move { receiver.next().await });
    sim.run_for(SECOND).unwrap();
    drop(pump);
    sim.run_for(SECOND).unwrap();
    assert_eq!(waiting.take(), Some(None));
    let refused = sender.try_send("x");
    assert_eq!(refused, Err(SendError::Over { message: "x".into(), cause: None }));
}

#[test]
fn a_sender_is_told_why_its_connection_has_ended() {
    let mut sim = Sim::seed(1);
    let handle = sim.handle();
    let (client, server) = handle.pipe("client", "server");
    let client = Connection::new(client, handle.timer(), ConnectionConfig::client(), 1);
    let (sender, _receiver, pump) = split(client, Queue::default());
    drop(server);
    let _ended = sim.block_on(pump, 10 * SECOND);
    let refused = sender.try_send("x").unwrap_err();
    let SendError::Over { cause: Some(why), .. } = &refused else { panic!("{refused:?}") };
    let told =
        matches!(**why, Cause::Cut { .. }) && refused.to_string().ends_with(&why.to_string());
    assert!(told, "{refused:?}");
}
