//! Hosts: connecting, refusing, rejecting, hanging, and attempts over a road that is gone.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::time::Duration;

use everbeat_core::cause::{Cause, CloseCode, CloseFrame, Cut};
use everbeat_core::time::Instant;
use everbeat_core::transport::{Accept, Attempt, Connect, Incoming, Outgoing};
use everbeat_sim::net::{Answer, ConnectError, PipeError};
use everbeat_sim::{Pipe, Sim, SimConnector, Stop, Task};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn setup() -> Sim {
    let sim = Sim::seed(0);
    sim.link("client", "server").delay(10 * MS);
    sim
}

fn at(ms: u32) -> Instant {
    Instant::ORIGIN + MS * ms
}

fn connect(sim: &mut Sim) -> Result<Pipe, ConnectError> {
    let attempt = sim.connector("server").connect(Attempt::first());
    sim.block_on(attempt, 5 * SECOND).unwrap()
}

fn accept_one(sim: &Sim) -> Task<(Pipe, String)> {
    let mut listener = sim.listen("server");
    sim.spawn(async move { listener.accept().await })
}

#[test]
fn a_handshake_takes_one_round_trip_and_tells_who_it_is() {
    let mut sim = setup();
    let accepted = accept_one(&sim);
    let mut client = connect(&mut sim).unwrap();
    assert_eq!(sim.now(), at(20));
    let (mut server, peer) = accepted.take().unwrap();
    assert_eq!(peer, "client");
    sim.block_on(client.send(Outgoing::Message("hi".into())), SECOND).unwrap().unwrap();
    let heard = sim.block_on(server.next(), SECOND).unwrap();
    assert_eq!(heard, Some(Ok(Incoming::Message("hi".into()))));
}

#[test]
fn a_client_connects_from_the_host_that_it_is_on() {
    let mut sim = setup();
    sim.link("phone", "server").delay(100 * MS);
    let accepted = accept_one(&sim);
    let attempt = sim.connector("server").on_host("phone").connect(Attempt::first());
    let _pipe = sim.block_on(attempt, SECOND).unwrap().unwrap();
    assert_eq!((sim.now(), accepted.take().unwrap().1), (at(200), "phone".to_owned()));
}

#[test]
fn nobody_listens() {
    let mut sim = setup();
    let error = connect(&mut sim).unwrap_err();
    assert_eq!((&error, sim.now()), (&ConnectError::Refused, at(20)));
    assert!(matches!(SimConnector::classify(&error), Cause::Unreachable { .. }));
    drop(sim.listen("server"));
    assert_eq!(connect(&mut sim).unwrap_err(), ConnectError::Refused);
}

#[test]
fn a_host_can_refuse_although_somebody_listens() {
    let mut sim = setup();
    let _accepted = accept_one(&sim);
    sim.answer("server", Answer::Refuse);
    assert_eq!(connect(&mut sim).unwrap_err(), ConnectError::Refused);
    sim.answer("server", Answer::Upgrade);
    assert!(connect(&mut sim).is_ok());
}

#[test]
fn a_rejection_has_a_status_and_a_delay() {
    let mut sim = setup();
    let retry_after = Some(7 * SECOND);
    sim.answer("server", Answer::Reject { status: 503, retry_after });
    let error = connect(&mut sim).unwrap_err();
    assert_eq!(SimConnector::classify(&error), Cause::Rejected { status: 503, retry_after });
}

#[test]
fn a_server_that_hangs_says_nothing_for_ever() {
    let mut sim = setup();
    sim.answer("server", Answer::Hang);
    let attempt = sim.connector("server").connect(Attempt::first());
    let error = sim.block_on(attempt, 100 * SECOND).unwrap_err();
    assert_eq!(error.stop(), Stop::Stuck);
}

#[test]
fn a_listener_that_nobody_polls_lets_clients_wait() {
    let mut sim = setup();
    let mut listener = sim.listen("server");
    let attempt = sim.connector("server").connect(Attempt::first());
    let client = sim.spawn(attempt);
    sim.run_for(SECOND).unwrap();
    assert!(!client.is_finished());
    let _server = sim.block_on(listener.accept(), SECOND).unwrap();
    sim.run_for(10 * MS).unwrap();
    assert!(client.take().unwrap().is_ok());
}

