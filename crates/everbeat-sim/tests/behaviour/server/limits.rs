//! How much a server takes on: connections in all and from one address, and upgrades a second.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::task::{Context, Poll};

use everbeat_core::cause::CloseCode;
use everbeat_core::transport::{Accept, Attempt, Busy, Connect};
use everbeat_server::{ConnectionHandle, Limits, Server};
use everbeat_sim::net::{ConnectError, SimListener};
use everbeat_sim::{Pipe, Sim, Task};

use super::rig::{SECOND, builder, noting, reading, start, start_with};

/// Connects from a host, now
fn connect(sim: &mut Sim, host: &str) -> Result<Pipe, ConnectError> {
    let mut connector = sim.connector("server").on_host(host);
    let attempt = connector.connect(Attempt::first());
    match sim.block_on(attempt, SECOND) {
        Ok(attempt) => attempt,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn one_connection_too_many_is_answered_503_and_a_place_comes_back() {
    let mut sim = Sim::seed(1);
    let limits = Limits::default().connections(3);
    let host = start(&sim, builder(&sim).limits(limits), noting(&sim).1);
    let mut taken: Vec<_> = (0..3).map(|n| connect(&mut sim, &format!("c{n}")).unwrap()).collect();
    for _ in 0..10 {
        let refused = connect(&mut sim, "one too many").unwrap_err();
        assert!(matches!(refused, ConnectError::Rejected { status: 503, retry_after: Some(_) }));
    }
    assert_eq!((host.registry.len(), host.registry.served()), (3, 3));
    taken.pop();
    sim.run_for(SECOND).unwrap();
    let _another = connect(&mut sim, "another").unwrap();
    assert_eq!(host.registry.len(), 3);
}

#[test]
fn one_connection_too_many_from_an_address_is_told_1013_and_others_are_served() {
    let mut sim = Sim::seed(2);
    let limits = Limits::default().per_address(2);
    let host = start_with(
        &sim,
        builder(&sim).limits(limits),
        |server| {
            server.address(|host: &String, ()| {
                assert_ne!(host, "absurd", "no address");
                let last = host.strip_prefix("10.0.0.")?.parse().ok()?;
                Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)))
            })
        },
        noting(&sim).1,
    );
    let from = |host: &str| reading(&sim, host);
    let crowd: Vec<_> = (0..5).map(|_| from("10.0.0.1")).collect();
    let neighbour = from("10.0.0.2");
    let unknown: Vec<_> = (0..5).map(|_| from("somewhere")).collect();
    let absurd = from("absurd");
    sim.run_for(SECOND).unwrap();
    let told = |heard: &super::rig::Heard| {
        let close = heard.close.clone()?;
        Some((close.code, close.reason.to_string()))
    };
    let told: Vec<_> = crowd.iter().filter_map(|(heard, _)| told(&heard.borrow())).collect();
    let words = "too many connections from one address".to_owned();
    assert_eq!(told, vec![(CloseCode::TRY_AGAIN, words); 3]);
    assert!(neighbour.0.borrow().close.is_none());
    assert!(unknown.iter().all(|(heard, _)| heard.borrow().close.is_none()));
    assert!(absurd.0.borrow().close.is_some(), "who is not known is not let in");
    // Nobody who was refused was ever there
    assert_eq!((host.registry.len(), host.registry.served()), (2 + 1 + 5, 8));

    // What a connection is told in between does not have it counted elsewhere
    host.registry.handles().iter().for_each(ConnectionHandle::authenticated);
    sim.run_for(SECOND).unwrap();
    for one in host.registry.handles().iter().filter(|one| one.facts() == "10.0.0.1") {
        one.close(CloseCode::NORMAL.into());
    }
    sim.run_for(SECOND).unwrap();
    let (heard, _task) = reading(&sim, "10.0.0.1");
    sim.run_for(SECOND).unwrap();
    assert!(heard.borrow().close.is_none(), "their places are free");
}

/// A client that obeys: when it is in, and how often it was told to come back
fn obedient(sim: &Sim, host: String) -> Task<(Pipe, u32)> {
    let mut connector = sim.connector("server").on_host(&host);
    let sim = sim.handle();
    sim.clone().spawn(async move {
        let mut told = 0;
        loop {
            match connector.connect(Attempt::first()).await {
                Ok(pipe) => return (pipe, told),
                Err(ConnectError::Rejected { status: 503, retry_after: Some(delay) }) => {
                    told += 1;
                    let jitter = SECOND.mul_f64((sim.random() >> 11) as f64 / (1_u64 << 53) as f64);
                    sim.sleep(delay + jitter).await;
                }
                Err(error) => panic!("{error}"),
            }
        }
    })
}

