//! How a server stops: 1001 for everybody, nobody new, a deadline for handlers, and nothing left.

use std::future::pending;

use everbeat_core::Cause;
use everbeat_core::cause::{CloseCode, Expired};
use everbeat_server::Accepted;
use everbeat_sim::Sim;

use super::rig::{
    SECOND, ServerConnection, builder, dial, noting, reading, seconds, silent, slow_to_close, start,
};

#[test]
fn everybody_is_told_1001_and_nobody_new_is_accepted() {
    let mut sim = Sim::seed(1);
    let (ends, handler) = noting(&sim);
    let host = start(&sim, builder(&sim), handler);
    let clients: Vec<_> = (0..30).map(|n| reading(&sim, &format!("c{n}"))).collect();
    sim.run_for(SECOND).unwrap();
    host.handle.shutdown();
    sim.run_for(SECOND / 10).unwrap();
    let served = host.task.take().unwrap();
    assert_eq!((served.served, served.closed, served.cut.len()), (30, 30, 0));
    assert_eq!(served.to_string(), "served 30 connections; at the shutdown 30 closed in time");
    for (heard, task) in clients {
        assert!(task.is_finished());
        assert_eq!(heard.borrow().close.as_ref().unwrap().code, CloseCode::GOING_AWAY);
    }
    let polite = Cause::Expired(Expired::ShuttingDown);
    assert!(ends.borrow().iter().all(|(_, cause, _)| *cause == polite));
    let refused = sim.block_on(dial(sim.handle(), "late".to_owned()), SECOND);
    assert!(refused.unwrap().is_none());
    assert!(host.wheel.is_empty());
    drop(host);
    sim.run_for(SECOND).unwrap();
    assert_eq!(sim.tasks(), 0, "the wheel's turns end with the last who uses it");
}

#[test]
fn a_future_stops_the_server_as_the_handle_does() {
    let mut sim = Sim::seed(2);
    let server = builder(&sim).build().unwrap();
    let shutdown = sim.sleep(2 * SECOND);
    let task = sim.spawn(server.serve_until(noting(&sim).1, shutdown));
    let (heard, _reader) = reading(&sim, "client");
    sim.run_for(3 * SECOND).unwrap();
    assert!(task.is_finished());
    let ended = heard.borrow().ended.unwrap();
    assert!((seconds(2.0)..seconds(2.1)).contains(&ended), "{ended:?}");
}

#[test]
fn handlers_that_do_not_return_are_cut_at_the_deadline() {
    let mut sim = Sim::seed(3);
    let timed = builder(&sim).shutdown_timeout(3 * SECOND);
    let host = start(
        &sim,
        timed,
        |mut connection: ServerConnection, accepted: Accepted<String>| async move {
            match accepted.facts().as_str() {
                "deaf" => pending().await,
                "lingering" => {
                    while connection.recv().await?.is_some() {}
                    pending::<()>().await;
                }
                _ => while connection.recv().await?.is_some() {},
            }
            Ok::<_, Cause>(())
        },
    );
    let (deaf, _deaf_task) = reading(&sim, "deaf");
    let (lingering, _lingering_task) = reading(&sim, "lingering");
    let (calm, _calm_task) = reading(&sim, "calm");
    sim.run_for(SECOND).unwrap();
    host.handle.shutdown();
    sim.run_for(3 * SECOND - SECOND / 10).unwrap();
    assert!(!host.task.is_finished());
    assert_eq!(host.registry.len(), 2);
    sim.run_for(SECOND / 5).unwrap();
    let served = host.task.take().unwrap();
    assert_eq!((served.served, served.closed, served.cut.len()), (3, 1, 2));
    for (heard, told) in [(deaf, false), (lingering, true), (calm, true)] {
        assert_eq!(heard.borrow().close.is_some(), told);
        assert!(heard.borrow().ended.is_some());
    }
    assert!(host.registry.is_empty() && host.wheel.is_empty());
}

#[test]
fn a_handler_that_is_closing_already_says_close_all_the_same() {
    let mut sim = Sim::seed(8);
    sim.link("client", "server").rate(10_000).buffer(1_000);
    let host = start(&sim, builder(&sim), slow_to_close);
    let (heard, reader) = reading(&sim, "client");
    sim.run_for(SECOND).unwrap();
    host.handle.shutdown();
    sim.run_for(4 * SECOND).unwrap();
    assert!(reader.is_finished() && host.task.is_finished());
    let heard = heard.borrow();
    assert_eq!(heard.texts.len(), 1, "what was sent before the close arrives");
    assert_eq!(heard.close.as_ref().map(|close| close.code), Some(CloseCode::NORMAL));
}

#[test]
fn a_peer_that_reads_nothing_does_not_outlive_the_close_timeout() {
    let mut sim = Sim::seed(4);
    let (ends, handler) = noting(&sim);
    let host = start(&sim, builder(&sim).close_timeout(2 * SECOND), handler);
    let _client = silent(&sim, "s");
    sim.run_for(SECOND).unwrap();
    host.handle.shutdown();
    sim.run_for(2 * SECOND + SECOND / 5).unwrap();
    let served = host.task.take().unwrap();
    assert_eq!((served.closed, served.cut.len()), (1, 0));
    assert_eq!(ends.borrow()[0].1, Cause::Expired(Expired::ShuttingDown));
    assert!(host.wheel.is_empty());
}

#[test]
fn upgrades_that_go_on_are_given_up() {
    let mut sim = Sim::seed(5);
    let (_, troubled) = super::upgrades::troubled(&sim, 0, 1);
    let host = start(&sim, troubled, noting(&sim).1);
    let dialled = sim.spawn(dial(sim.handle(), "slow".to_owned()));
    sim.run_for(SECOND).unwrap();
    host.handle.shutdown();
    sim.run_for(SECOND / 10).unwrap();
    assert!(host.task.is_finished() && dialled.is_finished());
    assert!(host.wheel.is_empty());
}

#[test]
fn a_dropped_server_stops_accepting_and_its_connections_go_on() {
    let mut sim = Sim::seed(6);
    let host = start(&sim, builder(&sim), noting(&sim).1);
    let (heard, reader) = reading(&sim, "client");
    sim.run_for(SECOND).unwrap();
    host.task.abort();
    sim.run_for(60 * SECOND).unwrap();
    assert!(sim.block_on(dial(sim.handle(), "late".to_owned()), SECOND).unwrap().is_none());
    host.registry.send_all("still here").unwrap();
    sim.run_for(SECOND).unwrap();
    assert_eq!(heard.borrow().texts, ["still here"]);
    assert!(!reader.is_finished());
}
