//! How much a server takes on: connections in all and from one address, and upgrades a second.

use std::net::{IpAddr, Ipv4Addr};

use everbeat_core::cause::CloseCode;
use everbeat_core::transport::{Attempt, Connect};
use everbeat_server::Limits;
use everbeat_sim::net::ConnectError;
use everbeat_sim::{Pipe, Sim};

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
            server.address(|host: &String| {
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

    for one in host.registry.handles().iter().filter(|one| one.facts() == "10.0.0.1") {
        one.close(CloseCode::NORMAL.into());
    }
    sim.run_for(SECOND).unwrap();
    let (heard, _task) = reading(&sim, "10.0.0.1");
    sim.run_for(SECOND).unwrap();
    assert!(heard.borrow().close.is_none(), "their places are free");
}

#[test]
fn upgrades_begin_at_their_pace_and_whoever_waits_is_served() {
    let mut sim = Sim::seed(3);
    let limits = Limits::default().upgrades_per_second(10);
    let host = start(&sim, builder(&sim).limits(limits), noting(&sim).1);
    let crowd: Vec<_> = (0..50).map(|n| reading(&sim, &format!("c{n}"))).collect();
    sim.run_for(SECOND / 10).unwrap();
    assert!((10..=12).contains(&host.registry.len()), "{} at once", host.registry.len());
    for second in 1..4_u64 {
        sim.run_for(SECOND).unwrap();
        let (least, most) = (7 + 9 * second, 13 + 10 * second);
        let served = host.registry.served();
        assert!((least..=most).contains(&served), "{served} after {second} s");
    }
    sim.run_for(2 * SECOND).unwrap();
    assert_eq!(host.registry.len(), 50);
    assert!(crowd.iter().all(|(heard, _)| heard.borrow().ended.is_none()));
}
