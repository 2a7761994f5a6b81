//! What some send, hold or leave behind is not held against the others.

use std::future::pending;
use std::sync::{Arc, Mutex};

use everbeat_core::Cause;
use everbeat_core::cause::Expired;
use everbeat_core::transport::Outgoing;
use everbeat_server::{Accepted, ConnectionHandle, Limits};
use everbeat_sim::Sim;

use super::rig::{SECOND, ServerConnection, builder, dial, reading, start, start_with, talking};

/// "Errors: the connection has ended; the message comes back", and `unsent` is "what a connection's
/// end leaves behind", which `on_expire` is told of "when the connection is over"
#[test]
fn a_connection_that_is_over_takes_no_message_and_gives_back_what_it_held() {
    let mut sim = Sim::seed(8);
    sim.link("client", "server").to("client").buffer(10);
    let unsent = Arc::new(Mutex::new(None));
    let noted = unsent.clone();
    let host = start_with(
        &sim,
        builder(&sim).interval(SECOND).timeout(2 * SECOND),
        |server| {
            server.on_expire(move |handle, rule| {
                assert_eq!((rule, handle.cause().is_some()), (Expired::Silent, true));
                *noted.lock().unwrap() = Some(handle.unsent().len());
            })
        },
        |mut connection: ServerConnection, _: Accepted<String>| async move {
            while let Ok(Some(_)) = connection.recv().await {}
            // Its own affair, says the guard
            pending::<()>().await;
            Ok::<_, Cause>(())
        },
    );
    let _client = super::rig::silent(&sim, "client");
    sim.run_for(SECOND / 10).unwrap();
    let handle = host.registry.handles().remove(0);
    for _ in 0..1_000 {
        handle.send("x".repeat(500)).unwrap();
    }
    sim.run_for(60 * SECOND).unwrap();
    assert!(handle.cause().is_some());
    assert!(unsent.lock().unwrap().unwrap() > 0, "nothing comes back when it is over");
    assert!(handle.send("to nobody").is_err(), "accepted by a connection that has ended");
}

/// The chat of `docs/api.rs` and of the registry's own example, word for word
#[test]
fn one_large_message_does_not_have_the_whole_room_evicted() {
    let mut sim = Sim::seed(10);
    let host = start(
        &sim,
        builder(&sim),
        |mut connection: ServerConnection, peer: Accepted<String>| async move {
            peer.handle.tag("lobby").unwrap();
            while let Some(message) = connection.recv().await? {
                let text = format!("{}: {message}", peer.facts());
                // Refused, if it is too large for anybody
                if let Ok(left) = peer.handle.registry().send_tagged("lobby", text) {
                    left.slow.iter().for_each(ConnectionHandle::evict);
                }
            }
            Ok::<_, Cause>(())
        },
    );
    let room: Vec<_> = (0..20).map(|n| reading(&sim, &format!("c{n}"))).collect();
    let (handle, large) = (sim.handle(), "x".repeat(1 << 20));
    let _troll = sim.spawn(async move {
        let mut pipe = dial(handle, "troll".to_owned()).await.unwrap();
        pipe.send(Outgoing::Message(large.into())).await.unwrap();
        pending::<()>().await;
    });
    sim.run_for(5 * SECOND).unwrap();
    let gone = room.iter().filter(|(heard, _)| heard.borrow().close.is_some()).count();
    assert_eq!(gone, 0, "evicted for what somebody else said; {} are left", host.registry.len());
}

/// 256 peers that read nothing, at the defaults; here it is 4, with limits to match
#[test]
fn a_few_that_read_nothing_do_not_keep_everybody_else_from_being_sent_to() {
    let mut sim = Sim::seed(12);
    let limits = Limits::default().queued(100, 1_000).queued_in_all(4_000);
    let host = start(&sim, builder(&sim).limits(limits), super::rig::noting(&sim).1);
    let _bad: Vec<_> = (0..4)
        .map(|n| {
            let name = format!("bad{n}");
            sim.link(&name, "server").to(&name).buffer(10);
            talking(&sim, &name, "")
        })
        .collect();
    let (good, _task) = reading(&sim, "good");
    sim.run_for(SECOND).unwrap();
    let mut refused = 0;
    for second in 0..20 {
        let left = host.registry.send_all(format!("{second:0500}")).unwrap();
        refused +=
            left.slow.iter().chain(&left.no_room).filter(|one| one.facts() == "good").count();
        sim.run_for(SECOND).unwrap();
    }
    let got = good.borrow().texts.len();
    assert_eq!((got, refused), (20, 0), "it has kept up, and is told to be slow");
}

/// Ended connections whose handles somebody keeps
#[test]
fn what_the_dead_left_unsent_does_not_keep_the_living_from_being_sent_to() {
    let mut sim = Sim::seed(13);
    let limits = Limits::default().queued(100, 1_000).queued_in_all(4_000);
    let host = start(
        &sim,
        builder(&sim).interval(SECOND).timeout(SECOND).limits(limits),
        super::rig::noting(&sim).1,
    );
    let mut kept = Vec::new();
    for round in 0..20 {
        let name = format!("gone{round}");
        sim.link(&name, "server").to(&name).buffer(10);
        let _gone = super::rig::silent(&sim, &name);
        sim.run_for(SECOND / 10).unwrap();
        let handle = host.registry.handles().remove(0);
        while handle.send("x".repeat(300)).is_ok() {}
        kept.push(handle);
        sim.run_for(10 * SECOND).unwrap();
        assert!(host.registry.is_empty());
    }
    let (good, _task) = reading(&sim, "good");
    sim.run_for(SECOND / 10).unwrap();
    let left = host.registry.send_all("x".repeat(900)).unwrap();
    sim.run_for(SECOND / 10).unwrap();
    assert_eq!((good.borrow().texts.len(), left.is_empty()), (1, true), "nobody else is connected");
}
