//! What a handle does: messages through the mailbox, in order and within its limits, and orders
//! that end a connection with the right words.

use everbeat_core::cause::{CloseCode, CloseFrame, Expired};
use everbeat_core::{Cause, Message};
use everbeat_server::registry::MailboxError;
use everbeat_server::{Accepted, ConnectionHandle, Limits};
use everbeat_sim::{Sim, for_each_seed};

use super::rig::{
    Host, SECOND, ServerConnection, builder, noting, reading, seconds, silent, start,
};

fn only(host: &Host) -> ConnectionHandle<String> {
    host.registry.handles().remove(0)
}

#[test]
fn messages_through_handles_arrive_in_order_beside_the_connections_own() {
    for_each_seed(0..20, |sim| {
        sim.link("c0", "server").delay(SECOND / 20).rate(4_000).buffer(100);
        let handle = sim.handle();
        let host = start(sim, builder(sim), move |mut connection: ServerConnection, _| {
            let sim = handle.clone();
            async move {
                for own in 0..50 {
                    sim.sleep(SECOND / 100).await;
                    connection.send(format!("own {own}")).await?;
                }
                while connection.recv().await?.is_some() {}
                Ok::<_, Cause>(())
            }
        });
        let clients: Vec<_> = (0..3).map(|n| reading(sim, &format!("c{n}"))).collect();
        sim.run_for(SECOND / 10).unwrap();
        for all in 0..50 {
            sim.run_for(SECOND / 70).unwrap();
            assert!(host.registry.send_all(format!("all {all}")).unwrap().is_empty());
        }
        sim.run_for(5 * SECOND).unwrap();
        for (heard, _) in clients {
            for kind in ["own", "all"] {
                let heard = heard.borrow();
                let heard = heard.texts.iter().filter(|text| text.starts_with(kind));
                let expected = (0..50).map(|n| format!("{kind} {n}"));
                assert_eq!(heard.cloned().collect::<Vec<_>>(), expected.collect::<Vec<_>>());
            }
        }
    });
}

#[test]
fn what_handles_sent_is_delivered_unconfirmed_or_unsent_and_none_is_forgotten() {
    for_each_seed(0..20, |sim| {
        let handle = sim.handle();
        sim.link("client", "server").delay(SECOND / 20).rate(2_000).buffer(200);
        let fates = std::rc::Rc::new(std::cell::Cell::new(None));
        let noted = fates.clone();
        let handler = move |mut connection: ServerConnection, _: Accepted<String>| {
            let (sim, noted) = (handle.clone(), noted.clone());
            async move {
                connection.send("own").await?;
                sim.sleep(SECOND).await;
                while let Some(event) = connection.next().await {
                    if let everbeat_core::Event::Disconnected(end) = event {
                        noted.set(Some((connection.delivered(), end.unconfirmed.count)));
                    }
                }
                Ok::<_, Cause>(())
            }
        };
        let host = start(sim, builder(sim).interval(5 * SECOND).timeout(5 * SECOND), handler);
        let (_heard, _task) = reading(sim, "client");
        sim.run_for(SECOND / 2).unwrap();
        let handle = only(&host);
        // Some are proven by a beat, some are written when the road breaks, some never were.
        for _ in 0..10 {
            handle.send("x".repeat(50)).unwrap();
            sim.run_for(SECOND).unwrap();
        }
        sim.link("client", "server").stall();
        for _ in 0..50 {
            handle.send("x".repeat(50)).unwrap();
        }
        sim.run_for(SECOND / 10).unwrap();
        sim.link("client", "server").reset();
        sim.run_for(SECOND).unwrap();
        let Some((delivered, unconfirmed)) = fates.get() else { panic!("it did not end") };
        let unsent = handle.unsent().len() as u64;
        assert_eq!(delivered + unconfirmed + unsent, 61, "{delivered}, {unconfirmed}, {unsent}");
        assert!(delivered >= 5 && unconfirmed > 0 && unsent > 0);
    });
}

#[test]
fn a_handler_that_only_sends_still_passes_on_what_handles_send() {
    let mut sim = Sim::seed(1);
    let handle = sim.handle();
    let host = start(&sim, builder(&sim), move |mut connection: ServerConnection, _| {
        let sim = handle.clone();
        async move {
            for own in 0..100 {
                connection.send(format!("own {own}")).await?;
                sim.sleep(SECOND / 10).await;
            }
            Ok::<_, Cause>(())
        }
    });
    let (heard, _task) = reading(&sim, "client");
    sim.run_for(SECOND).unwrap();
    only(&host).send("through the handle").unwrap();
    sim.run_for(SECOND / 2).unwrap();
    assert!(heard.borrow().texts.contains(&"through the handle".to_owned()));
}

