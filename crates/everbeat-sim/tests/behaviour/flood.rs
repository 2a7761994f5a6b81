//! A peer that floods with Pings is told 1008 and let go; a quick one, and one that had to wait, is
//! not.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::time::Duration;

use everbeat_core::cause::{Cause, CloseCode};
use everbeat_core::config::{ConnectionConfig, PingLimit};
use everbeat_core::transport::{Incoming, Outgoing, Transport};
use everbeat_sim::{Pipe, Sim, SimHandle, for_each_seed};

use crate::support::{
    MS, SECOND, at, beat, beatless, both, drive, drive_beside, read_all, the_end, with_peer,
};

/// Pings `count` times, one every so often, then reads on
async fn ping(handle: SimHandle, mut pipe: Pipe, count: u64, every: Duration) -> Vec<Incoming> {
    for number in 0..count {
        if pipe.send(Outgoing::Ping(number.to_be_bytes())).await.is_err() {
            break;
        }
        if every > Duration::ZERO {
            handle.sleep(every).await;
        }
    }
    let mut heard = Vec::new();
    while let Some(Ok(incoming)) = pipe.next().await {
        heard.push(incoming);
    }
    heard
}

#[test]
fn a_flood_is_told_1008_and_the_setting_that_moves_it() {
    for config in [ConnectionConfig::server(), ConnectionConfig::client()] {
        let mut sim = Sim::seed(1);
        let (mut connection, peer) = with_peer(&sim, config);
        let peer = sim.spawn(ping(sim.handle(), peer, 1_000, Duration::ZERO));
        let events = drive(&mut sim, &mut connection, 10 * SECOND);
        let Cause::Violation { code, detail } = &the_end(&events).1.cause else {
            panic!("{events:?}")
        };
        assert_eq!(*code, CloseCode::POLICY);
        assert_eq!(detail, "more Pings than 20 at once and 12 a second (`ping_limit`)");
        let heard = peer.take().unwrap();
        let Some(Incoming::Close(Some(frame))) = heard.last() else { panic!("{heard:?}") };
        assert_eq!((frame.code, &frame.reason), (CloseCode::POLICY, detail));
    }
}

#[test]
fn the_limit_can_be_moved() {
    let mut sim = Sim::seed(1);
    let roomy = ConnectionConfig::server().with_ping_limit(PingLimit::new(1_000, 1).unwrap());
    let (mut connection, peer) = with_peer(&sim, roomy);
    sim.spawn(ping(sim.handle(), peer, 1_000, Duration::ZERO));
    let events = drive(&mut sim, &mut connection, 10 * SECOND);
    assert!(events.is_empty(), "{events:?}");
}

/// The default limit, and our own fastest beat
#[test]
fn a_client_with_the_fastest_beat_never_floods_a_server() {
    for_each_seed(0..20, |sim| {
        let (client, mut server) = both(sim, beat(100 * MS, 100 * MS), ConnectionConfig::server());
        drive_beside(sim, client);
        let events = drive(sim, &mut server, 600 * SECOND);
        assert!(events.is_empty(), "{events:?}");
    });
}

/// A server's handler is busy for half a minute; meanwhile its client has pinged twice a second
#[test]
fn pings_that_waited_to_be_read_are_no_flood() {
    let mut sim = Sim::seed(1);
    let (mut connection, peer) = with_peer(&sim, ConnectionConfig::server());
    sim.spawn(ping(sim.handle(), peer, 60, 500 * MS));
    sim.run_for(30 * SECOND).unwrap();
    let events = drive(&mut sim, &mut connection, 10 * SECOND);
    assert!(events.is_empty(), "{events:?}");
}

#[test]
fn good_behaviour_earns_no_right_to_a_flood() {
    let mut sim = Sim::seed(1);
    let (mut connection, peer) = with_peer(&sim, ConnectionConfig::server().with_heartbeat(None));
    let handle = sim.handle();
    sim.spawn(async move {
        let mut peer = peer;
        for number in 0..660_u64 {
            peer.send(Outgoing::Ping(number.to_be_bytes())).await.unwrap();
            if number < 600 {
                handle.sleep(SECOND).await;
            }
        }
        while peer.next().await.is_some() {}
    });
    let events = drive(&mut sim, &mut connection, 1_000 * SECOND);
    let (ended, end) = the_end(&events);
    assert!(matches!(end.cause, Cause::Violation { code: CloseCode::POLICY, .. }), "{events:?}");
    assert!(ended >= at(600 * SECOND));
}

/// So many Pings at once, an hour after the last byte; whether that was a flood
fn flood_after_an_hour(config: ConnectionConfig, pings: u64) -> bool {
    let mut sim = Sim::seed(1);
    let (mut connection, mut peer) = with_peer(&sim, config);
    let handle = sim.handle();
    sim.spawn(async move {
        // The pipe answers Pings while it is read
        let mut quiet = pin!(handle.sleep(3_600 * SECOND));
        poll_fn(|cx| {
            while Pin::new(&mut peer).poll_recv(cx).is_ready() {}
            quiet.as_mut().poll(cx)
        })
        .await;
        for number in 0..pings {
            let _ = peer.send(Outgoing::Ping(number.to_be_bytes())).await;
        }
        while peer.next().await.is_some() {}
    });
    !drive(&mut sim, &mut connection, 3_700 * SECOND).is_empty()
}

/// What the docs of `PingLimit` promise
#[test]
fn what_a_quiet_peer_saves_is_two_beats_worth_and_without_a_beat_all() {
    assert!(!flood_after_an_hour(beatless(), 20 + 12 * 3_600));
    assert!(flood_after_an_hour(beatless(), 20 + 12 * 3_600 + 1));
    let beating = || beat(10 * SECOND, 5 * SECOND);
    assert!(flood_after_an_hour(beating(), 20 + 12 * 2 * 10 + 1));
    assert!(!flood_after_an_hour(beating(), 20));
}

/// What the flooder said before is heard, and the ledger is settled as at any other end
#[test]
fn messages_before_a_flood_are_heard() {
    let mut sim = Sim::seed(1);
    let (mut connection, mut peer) = with_peer(&sim, ConnectionConfig::server());
    let flood = async move {
        peer.send(Outgoing::Message("last words".into())).await.unwrap();
        for _ in 0..30 {
            peer.send(Outgoing::Ping([0; 8])).await.unwrap();
        }
        peer
    };
    let peer = sim.spawn(flood);
    let heard = sim.block_on(connection.recv(), SECOND).unwrap();
    assert_eq!(heard, Ok(Some("last words".into())));
    let ended = sim.block_on(connection.recv(), 10 * SECOND).unwrap();
    assert!(matches!(ended, Err(Cause::Violation { code: CloseCode::POLICY, .. })), "{ended:?}");
    let heard = read_all(&sim, peer.take().unwrap());
    sim.run_for(SECOND).unwrap();
    let heard = heard.take().unwrap();
    assert!(heard.iter().any(|(_, incoming)| matches!(incoming, Incoming::Close(_))));
}
