//! What is told of a dead peer where the kernel tells of the road: which of the two it is that is
//! gone. The roads are loopback's; a filter at the peer's socket takes away what the case asks for,
//! so that its kernel never sees it.

use std::io::Write;
use std::net::TcpStream;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use everbeat_core::cause::{Evidence, Verdict};
use everbeat_core::config::{ConnectionConfig, HeartbeatConfig};
use everbeat_core::time::Timer;
use everbeat_core::{Cause, Connection, Event, Spawn};
use everbeat_ws::{Role, Runtime, Settings, WebSocket};
use socket2::{SockFilter, SockRef};

use super::road::used;
use super::tools::soon;
use super::{Job, Line, Native, Subject};

pub(super) fn lines<R: Runtime + Spawn<Job>>() -> Vec<Line<Native<R>>> {
    super::table![
        "verdicts: a program that hangs behind a kernel that goes on is `App`" => hangs,
        "verdicts: a road that swallows everything is `Path`" => swallows,
        "verdicts: a road that swallows what we say, and not what we hear, is `OneWay`" => one_way,
        "verdicts: a road that is repaired in time is alive" => repaired,
    ]
}

type Ours<R> = Connection<WebSocket<<R as Runtime>::Stream>, <R as Runtime>::Timer>;

/// A client's connection that beats like this, and its peer, which does nothing
async fn beating<R: Runtime + Spawn<Job>>(
    subject: &Native<R>,
    beat: HeartbeatConfig,
) -> (Ours<R>, TcpStream) {
    let (stream, peer) = used(subject, true).await;
    let client = WebSocket::from_upgraded(stream, Role::Client, Settings::default(), Vec::new());
    let config = ConnectionConfig::client().with_heartbeat(Some(beat));
    (Connection::new(client, subject.timer(), config, 1), peer)
}

fn clocks(path: Duration, app: Duration) -> HeartbeatConfig {
    let beat = HeartbeatConfig::CLIENT.with_interval(Duration::from_millis(100)).unwrap();
    beat.with_clocks(path, app).unwrap()
}

/// The end of a connection that ends by its own verdict, and not before a clock allows it
async fn dead<R: Runtime + Spawn<Job>>(
    subject: &Native<R>,
    mut connection: Ours<R>,
    not_before: Duration,
) -> (Verdict, Evidence) {
    let timer = subject.timer();
    let start = timer.now();
    let cause = soon(subject, "a verdict", async {
        loop {
            if let Err(cause) = connection.recv().await {
                return cause;
            }
        }
    })
    .await;
    assert!(timer.now() >= start + not_before, "early: {cause}");
    match cause {
        Cause::Dead { verdict, evidence } => (verdict, *evidence),
        other => panic!("{other}"),
    }
}

/// Drops what comes to this socket before its kernel looks at it
fn swallow(peer: &TcpStream) {
    SockRef::from(peer).attach_filter(&[SockFilter::new(0x06, 0, 0, 0)]).unwrap();
}

/// The same with what carries data, while acknowledgements pass: what is longer than its TCP header
fn swallow_data(peer: &TcpStream) {
    let program = [
        // The header's length, in the upper half of the byte that is twelfth, in words of four bytes
        SockFilter::new(0x30, 0, 0, 12),
        SockFilter::new(0x54, 0, 0, 0xf0),
        SockFilter::new(0x74, 0, 0, 2),
        SockFilter::new(0x07, 0, 0, 0),
        // Against that of all
        SockFilter::new(0x80, 0, 0, 0),
        SockFilter::new(0x2d, 0, 1, 0),
        SockFilter::new(0x06, 0, 0, 0),
        SockFilter::new(0x06, 0, 0, u32::MAX),
    ];
    SockRef::from(peer).attach_filter(&program).unwrap();
}

async fn hangs<R: Runtime + Spawn<Job>>(subject: Native<R>) {
    let program = Duration::from_millis(600);
    let (connection, peer) = beating(&subject, clocks(program / 2, program)).await;
    let (verdict, evidence) = dead(&subject, connection, program).await;
    let held = evidence.path.map(|path| path.unsent);
    assert_eq!((verdict, held), (Verdict::App, Some(0)), "{evidence}");
    drop(peer);
}

async fn swallows<R: Runtime + Spawn<Job>>(subject: Native<R>) {
    let road = Duration::from_millis(300);
    let (connection, peer) = beating(&subject, clocks(road, 20 * road)).await;
    swallow(&peer);
    let (verdict, evidence) = dead(&subject, connection, road).await;
    assert_eq!(verdict, Verdict::Path, "{evidence}");
    assert!(evidence.path.is_some_and(|path| path.unsent > 0), "{evidence}");
}

async fn one_way<R: Runtime + Spawn<Job>>(subject: Native<R>) {
    let beat = HeartbeatConfig::CLIENT.detect_within(Duration::from_secs(1)).unwrap();
    let (connection, mut peer) = beating(&subject, beat).await;
    swallow_data(&peer);
    let (over, told) = mpsc::channel::<()>();
    let talking = thread::spawn(move || {
        while told.recv_timeout(Duration::from_millis(50)) == Err(RecvTimeoutError::Timeout) {
            // The reset that ends it may come before we are told
            _ = peer.write_all(b"\x81\x02hi");
        }
    });
    let (verdict, evidence) = dead(&subject, connection, beat.path_timeout()).await;
    drop(over);
    assert_eq!(verdict, Verdict::OneWay, "{evidence}");
    assert!(evidence.path.is_some_and(|path| path.unsent > 0), "{evidence}");
    talking.join().unwrap();
}

async fn repaired<R: Runtime + Spawn<Job>>(subject: Native<R>) {
    // TCP says it again at 0.2, 0.6, 1.4, 3.0 and 6.2 s. It is suspected at 4.8 s, two thirds of this,
    // and would be dead at 7.2 s: a machine may be a second late on either side.
    let road = Duration::from_millis(7_200);
    let beat = HeartbeatConfig::CLIENT.with_interval(Duration::from_secs(3_600)).unwrap();
    let beat = beat.with_clocks(road, road).unwrap();
    let (mut connection, peer) = beating(&subject, beat).await;
    swallow(&peer);
    connection.send("into the hole").await.unwrap();
    let suspect = soon(&subject, "a suspicion", connection.next()).await;
    assert!(matches!(suspect, Some(Event::Suspect { .. })), "{suspect:?}");
    SockRef::from(&peer).detach_filter().unwrap();
    let alive = soon(&subject, "life", connection.next()).await;
    assert_eq!(alive, Some(Event::Alive));
    let path = connection.evidence().path.unwrap();
    assert_eq!((path.acknowledged, path.unsent), (connection.evidence().sent, 0), "{path:?}");
}
