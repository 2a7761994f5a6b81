//! A peer that stops in the middle of a message holds our memory, and is not silent: its time is
//! bounded too.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use everbeat_core::cause::{CloseCode, Expired};
use everbeat_core::config::ConnectionConfig;
use everbeat_core::time::Instant;
use everbeat_core::transport::{Incoming, Outgoing};
use everbeat_core::{Cause, Connection, Event};
use everbeat_sim::{Pipe, Sim, SimTimer, Task};

use crate::support::pipes::big;
use crate::support::{SECOND, at, beatless, drive, messages, the_end, with_peer};

const LIMIT: Duration = Duration::from_secs(60);

/// A connection that reads, and a peer that is in the midst of the first of these messages, whose
/// first takes five seconds; what the peer hears in the end
fn begun(config: ConnectionConfig, sizes: &'static [usize]) -> Begun {
    let mut sim = Sim::seed(1);
    sim.link("client", "server").rate(100_000);
    let (mut connection, mut peer) = with_peer(&sim, config);
    let handle = sim.handle();
    let heard = sim.spawn(async move {
        for size in sizes {
            _ = peer.send(Outgoing::Message(big(*size))).await;
        }
        let mut all = Vec::new();
        while let Some(Ok(incoming)) = peer.next().await {
            all.push((handle.now(), incoming));
        }
        all
    });
    assert_eq!(drive(&mut sim, &mut connection, 2 * SECOND), []);
    (sim, connection, heard)
}

type Begun = (Sim, Connection<Pipe, SimTimer>, Task<Vec<(Instant, Incoming)>>);

#[test]
fn who_does_not_go_on_is_told_so_after_the_limit() {
    let (mut sim, mut connection, heard) = begun(beatless(), &[500_000]);
    sim.link("client", "server").partition();
    // What was on the road
    assert_eq!(drive(&mut sim, &mut connection, SECOND), []);
    let stopped = sim.now();
    assert_eq!(drive(&mut sim, &mut connection, LIMIT - 2 * SECOND), []);
    sim.link("client", "server").to("server").repair();
    let events = drive(&mut sim, &mut connection, 10 * SECOND);
    let (when, end) = the_end(&events);
    assert_eq!(end.cause, Cause::Expired(Expired::Unfinished));
    assert!(when >= stopped + LIMIT - SECOND && when <= stopped + LIMIT + 6 * SECOND, "{when:?}");
    let told = heard.take().unwrap_or_default().into_iter().any(|(_, incoming)| {
        matches!(incoming, Incoming::Close(Some(frame)) if frame.code == CloseCode::POLICY)
    });
    assert!(told);
}

/// Whoever is heard is not silent, but that is no byte of the message
#[test]
fn answering_pings_is_not_going_on() {
    let (mut sim, mut connection, _peer) = begun(ConnectionConfig::server(), &[500_000]);
    let link = sim.link("client", "server");
    link.partition();
    let mut events = Vec::new();
    for _ in 0..80 {
        link.to("client").inject(Incoming::Ping("x".into()));
        events.extend(drive(&mut sim, &mut connection, SECOND));
    }
    let (when, end) = the_end(&events);
    assert_eq!(end.cause, Cause::Expired(Expired::Unfinished));
    assert!(when <= at(LIMIT + 10 * SECOND), "{when:?}");
}

#[test]
fn who_goes_on_in_time_is_heard_out() {
    let unlimited = beatless().with_unfinished(None).unwrap();
    for (config, pause) in [(beatless(), LIMIT - 5 * SECOND), (unlimited, 5 * LIMIT)] {
        let (mut sim, mut connection, _peer) = begun(config, &[500_000]);
        let link = sim.link("client", "server");
        link.hold();
        assert_eq!(drive(&mut sim, &mut connection, pause), []);
        link.release();
        let events = drive(&mut sim, &mut connection, 200 * SECOND);
        assert_eq!(messages(&events), [big(500_000)]);
    }
}

/// What nobody has read may be the rest of it
#[test]
fn the_time_does_not_run_while_we_do_not_read() {
    let sizes = &[500_000, 100_000, 500_000];
    let (mut sim, mut connection, _peer) = begun(beatless(), sizes);
    // The first two are read ahead of whoever only sends, as far as one goes; the third is begun behind
    // them and stays in our kernel.
    for _ in 0..40 {
        sim.block_on(connection.send("still here"), SECOND).unwrap().unwrap();
        sim.run_until(sim.now() + 5 * SECOND).unwrap();
    }
    let events = drive(&mut sim, &mut connection, 10 * SECOND);
    assert!(events.iter().all(|(_, event)| matches!(event, Event::Message(_))), "{events:?}");
    assert_eq!(messages(&events), sizes.map(big));
}

/// Nothing was read meanwhile either, and the rest comes a moment after we run again
#[test]
fn a_stall_of_ours_is_not_theirs() {
    let mut sim = Sim::seed(1);
    let link = sim.link("client", "server");
    link.rate(100_000);
    let (pipe, mut peer) = sim.pipe("client", "server");
    let host = sim.host("client");
    let (config, timer) = (beatless(), host.timer());
    let events = Rc::new(RefCell::new(Vec::new()));
    let log = events.clone();
    host.spawn(async move {
        let mut connection = Connection::new(pipe, timer, config, 1);
        while let Some(event) = connection.next().await {
            log.borrow_mut().push(event);
        }
    });
    sim.spawn(async move {
        _ = peer.send(Outgoing::Message(big(500_000))).await;
        std::future::pending::<()>().await;
    });
    sim.run_for(2 * SECOND).unwrap();
    link.hold();
    sim.run_for(SECOND).unwrap();
    host.stall(2 * LIMIT);
    sim.run_for(2 * LIMIT + SECOND).unwrap();
    link.release();
    sim.run_for(LIMIT * 2).unwrap();
    let ended = events.take().into_iter().find(|event| matches!(event, Event::Disconnected(_)));
    assert_eq!(ended, None);
}
