//! Peers whose API has a beat of its own, and that answer no Ping.

use std::time::Duration;

use everbeat_core::cause::Cause;
use everbeat_core::config::{ConnectionConfig, HeartbeatConfig, OwnBeat};
use everbeat_core::{Connection, Message};
use everbeat_ws::{Runtime, Settings};

use crate::peer::{Peer, client, granting, masked, plain, server, upgraded};
use crate::server_side::{Ours, Socket, accept, acceptor, attempt};

const PING: &str = r#"{"op":"ping"}"#;
const PONG: &str = r#"{"op":"pong"}"#;
const TEXT: u8 = 0x81;

/// Beats every 100 ms by `PING`
fn beating<R: Runtime>(socket: Socket<R>, timeout: Duration) -> Ours<R> {
    let beat = HeartbeatConfig::new(Duration::from_millis(100), timeout).unwrap();
    let config = ConnectionConfig::client().with_heartbeat(Some(beat));
    let own = OwnBeat::new(PING, |message| message.as_text() == Some(PONG));
    Connection::with_beat(socket, R::default().timer(), config, own, 1)
}

/// Answers a few beats, then says "done" and 1000; it must hear no Ping, and "hello" in its turn
fn api(mut peer: Peer, frame: fn(u8, &[u8]) -> Vec<u8>) {
    let (mut beats, mut greeted) = (0, false);
    while beats < 5 || !greeted {
        match peer.frame() {
            (TEXT, payload) if payload == PING.as_bytes() => {
                beats += 1;
                peer.say(&frame(TEXT, PONG.as_bytes()));
            }
            (TEXT, payload) if payload == b"hello" => greeted = true,
            other => panic!("{other:?}"),
        }
    }
    peer.say(&[frame(TEXT, b"done"), frame(0x88, &[3, 232])].concat());
    peer.hear();
}

/// Far above what loopback needs
const PATIENCE: Duration = Duration::from_secs(30);

async fn lives<R: Runtime>(mut connection: Ours<R>) {
    connection.send("hello").await.unwrap();
    assert_eq!(connection.recv().await, Ok(Some(Message::from("done"))), "no answer is handed up");
    assert_eq!(connection.recv().await, Ok(None));
    // Five answers came, and no two beats are one: the last two tell of all before them.
    assert_eq!(connection.delivered(), 1);
    assert!(connection.round_trip().is_some());
}

pub(super) async fn of_clients<R: Runtime>() {
    let (mut acceptor, address) = acceptor::<R>(Settings::default()).await;
    let peer = client(address, |peer| api(upgraded(peer), masked));
    let (socket, ..) = accept(&mut acceptor).await.unwrap();
    lives::<R>(beating::<R>(socket, PATIENCE)).await;
    peer.join().unwrap();
}

pub(super) async fn of_servers<R: Runtime>() {
    let (url, peer) = server(|peer| api(granting(peer), plain));
    lives::<R>(beating::<R>(attempt::<R>(&url).await.unwrap(), PATIENCE)).await;
    peer.join().unwrap();
}

pub(super) async fn unanswered<R: Runtime>() {
    let (url, peer) = server(|peer| granting(peer).hear());
    let socket = attempt::<R>(&url).await.unwrap();
    let mut connection = beating::<R>(socket, Duration::from_millis(200));
    let cause = connection.recv().await.expect_err("nobody answers");
    assert!(matches!(cause, Cause::Dead { .. }), "{cause}");
    assert!(cause.to_string().contains("1 beat unanswered"), "{cause}");
    drop(connection);
    peer.join().unwrap();
}