#[test]
fn a_full_mailbox_refuses_says_its_limits_and_returns_what_it_held() {
    let mut sim = Sim::seed(2);
    sim.link("slow", "server").to("slow").buffer(10).hold();
    let beat =
        builder(&sim).interval(SECOND).timeout(2 * SECOND).limits(Limits::default().queued(4, 100));
    let host = start(&sim, beat, noting(&sim).1);
    sim.link("slow", "server").to("slow").release();
    let (heard, _task) = reading(&sim, "slow");
    sim.run_for(SECOND / 10).unwrap();
    let handle = only(&host);
    sim.link("slow", "server").partition();

    let large = handle.send("x".repeat(101)).unwrap_err();
    assert!(matches!(large, MailboxError::TooLarge { limit: 100, .. }), "{large}");
    let mut taken = 0;
    let full = loop {
        match handle.send(format!("message {taken}")) {
            Ok(()) => taken += 1,
            Err(full) => break full,
        }
        sim.run_for(SECOND / 100).unwrap();
        assert!(taken < 100, "nothing ever filled");
    };
    let sentence = full.to_string();
    assert!(sentence.contains("4 messages") && sentence.contains("`queued`"), "{sentence}");
    assert_eq!(full.into_message(), Message::from(format!("message {taken}")));
    let left = host.registry.send_all("to all").unwrap();
    assert_eq!(left.slow.len(), 1, "the one that does not keep up");
    assert!(handle.unsent().is_empty(), "it may still be sent");

    sim.run_for(5 * SECOND).unwrap();
    assert!(host.registry.is_empty() && !handle.is_live());
    let unsent = handle.unsent();
    let expected = (taken - 4..taken).map(|n| Message::from(format!("message {n}")));
    assert_eq!(unsent, expected.collect::<Vec<_>>());
    assert!(heard.borrow().texts.is_empty());
    assert!(matches!(handle.send("late"), Err(MailboxError::Ended { .. })));
    assert!(host.registry.send_all("to nobody").unwrap().is_empty());
}

#[test]
fn a_handle_closes_with_its_own_words_after_its_own_messages() {
    let mut sim = Sim::seed(3);
    let (ends, handler) = noting(&sim);
    let host = start(&sim, builder(&sim), handler);
    let (heard, task) = reading(&sim, "client");
    sim.run_for(SECOND / 10).unwrap();
    let handle = only(&host);
    handle.send("last words").unwrap();
    handle.close(CloseFrame::new(CloseCode(4_000), "bye"));
    handle.evict(); // the first order counts
    sim.run_for(SECOND / 10).unwrap();
    assert!(task.is_finished() && host.registry.is_empty());
    assert_eq!(heard.borrow().texts, ["last words"]);
    assert_eq!(heard.borrow().close, Some(CloseFrame::new(CloseCode(4_000), "bye")));
    assert_eq!(ends.borrow()[0].1, Cause::ClosedByUs);
}

#[test]
fn eviction_really_ends_a_peer_that_reads_nothing_while_the_handler_sends() {
    let mut sim = Sim::seed(4);
    sim.link("s", "server").to("s").buffer(100);
    let host = start(
        &sim,
        builder(&sim),
        |mut connection: ServerConnection, _: Accepted<String>| async move {
            loop {
                if let Err(cause) = connection.send("x".repeat(50)).await {
                    assert_eq!(cause, Cause::Expired(Expired::Evicted));
                    return connection.recv().await.map(|_| ());
                }
            }
        },
    );
    let _client = silent(&sim, "s");
    sim.run_for(SECOND).unwrap();
    only(&host).evict();
    sim.run_for(5 * SECOND + SECOND / 5).unwrap();
    assert!(host.registry.is_empty() && host.wheel.is_empty());
}

#[test]
fn the_evicted_are_told_1008() {
    let mut sim = Sim::seed(5);
    let host = start(&sim, builder(&sim), noting(&sim).1);
    let (heard, _task) = reading(&sim, "client");
    sim.run_for(SECOND).unwrap();
    let handle = only(&host);
    assert_eq!(host.registry.get(handle.id()).unwrap().facts(), "client");
    handle.evict();
    sim.run_for(SECOND).unwrap();
    assert_eq!(heard.borrow().close.as_ref().unwrap().code, CloseCode::POLICY);
    assert!(heard.borrow().ended.unwrap() <= seconds(1.1));
    assert!(host.registry.get(handle.id()).is_none());
}