#[test]
fn a_server_can_accept_and_close_at_once() {
    let mut sim = setup();
    let frame = CloseFrame::new(CloseCode::TRY_AGAIN, "full");
    sim.answer("server", Answer::Close(frame.clone()));
    let mut client = connect(&mut sim).unwrap();
    let close = sim.block_on(client.next(), SECOND).unwrap();
    assert_eq!(close, Some(Ok(Incoming::Close(Some(frame)))));

    sim.answer("server", Answer::Cut(Cut::End));
    let mut client = connect(&mut sim).unwrap();
    assert_eq!(sim.block_on(client.next(), SECOND).unwrap(), None);

    sim.answer("server", Answer::Cut(Cut::Reset));
    let mut client = connect(&mut sim).unwrap();
    assert_eq!(sim.block_on(client.next(), SECOND).unwrap(), Some(Err(PipeError::Reset)));
}

#[test]
fn an_upgrade_that_is_dropped_ends_the_attempt() {
    let mut sim = setup();
    let mut listener = sim.listen("server");
    sim.spawn(async move {
        use std::{future::poll_fn, pin::Pin};
        let upgrade = poll_fn(|cx| Pin::new(&mut listener).poll_accept(cx)).await;
        drop(upgrade);
    });
    assert_eq!(connect(&mut sim).unwrap_err(), ConnectError::Broken(PipeError::Ended));
}

#[test]
fn a_partition_hangs_attempts_and_a_repair_lets_them_through() {
    let mut sim = setup();
    let link = sim.link("client", "server");
    let _accepted = accept_one(&sim);
    link.partition();
    sim.after(500 * MS, move || link.repair());
    let client = connect(&mut sim);
    // It tries again after a second, as long as it knows nothing of the road.
    assert_eq!((client.is_ok(), sim.now()), (true, at(1_020)));
}

#[test]
fn an_attempt_that_was_given_up_in_a_partition_is_never_heard_of() {
    let mut sim = setup();
    let link = sim.link("client", "server");
    let accepted = accept_one(&sim);
    link.partition();
    let attempt = sim.connector("server").connect(Attempt::first());
    sim.run_for(SECOND).unwrap();
    drop(attempt);
    link.repair();
    sim.run_for(SECOND).unwrap();
    assert!(!accepted.is_finished());
}

#[test]
fn what_was_written_in_a_partition_arrives_after_the_repair() {
    let mut sim = setup();
    let link = sim.link("client", "server");
    let (mut client, mut server) = sim.pipe("client", "server");
    link.partition();
    sim.block_on(client.send(Outgoing::Message("hi".into())), SECOND).unwrap().unwrap();
    sim.run_for(SECOND).unwrap();
    link.repair();
    let heard = sim.block_on(server.next(), SECOND).unwrap();
    assert_eq!(heard, Some(Ok(Incoming::Message("hi".into()))));
    // Sent again after 220 ms, after as much again, and then after twice as long each time.
    assert_eq!(sim.now(), at(220 * (1 + 1 + 2 + 4) + 10));
}

#[test]
fn a_full_backlog_refuses() {
    let mut sim = setup();
    let _listener = sim.listen("server");
    let mut connector = sim.connector("server");
    let mut attempts: Vec<_> = (0..1_025).map(|_| connector.connect(Attempt::first())).collect();
    sim.run_for(SECOND).unwrap();
    let last = attempts.pop().unwrap();
    let refused = sim.block_on(last, SECOND).unwrap();
    assert!(matches!(refused, Err(ConnectError::Refused)));
    let first = attempts.swap_remove(0);
    assert_eq!(sim.block_on(first, SECOND).unwrap_err().stop(), Stop::Stuck);
}

#[test]
fn the_newest_listener_of_a_name_gets_the_connections() {
    let mut sim = setup();
    let old = accept_one(&sim);
    let new = accept_one(&sim);
    let _client = connect(&mut sim).unwrap();
    assert!(new.is_finished() && !old.is_finished());
}

#[test]
fn a_killed_server_ends_its_connections_and_refuses_new_ones() {
    let mut sim = setup();
    let mut listener = sim.listen("server");
    let server = sim.spawn(async move {
        let mut pipes = Vec::new();
        loop {
            pipes.push(listener.accept().await);
        }
    });
    let mut client = connect(&mut sim).unwrap();
    server.abort();
    assert_eq!(sim.block_on(client.next(), SECOND).unwrap(), None);
    assert_eq!(connect(&mut sim).unwrap_err(), ConnectError::Refused);
}
