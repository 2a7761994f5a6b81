//! Roads that change under a connection: another network, a proxy that forgets, a peer that does
//! not take leave.

use everbeat_core::Connection;
use everbeat_core::cause::{Cause, Verdict};
use everbeat_core::config::ConnectionConfig;
use everbeat_core::time::{Instant, Timer};
use everbeat_core::transport::Outgoing;
use everbeat_museum::rules::{Libwebsockets, Watch, Ws, run};
use everbeat_sim::for_each_seed;

use crate::support::everbeat::{Seen, drive, read_until};
use crate::support::proxy::Proxy;
use crate::support::{
    HOUR, MINUTE, MS, SECOND, at, cut_at, everbeat, live_by, pass, quiet, since, with_peer,
};

/// pusher/pusher-js#504: from Wi-Fi to the phone's hotspot, and for minutes nothing gets through
/// while the client says that it is connected. It asks after 120 s of silence and waits 30 s more.
#[test]
fn another_network_goes_unnoticed_for_minutes() {
    for_each_seed(0..3, |sim| {
        let naive = live_by(sim, Libwebsockets::new(120 * SECOND, 150 * SECOND), quiet(), quiet());
        let ours = everbeat::connect(sim, ConnectionConfig::client(), quiet(), quiet());
        let switched = 242 * SECOND; // just after its last answer
        // Another, which is told that the network is another.
        let (us, told, config) = (sim.host("us"), Seen::default(), ConnectionConfig::client());
        let pipe = with_peer(sim, quiet());
        let mut connection = Connection::new(pipe, us.timer(), config, sim.random());
        let (timer, seen) = (us.timer(), told.clone());
        us.spawn(async move {
            read_until(&mut connection, &timer, at(switched), &seen).await;
            connection.probe();
            read_until(&mut connection, &timer, Instant::NEVER, &seen).await;
        });
        cut_at(sim, switched);
        pass(sim, HOUR);
        assert!(since(naive.get().death().unwrap(), switched) >= 148 * SECOND);
        ours.assert_dies(switched, 30 * SECOND, Verdict::Path);
        told.assert_dies(switched, 10_500 * MS, Verdict::Path);
    });
}

/// tutur3u/platform#5252: who closes waits for the other's Close, for a minute if the road is gone,
/// and comes back only then.
#[test]
fn a_close_waits_for_a_minute_for_nobody() {
    for_each_seed(0..3, |sim| {
        let mut naive = with_peer(sim, quiet());
        let ours = with_peer(sim, quiet());
        let (us, config) = (sim.host("us"), ConnectionConfig::client());
        let mut ours = Connection::new(ours, us.timer(), config, sim.random());
        cut_at(sim, SECOND);
        pass(sim, 2 * SECOND);
        let naive = us.spawn(async move {
            assert!(naive.send(Outgoing::Close(None)).await.is_ok());
            while naive.next().await.is_some_and(|heard| heard.is_ok()) {}
        });
        let timer = us.timer();
        let closed = us.spawn(async move { (ours.close().await.cause, timer.now()) });
        pass(sim, MINUTE);
        assert!(!naive.is_finished());
        let (cause, when) = closed.take().unwrap();
        assert_eq!(cause, Cause::ClosedByUs);
        assert!(when <= at(8 * SECOND), "within `close_timeout`: {when:?}");
    });
}

/// mattermost/docs#8930: a Ping every 60 s, and in between a balancer that forgets who has been
/// quiet for 60 s: now the one is first, now the other.
#[test]
fn a_beat_of_a_minute_meets_a_balancer_that_forgets_after_a_minute() {
    for_each_seed(0..2, |sim| {
        sim.link("us", "them").delay(20 * MS).jitter(20 * MS);
        let us = sim.host("us");
        let mut lost = 0;
        let mut naive = Vec::new();
        for _ in 0..20 {
            let watch = Watch::default();
            let pipe = Proxy::before(sim, with_peer(sim, quiet()), MINUTE);
            us.spawn(run(Ws::new(MINUTE), pipe, us.timer(), quiet(), watch.clone()));
            naive.push(watch);
        }
        let ours: Vec<Seen> = [ConnectionConfig::client(), ConnectionConfig::server()]
            .into_iter()
            .flat_map(|config| [config; 10])
            .map(|config| {
                let seen = Seen::default();
                let pipe = Proxy::before(sim, with_peer(sim, quiet()), MINUTE);
                let connection = Connection::new(pipe, us.timer(), config, sim.random());
                us.spawn(drive(connection, us.timer(), quiet(), seen.clone()));
                seen
            })
            .collect();
        pass(sim, HOUR);
        for watch in naive {
            lost += u32::from(watch.get().verdict.is_some());
        }
        assert!(lost >= 10, "{lost} of 20");
        ours.iter().for_each(Seen::assert_alive);
    });
}
