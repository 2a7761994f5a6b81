//! A planned restart: clients leave for the successor one after the other, each served until its
//! turn or told when it is, whatever peers, handlers and the server's user do meanwhile.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::cell::RefCell;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use everbeat_core::cause::{CloseCode, RetryWindow};
use everbeat_core::time::Instant;
use everbeat_core::{Cause, Client, Event};
use everbeat_server::storm::Restart;
use everbeat_server::{Accepted, Expire};
use everbeat_sim::{Sim, Task};

use super::rig::{
    Builder, Heard, Host, SECOND, ServerConnection, builder, noting, reading, seconds, start,
};

type Reader = (Rc<RefCell<Heard>>, Task<()>);

/// The turns of the server's wheel are so long, and a Close takes a moment
const TICK: f64 = 0.06;

/// A server with so many readers, that is shut down after a second
fn leaving(sim: &mut Sim, builder: Builder, count: usize) -> (Host, Vec<Reader>) {
    let host = start(sim, builder, noting(sim).1);
    let readers = (0..count).map(|n| reading(sim, &format!("c{n}"))).collect();
    sim.run_for(SECOND).unwrap();
    assert_eq!(host.registry.len(), count);
    host.handle.shutdown();
    (host, readers)
}

/// When each was told to leave and when its turn is, in seconds from the shutdown, in this order
fn told(readers: &[Reader]) -> Vec<(f64, f64)> {
    let told = |(heard, _): &Reader| {
        let heard = heard.borrow();
        let close = heard.close.as_ref()?;
        assert_eq!(close.code, CloseCode::RESTART);
        let window = RetryWindow::parse(&close.reason).unwrap();
        assert_eq!(window.to() - window.from(), Duration::from_millis(100), "{window}");
        let at = heard.ended?.saturating_duration_since(seconds(1.0));
        Some((at.as_secs_f64(), (at + window.from()).as_secs_f64()))
    };
    let mut told: Vec<_> = readers.iter().filter_map(told).collect();
    told.sort_by(|a, b| a.1.total_cmp(&b.1));
    told
}

/// That turns come one after the other at this rate
fn even(told: &[(f64, f64)], rate: f64) {
    for (place, (_, turn)) in told.iter().enumerate() {
        let due = place as f64 / rate;
        assert!((due - 0.01..due + TICK).contains(turn), "{turn} s and not {due}");
    }
}

#[test]
fn everybody_is_served_until_its_turn_while_there_is_time() {
    let mut sim = Sim::seed(1);
    // 80 a second, and 5 s to tell it to all
    let restarting = builder(&sim).restart(Restart::per_second(100));
    let (host, readers) = leaving(&mut sim, restarting, 240);
    sim.run_for(SECOND).unwrap();
    assert!((150..165).contains(&host.registry.len()), "{}", host.registry.len());
    assert_eq!(host.wheel.len(), host.registry.len() + 1, "each one's beat, and one sleep for all");
    let left = host.registry.handles();
    assert!(left.iter().all(|handle| handle.send("still here").is_ok()));
    sim.run_for(2 * SECOND + SECOND / 10).unwrap();
    let served = host.task.take().unwrap();
    assert_eq!((served.served, served.closed, served.cut.len()), (240, 240, 0));
    let told = told(&readers);
    assert_eq!(told.len(), 240);
    even(&told, 80.0);
    assert!(told.iter().all(|(at, turn)| turn - at < 0.001), "nobody is away before its turn");
    let texts = readers.iter().filter(|(heard, _)| heard.borrow().texts.len() == 1).count();
    // But for those that were saying goodbye just then
    assert!((left.len() - 8..=left.len()).contains(&texts), "{texts} of {}", left.len());
}

