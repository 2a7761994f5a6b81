//! The road is fine, and the connection is declared dead.

use everbeat_core::Connection;
use everbeat_core::config::ConnectionConfig;
use everbeat_core::time::{Instant, Timer};
use everbeat_museum::rules::naive::NeverForgives;
use everbeat_museum::rules::{Sending, SocketIo, Watch, Websockets, run};
use everbeat_sim::{Sim, for_each_seed};

use crate::support::everbeat::{Seen, beat, read_until};
use crate::support::unread::{Flag, Unread};
use crate::support::{
    HOUR, MINUTE, MS, SECOND, at, everbeat, every, live_by, pass, quiet, with_peer,
};

/// crossbario/autobahn-python#1327: on a slow road the Pong queues behind a large message of the
/// peer's. It is late although bytes come in all the time.
#[test]
fn a_pong_behind_a_large_message_is_late_though_bytes_flow() {
    for_each_seed(0..3, |sim| {
        sim.link("us", "them").to("us").rate(100_000);
        let download = [Sending::new(at(19 * SECOND), 4_000_000)];
        let naive = live_by(sim, Websockets::default(), quiet(), download);
        let ours = everbeat::connect(sim, ConnectionConfig::client(), quiet(), download);
        pass(sim, 10 * MINUTE);
        assert_eq!((naive.get().death(), naive.get().received), (Some(at(40 * SECOND)), 0));
        ours.assert_alive();
        assert_eq!((ours.log().received, ours.log().suspected), (1, 0));
    });
}

/// What was acknowledged before the kernel was first asked is news, and no reason to suspect anybody.
#[test]
fn an_upload_that_moves_is_not_suspected() {
    for_each_seed(0..3, |sim| {
        sim.link("us", "them").to("them").rate(100_000);
        let upload = [Sending::new(at(19 * SECOND), 4_000_000)];
        let ours = everbeat::connect(sim, ConnectionConfig::client(), upload, quiet());
        pass(sim, 10 * MINUTE);
        ours.assert_alive();
        assert_eq!(ours.log().suspected, 0);
    });
}

/// hummingbird-project/swift-websocket#47: the clock of an answer starts when the Ping is asked
/// for, and the Ping waits behind a message that is still being written: the timeout is over before
/// the Ping has left.
#[test]
fn the_timeout_is_over_before_the_ping_has_left() {
    for_each_seed(0..3, |sim| {
        sim.link("us", "them").to("them").rate(2_500);
        // A frame of 64 KiB takes 26 s.
        let upload = [Sending::new(at(19 * SECOND), 200_000)];
        let rule = SocketIo::new(20 * SECOND, 20 * SECOND);
        let naive = live_by(sim, rule, upload, quiet());
        let ours = everbeat::connect(sim, ConnectionConfig::client(), upload, quiet());
        pass(sim, 10 * MINUTE);
        assert_eq!((naive.get().death(), naive.get().sent), (Some(at(40 * SECOND)), 0));
        ours.assert_alive();
        assert_eq!(ours.log().accepted, 1);
    });
}

/// The same where the kernel takes more than the road carries within the timeout: the Ping has left
/// the program, and is still behind 25 s of the application's own bytes.
#[test]
fn a_ping_behind_what_the_kernel_has_taken_is_no_silence() {
    for_each_seed(0..3, |sim| {
        sim.link("us", "them").to("them").rate(100_000).buffer(2_500_000);
        let upload = [Sending::new(at(19 * SECOND), 4_000_000)];
        let naive = live_by(sim, Websockets::default(), upload, quiet());
        let ours = everbeat::connect(sim, ConnectionConfig::client(), upload, quiet());
        pass(sim, 10 * MINUTE);
        assert!(naive.get().death().is_some());
        ours.assert_alive();
    });
}

/// Lets our host stand still for so long, as soon as a Ping of ours is on its way
fn stall_behind_a_ping(sim: &mut Sim, pinged: impl Fn() -> bool, stall: std::time::Duration) {
    while !pinged() {
        pass(sim, MS);
    }
    sim.host("us").stall(stall);
    pass(sim, 10 * MINUTE);
}

/// NousResearch/hermes-agent#53773, #57373: "event loop stalled 226.3s", and then healthy sockets
/// are closed, for their Pongs were not read in time.
#[test]
fn our_own_stall_kills_a_healthy_socket() {
    let slow = || {
        let sim = Sim::seed(1);
        sim.link("us", "them").delay(20 * MS);
        sim
    };
    let mut sim = slow();
    let naive = live_by(&sim, Websockets::default(), quiet(), quiet());
    stall_behind_a_ping(&mut sim, || naive.get().pings > 0, 226_300 * MS);
    assert!(naive.get().death().is_some());

    let mut sim = slow();
    let ours = everbeat::connect(&sim, ConnectionConfig::client(), quiet(), quiet());
    stall_behind_a_ping(&mut sim, || ours.log().written > 0, 226_300 * MS);
    ours.assert_alive();
}

/// paritytech/jsonrpsee#1433: a busy server finds its peers inactive, for it is late itself, and
/// what it once held against one is never forgotten.
#[test]
fn a_busy_server_finds_its_peers_inactive_once_too_often() {
    for_each_seed(0..3, |sim| {
        sim.link("us", "them").delay(200 * MS);
        let rule = NeverForgives::new(500 * MS, 1_500 * MS, 4);
        let naive = live_by(sim, rule, quiet(), quiet());
        let ours = everbeat::connect(sim, beat(500 * MS, 1_500 * MS), quiet(), quiet());
        let us = sim.host("us");
        for busy in 1..=20 {
            let us = us.clone();
            sim.after(13 * SECOND * busy, move || us.stall(3_200 * MS));
        }
        pass(sim, 5 * MINUTE);
        let died = naive.get().death().unwrap();
        assert!((at(52 * SECOND)..at(56 * SECOND)).contains(&died), "the fourth time: {died:?}");
        ours.assert_alive();
    });
}

/// dotnet/docs#44611: Pongs are processed only while the application reads, and its peer is aborted
/// when it does something else for a while.
#[test]
fn who_does_not_read_for_a_while_has_a_dead_peer() {
    for_each_seed(0..3, |sim| {
        let (us, reads) = (sim.host("us"), Flag::new(true.into()));
        let naive = Watch::default();
        let ours = Unread::new(with_peer(sim, quiet()), reads.clone());
        us.spawn(run(SocketIo::default(), ours, us.timer(), every(SECOND), naive.clone()));

        // everbeat's application sends for 100 s, and reads nothing meanwhile.
        let (seen, timer) = (Seen::default(), us.timer());
        // What the peer says meanwhile is in front of its Pongs.
        let pipe = with_peer(sim, every(SECOND));
        let mut connection =
            Connection::new(pipe, us.timer(), ConnectionConfig::client(), sim.random());
        let log = seen.clone();
        let sent = us.spawn(async move {
            read_until(&mut connection, &timer, at(20 * SECOND), &log).await;
            for second in 20..120 {
                timer.sleep_until(at(second * SECOND)).await;
                assert!(connection.send("busy").await.is_ok());
            }
            read_until(&mut connection, &timer, Instant::NEVER, &log).await;
        });
        pass(sim, 20 * SECOND);
        reads.set(false);
        pass(sim, 100 * SECOND);
        reads.set(true);
        assert!(naive.get().death().is_some());
        pass(sim, HOUR);
        assert!(!sent.is_finished());
        seen.assert_alive();
    });
}
