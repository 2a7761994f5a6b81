//! Hosts whose program stands still, and machines that sleep.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use everbeat_core::time::{Instant, Timer};
use everbeat_core::transport::{Incoming, Outgoing, Transport};
use everbeat_sim::{Clock, Host, Sim};

use crate::support::{SECOND, at};

type Log = Rc<RefCell<Vec<(&'static str, Instant)>>>;

/// Tasks on the host that each sleep so many seconds, and note when they go on
fn sleepers(host: &Host, sleeps: &[(&'static str, u32)]) -> Log {
    let log = Log::default();
    for (name, seconds) in sleeps.iter().copied() {
        let (log, timer) = (log.clone(), host.timer());
        host.spawn(async move {
            timer.sleep_until(timer.now() + SECOND * seconds).await;
            log.borrow_mut().push((name, timer.now()));
        });
    }
    log
}

#[test]
fn sleeps_of_a_stalled_host_fire_late_all_at_once_and_in_order() {
    let mut sim = Sim::seed(0);
    let host = sim.host("phone");
    let log = sleepers(&host, &[("c", 30), ("b", 3), ("a", 2), ("before", 1)]);
    let other = sleepers(&sim.host("tablet"), &[("elsewhere", 3)]);
    sim.run_for(SECOND).unwrap();
    host.stall(10 * SECOND);
    sim.run_for(60 * SECOND).unwrap();
    let end = at(11 * SECOND);
    let expected = [("before", at(SECOND)), ("a", end), ("b", end), ("c", at(30 * SECOND))];
    assert_eq!(*log.borrow(), expected);
    assert_eq!(*other.borrow(), [("elsewhere", at(3 * SECOND))]);
}

#[test]
fn a_stall_in_a_stall_lasts_until_the_later_end() {
    let mut sim = Sim::seed(0);
    let host = sim.host("phone");
    let log = sleepers(&host, &[("late", 2)]);
    sim.run_for(SECOND).unwrap();
    host.stall(10 * SECOND);
    host.stall(5 * SECOND);
    sim.run_for(5 * SECOND).unwrap();
    host.stall(10 * SECOND);
    sim.run_for(60 * SECOND).unwrap();
    assert_eq!(*log.borrow(), [("late", at(16 * SECOND))]);
}

#[test]
fn what_is_woken_while_the_host_stalls_goes_on_in_that_order() {
    let mut sim = Sim::seed(0);
    let host = sim.host("phone");
    host.stall(10 * SECOND);
    let order = Rc::new(RefCell::new(Vec::new()));
    for number in 0..3 {
        let order = order.clone();
        host.spawn(async move { order.borrow_mut().push(number) });
        sim.run_for(SECOND).unwrap();
    }
    sim.run_for(10 * SECOND).unwrap();
    assert_eq!(*order.borrow(), [0, 1, 2]);
}

#[test]
fn a_stalled_program_neither_reads_nor_answers_and_then_does_both() {
    let mut sim = Sim::seed(0);
    let server_host = sim.host("server");
    let (mut client, mut server) = sim.pipe("client", "server");
    let server = server_host.spawn(async move {
        assert!(matches!(server.next().await, Some(Ok(Incoming::Ping(_)))));
        server
    });
    server_host.stall(10 * SECOND);
    sim.block_on(client.send(Outgoing::Ping([1; 8])), SECOND).unwrap().unwrap();
    sim.run_for(9 * SECOND).unwrap();
    assert_eq!((server.is_finished(), server.polls(), client.received()), (false, 0, 0));
    let path = client.path().unwrap();
    assert_eq!((path.acknowledged, path.unsent), (14, 0), "its kernel has it");
    sim.run_for(2 * SECOND).unwrap();
    assert!(server.is_finished());
    let pong = sim.block_on(client.next(), SECOND).unwrap();
    assert!(matches!(pong, Some(Ok(Incoming::Pong(_)))));
}

#[test]
fn a_task_of_a_stalled_host_can_be_killed() {
    let mut sim = Sim::seed(0);
    let host = sim.host("phone");
    let task = host.spawn(std::future::pending::<()>());
    sim.run_for(SECOND).unwrap();
    host.stall(100 * SECOND);
    task.abort();
    sim.run_for(SECOND).unwrap();
    assert!(task.is_finished());
    let woken = host.spawn(async {});
    sim.run_for(SECOND).unwrap();
    assert!(!woken.is_finished());
    woken.abort();
    sim.run_for(SECOND).unwrap();
    assert!(woken.is_finished());
}

#[test]
fn what_a_clock_says_after_the_machine_slept_is_the_platform_s() {
    for (clock, expected) in [(Clock::Stops, 3), (Clock::RunsOn, 63)] {
        let mut sim = Sim::seed(0);
        let host = sim.host("phone");
        let timer = host.timer();
        let log = sleepers(&host, &[("short", 2), ("long", 10)]);
        sim.run_for(SECOND).unwrap();
        host.suspend(60 * SECOND, clock);
        sim.run_for(62 * SECOND).unwrap();
        assert_eq!(timer.now(), at(expected * SECOND), "{clock:?}");
        sim.run_for(100 * SECOND).unwrap();
        let late = if clock == Clock::Stops { [2, 10] } else { [61, 61] };
        let late = late.map(|second| at(Duration::from_secs(second)));
        assert_eq!(*log.borrow(), [("short", late[0]), ("long", late[1])], "{clock:?}");
    }
}

#[test]
fn a_blind_host_knows_nothing_of_its_roads() {
    let mut sim = Sim::seed(0);
    let (mut client, server) = sim.pipe("client", "server");
    sim.block_on(client.send(Outgoing::Message("hi".into())), SECOND).unwrap().unwrap();
    sim.run_for(SECOND).unwrap();
    sim.host("client").blind();
    assert_eq!((client.path(), server.path().is_some()), (None, true));
}