#[test]
fn a_crowd_is_told_slots_and_gets_in_at_them() {
    let mut sim = Sim::seed(3);
    let limits = Limits::default().upgrades_per_second(40);
    let host = start(&sim, builder(&sim).limits(limits), noting(&sim).1);
    let crowd: Vec<_> = (0..800).map(|n| obedient(&sim, format!("c{n}"))).collect();
    sim.run_for(SECOND / 10).unwrap();
    // A quarter of a second of work, at once
    let at_once = host.registry.len();
    assert!((11..=15).contains(&at_once), "{at_once} at once");
    let mut before = host.registry.served();
    for second in 0..18 {
        sim.run_for(SECOND).unwrap();
        let begun = host.registry.served() - before;
        assert!(begun <= 51, "{begun} in second {second}");
        before = host.registry.served();
    }
    // 790 slots at 36 a second, a second each for whole seconds and for jitter, and who is told
    // twice has one of the last
    sim.run_for(10 * SECOND).unwrap();
    assert_eq!(host.registry.served(), 800);
    let told: Vec<_> = crowd.iter().map(|task| task.take().unwrap().1).collect();
    let again = told.iter().filter(|told| **told > 1).count();
    assert!(again < 16, "{again} of 800 were told twice");
}

#[test]
fn who_is_one_too_many_takes_no_slot() {
    let mut sim = Sim::seed(4);
    let limits = Limits::default().connections(5).upgrades_per_second(10);
    let host = start(&sim, builder(&sim).limits(limits), noting(&sim).1);
    let mut taken: Vec<_> = (0..5).map(|n| connect(&mut sim, &format!("c{n}")).unwrap()).collect();
    for _ in 0..100 {
        let refused = connect(&mut sim, "one too many").unwrap_err();
        let ConnectError::Rejected { status: 503, retry_after: Some(delay) } = refused else {
            panic!("{refused}");
        };
        assert_eq!(delay, 5 * SECOND, "the limit on connections, not a slot");
    }
    taken.pop();
    sim.run_for(SECOND).unwrap();
    let _another = connect(&mut sim, "another").unwrap();
    assert_eq!(host.registry.len(), 5);
}

/// A listener of whose peers those that are refused never take their answer
struct Deaf(SimListener);

struct Answer {
    upgrade: <SimListener as Accept>::Upgrade,
    refused: bool,
}

impl Accept for Deaf {
    type Transport = Pipe;
    type Facts = String;
    type Request = ();
    type Error = <SimListener as Accept>::Error;
    type Upgrade = Answer;

    fn poll_accept(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Answer, Self::Error>> {
        Pin::new(&mut self.0).poll_accept(cx).map_ok(|upgrade| Answer { upgrade, refused: false })
    }

    fn refuse(upgrade: Answer, _: Busy) -> Option<Answer> {
        Some(Answer { refused: true, ..upgrade })
    }
}

impl Future for Answer {
    type Output = Result<(Pipe, String, ()), <SimListener as Accept>::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.refused { Poll::Pending } else { Pin::new(&mut self.upgrade).poll(cx) }
    }
}

#[test]
fn who_does_not_hear_that_he_is_refused_holds_up_nobody_for_whom_there_is_time() {
    let mut sim = Sim::seed(5);
    let deaf = Deaf(sim.listen("server"));
    let limits = Limits::default().upgrades(4).upgrades_per_second(10);
    let server = Server::over(deaf, sim.timer(), sim.handle(), 7).limits(limits);
    let host = start(&sim, server, noting(&sim).1);
    let _crowd: Vec<_> = (0..16).map(|n| reading(&sim, &format!("c{n}"))).collect();
    sim.run_for(SECOND / 10).unwrap();
    let at_once = host.registry.len();
    assert!((9..=11).contains(&at_once), "{at_once} at once");
    // Four are being told, as many as may be, for the 10 s of a handshake. The others need not be
    // told: meanwhile there is time for them
    sim.run_for(SECOND).unwrap();
    assert_eq!(host.registry.len(), 16 - 4);
    let _late = connect(&mut sim, "late").unwrap();
}