#[test]
fn who_has_no_turn_in_time_is_told_when_it_is() {
    let mut sim = Sim::seed(2);
    // 1 s to tell it to all, where their turns take 10
    let brief = builder(&sim).restart(Restart::per_second(100)).shutdown_timeout(6 * SECOND);
    let (host, readers) = leaving(&mut sim, brief, 800);
    sim.run_for(SECOND + SECOND / 10).unwrap();
    assert!(host.task.is_finished());
    let told = told(&readers);
    assert_eq!(told.len(), 800);
    even(&told, 80.0);
    assert!(told.iter().all(|(at, _)| *at < 1.0 + TICK));
    let in_last_tenth = told.iter().filter(|(at, _)| *at > 0.9).count();
    assert!(in_last_tenth < 200, "{in_last_tenth} of 800 at once");
}

#[test]
fn a_successor_that_opens_later_is_waited_for() {
    let mut sim = Sim::seed(3);
    let late = builder(&sim).restart(Restart::per_second(1_000).opens_in(2 * SECOND));
    let (host, readers) = leaving(&mut sim, late, 80);
    sim.run_for(2 * SECOND - SECOND / 10).unwrap();
    assert_eq!(host.registry.len(), 80);
    sim.run_for(SECOND / 2).unwrap();
    let told = told(&readers);
    assert_eq!(told.len(), 80);
    assert!(told.iter().all(|(at, _)| (2.0..2.1 + TICK).contains(at)));
}

#[test]
fn who_leaves_by_itself_makes_nobody_leave_earlier_and_the_last_ends_it() {
    let mut sim = Sim::seed(4);
    let restarting = builder(&sim).restart(Restart::per_second(100));
    let (host, readers) = leaving(&mut sim, restarting, 240);
    sim.run_for(SECOND / 2).unwrap();
    // Half of those that are left
    let left = host.registry.handles();
    let (gone, stay): (Vec<_>, Vec<_>) = left.iter().partition(|handle| handle.id() % 2 == 0);
    gone.iter().for_each(|handle| handle.close(CloseCode(4000).into()));
    sim.run_for(SECOND / 5).unwrap();
    assert!(host.registry.len() + 20 > stay.len(), "they were sent away as well");
    let rest: Vec<Reader> = readers
        .into_iter()
        .filter(|(heard, _)| {
            let close = heard.borrow().close.clone();
            close.is_none_or(|close| close.code == CloseCode::RESTART)
        })
        .collect();
    sim.run_for(SECOND / 2).unwrap();
    assert!(!host.task.is_finished());
    // 96 turns by then, of which the last 56 are used by one of two
    let told = told(&rest).len();
    assert!((60..85).contains(&told), "{told}");
    for handle in host.registry.handles() {
        handle.close(CloseCode(4000).into());
    }
    sim.run_for(SECOND / 10).unwrap();
    assert_eq!(host.task.take().unwrap().cut.len(), 0, "nobody is left to wait for");
}

#[test]
fn a_handler_that_does_not_look_is_cut_at_the_end_and_holds_up_nobody() {
    // At the end of this process's time, or if there is more of it, 10 s behind the last turn, or the
    // `close_timeout`
    for (seed, time, close, end) in [(5, 7, 5, 7.0), (50, 3_600, 5, 11.0), (51, 3_600, 20, 21.0)] {
        let mut sim = Sim::seed(seed);
        let restarting = builder(&sim)
            .restart(Restart::per_second(100))
            .shutdown_timeout(time * SECOND)
            .close_timeout(close * SECOND);
        let host = start(
            &sim,
            restarting,
            |mut connection: ServerConnection, accepted: Accepted<String>| async move {
                if accepted.facts().ends_with('7') {
                    pending::<()>().await;
                }
                while connection.recv().await?.is_some() {}
                Ok::<_, Cause>(())
            },
        );
        let readers: Vec<Reader> = (0..80).map(|n| reading(&sim, &format!("c{n}"))).collect();
        sim.run_for(SECOND).unwrap();
        host.handle.shutdown();
        sim.run_for(SECOND + SECOND / 10).unwrap();
        let told = told(&readers);
        assert_eq!((told.len(), host.registry.len()), (72, 8));
        assert!(told.iter().all(|(at, turn)| turn - at < 0.001 && *at < 1.0 + TICK));
        sim.run_for(Duration::from_secs_f64(end - 1.2)).unwrap();
        assert!(!host.task.is_finished());
        sim.run_for(SECOND / 5).unwrap();
        let served = host.task.take().expect("it waits for who does not look");
        assert_eq!((served.closed, served.cut.len()), (72, 8));
    }
}

