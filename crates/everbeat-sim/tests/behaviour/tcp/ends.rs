//! How connections end below: words of parting that are lost, ends that are gone, hosts that died.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::pin::Pin;
use std::task::Poll;

use everbeat_core::time::Instant;
use everbeat_core::transport::{Attempt, Connect, Transport};
use everbeat_sim::Sim;
use everbeat_sim::net::{ConnectError, PipeError};

use crate::support::pipes::{at, big, count, flush, path, read, recv, said, say, setup, text};
use crate::support::{MS, SECOND};

#[test]
fn the_end_of_the_stream_is_sent_again_by_a_kernel_whose_program_is_gone() {
    let (mut sim, link, mut client, mut server) = setup(50 * MS);
    link.partition();
    say(&mut server, text("last words"));
    drop(server);
    sim.run_until(at(1_000)).unwrap();
    link.repair();
    sim.run_until(at(3_000)).unwrap();
    assert_eq!(recv(&mut client), Poll::Ready(Some(Ok(said(text("last words"))))));
    assert_eq!(recv(&mut client), Poll::Ready(None));
}

#[test]
fn it_gives_up_in_the_end_and_is_forgotten() {
    let (mut sim, link, client, server) = setup(50 * MS);
    link.cut();
    drop((client, server));
    sim.run_until(Instant::NEVER).unwrap();
    assert!(sim.now() > at(60_000) && sim.now() < at(300_000), "{:?}", sim.now());
}

#[test]
fn a_reset_that_is_lost_is_not_repeated_and_the_next_bytes_are_answered_with_one() {
    let (mut sim, link, mut client, mut server) = setup(50 * MS);
    say(&mut client, text("unread"));
    sim.run_until(at(100)).unwrap();
    link.partition();
    drop(server);
    sim.run_until(at(10_000)).unwrap();
    link.repair();
    sim.run_for(600 * SECOND).unwrap();
    assert!(recv(&mut client).is_pending());
    say(&mut client, text("are you there?"));
    sim.run_for(99 * MS).unwrap();
    assert!(recv(&mut client).is_pending());
    sim.run_for(MS).unwrap();
    assert_eq!(recv(&mut client), Poll::Ready(Some(Err(PipeError::Reset))));
    server = sim.pipe("client", "server").1;
    assert!(recv(&mut server).is_pending());
}

#[test]
fn who_aborts_resets_and_what_had_arrived_is_read_first() {
    let (mut sim, _, mut client, mut server) = setup(50 * MS);
    say(&mut server, text("read me"));
    sim.run_until(at(50)).unwrap();
    Pin::new(&mut server).abort();
    sim.run_until(at(100)).unwrap();
    assert_eq!(recv(&mut client), Poll::Ready(Some(Ok(said(text("read me"))))));
    assert_eq!(recv(&mut client), Poll::Ready(Some(Err(PipeError::Reset))));
}

#[test]
fn half_a_connection_goes_on_when_the_other_half_is_over() {
    let (mut sim, link, mut client, mut server) = setup(50 * MS);
    link.to("client").end();
    sim.run_until(at(50)).unwrap();
    assert_eq!(recv(&mut client), Poll::Ready(None));
    link.to("server").loss(1.0);
    say(&mut client, text("still"));
    link.to("server").loss(0.0);
    say(&mut client, text("open"));
    sim.run_until(at(300)).unwrap();
    assert_eq!(read(&mut server), [said(text("still")), said(text("open"))]);
    assert_eq!(path(&client).1, 0);
}

/// A host that crashes at one second, for ten
fn crash(sim: &mut Sim) {
    sim.run_until(at(1_000)).unwrap();
    sim.host("server").crash(10 * SECOND);
}

#[test]
fn a_host_that_died_answers_once_it_has_power_that_it_knows_nothing() {
    let (mut sim, _, mut client, server) = setup(50 * MS);
    sim.host("server").spawn(async move {
        let mut server = server;
        while server.next().await.is_some() {}
    });
    crash(&mut sim);
    say(&mut client, text("hello?"));
    sim.run_until(at(11_000)).unwrap();
    assert!(recv(&mut client).is_pending(), "a dead host says nothing, not that it dies either");
    // Sent again at 0.3, 0.6, 1.2, 2.4, 4.8, 9.6 and 19.2 s; only the last finds power.
    sim.run_until(at(1_000 + 19_299)).unwrap();
    assert!(recv(&mut client).is_pending());
    sim.run_until(at(1_000 + 19_300)).unwrap();
    assert_eq!(recv(&mut client), Poll::Ready(Some(Err(PipeError::Reset))));
}

#[test]
fn its_answer_needs_a_road() {
    let (mut sim, link, mut client, _server) = setup(50 * MS);
    crash(&mut sim);
    sim.run_until(at(12_000)).unwrap();
    link.to("client").partition();
    say(&mut client, text("hello?"));
    sim.run_for(100 * SECOND).unwrap();
    assert!(recv(&mut client).is_pending() && flush(&mut client).is_ready());
}

#[test]
fn who_hears_nothing_of_a_crash_notices_nothing() {
    let (mut sim, _, mut client, _server) = setup(50 * MS);
    crash(&mut sim);
    sim.run_for(86_400 * SECOND).unwrap();
    assert!(recv(&mut client).is_pending());
    assert_eq!(count(&sim, "reset arrived"), 0);
}

#[test]
fn a_host_that_died_takes_its_tasks_and_its_doors_along_and_can_be_started_anew() {
    let mut sim = Sim::seed(0);
    let host = sim.host("server");
    let serve = |sim: &Sim| {
        let mut listener = sim.host("server").listen();
        sim.host("server").spawn(async move {
            let mut pipes = Vec::new();
            loop {
                pipes.push(listener.accept().await);
            }
        })
    };
    let attempt = |sim: &mut Sim| {
        let attempt = sim.connector("server").connect(Attempt::first());
        sim.block_on(attempt, 30 * SECOND).unwrap()
    };
    let old = serve(&sim);
    let mut client = attempt(&mut sim).unwrap();
    host.crash(SECOND);
    sim.run_for(MS).unwrap();
    assert!(old.is_finished());
    assert_eq!(attempt(&mut sim).unwrap_err(), ConnectError::Refused);
    assert!(sim.now() > at(1_000), "while it has no power it does not even refuse");
    let new = serve(&sim);
    assert!(attempt(&mut sim).is_ok() && !new.is_finished());
    assert!(recv(&mut client).is_pending(), "the old connection hangs");
    say(&mut client, big(100));
    sim.run_for(SECOND).unwrap();
    assert_eq!(recv(&mut client), Poll::Ready(Some(Err(PipeError::Reset))));
}

#[test]
fn what_is_spawned_while_there_is_no_power_begins_when_there_is() {
    let mut sim = Sim::seed(0);
    let host = sim.host("server");
    host.crash(10 * SECOND);
    let handle = sim.handle();
    let task = host.spawn(async move { handle.now() });
    sim.run_for(20 * SECOND).unwrap();
    assert_eq!(task.take(), Some(at(10_000)));
}