#[test]
fn whose_server_is_dropped_meanwhile_is_served_on() {
    let mut sim = Sim::seed(6);
    let restarting = builder(&sim).restart(Restart::per_second(100));
    let (host, readers) = leaving(&mut sim, restarting, 240);
    sim.run_for(SECOND).unwrap();
    host.task.abort();
    sim.run_for(SECOND / 10).unwrap();
    let left = host.registry.len();
    assert!((150..165).contains(&left), "{left}");
    assert_eq!(told(&readers).len() + left, 240);
    sim.run_for(60 * SECOND).unwrap();
    assert_eq!(host.registry.len(), left);
    host.registry.send_all("still here").unwrap();
    sim.run_for(SECOND).unwrap();
    let texts = readers.iter().filter(|(heard, _)| heard.borrow().texts.len() == 1).count();
    assert_eq!(texts, left);
}

#[test]
fn the_rules_stand_for_whoever_waits_for_its_turn() {
    let mut sim = Sim::seed(7);
    let strict = builder(&sim)
        .restart(Restart::per_second(10))
        .shutdown_timeout(60 * SECOND)
        .expire(Expire::default().unauthenticated(3 * SECOND));
    let (_host, readers) = leaving(&mut sim, strict, 80);
    sim.run_for(5 * SECOND).unwrap();
    let codes: Vec<_> = readers
        .iter()
        .filter_map(|(heard, _)| Some(heard.borrow().close.as_ref()?.code.0))
        .collect();
    assert_eq!(codes.len(), 80, "nobody authenticated");
    let restarted = codes.iter().filter(|code| **code == 1012).count();
    assert!((14..=18).contains(&restarted), "{restarted} had their turn in 2 s");
    assert!(codes.iter().all(|code| [1012, 3000].contains(code)));
}

/// When clients were connected, and by which attempt
type Connections = Rc<RefCell<Vec<(Instant, u32)>>>;

/// A client of everbeat's, which comes back
fn client(sim: &Sim, host: &str, noted: &Connections) -> Task<()> {
    let client = Client::over(sim.connector("server").on_host(host), sim.timer(), sim.random());
    let (sim, noted) = (sim.handle(), noted.clone());
    sim.clone().spawn(async move {
        let Ok(mut client) = client.connect().await else { panic!("not connected") };
        while let Some(event) = client.next().await {
            if let Event::Connected { attempt, .. } = event {
                noted.borrow_mut().push((sim.now(), attempt));
            }
        }
    })
}

#[test]
fn clients_come_to_the_successor_evenly_and_at_once() {
    // All are served until their turn; most are told to come later
    for (seed, time) in [(8, 30), (9, 6)] {
        let mut sim = Sim::seed(seed);
        let brief = builder(&sim).restart(Restart::per_second(100)).shutdown_timeout(time * SECOND);
        let old = start(&sim, brief, noting(&sim).1);
        let noted = Connections::default();
        let clients: Vec<_> = (0..400).map(|n| client(&sim, &format!("c{n}"), &noted)).collect();
        sim.run_for(60 * SECOND).unwrap();
        assert_eq!(old.registry.len(), 400);
        noted.borrow_mut().clear();
        let new = start(&sim, builder(&sim), noting(&sim).1);
        old.handle.shutdown();
        sim.run_for(8 * SECOND).unwrap();
        assert_eq!((new.registry.len(), old.registry.len()), (400, 0));
        let noted = noted.borrow();
        assert!(noted.iter().all(|(_, attempt)| *attempt == 1), "somebody had to try twice");
        for second in 0..5 {
            let bin = seconds(f64::from(60 + second))..seconds(f64::from(61 + second));
            let came = noted.iter().filter(|(at, _)| bin.contains(at)).count();
            assert!((70..=90).contains(&came), "{came} in second {second}");
        }
        drop(clients);
    }
}
