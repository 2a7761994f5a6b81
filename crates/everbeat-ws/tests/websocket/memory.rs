//! What a WebSocket holds: nothing that an idle one keeps, nothing on a header's word alone, no more
//! for a peer that stays slow.

use everbeat_core::transport::Outgoing;
use everbeat_ws::{Role, Settings, WebSocket};
use futures_util::{AsyncReadExt, AsyncWriteExt};

use crate::counting::{LIVE, PEAK};
use crate::support::{End, duplex, message, now, ready, recv, run, send, start};

#[test]
fn a_header_alone_reserves_nothing() {
    let (one, mut peer) = duplex(1 << 20, None);
    let mut ws = WebSocket::from_upgraded(one, Role::Client, Settings::default(), Vec::new());
    // 16 MiB are promised, and 40,000 bytes come
    let mut bytes = vec![0x82, 127];
    bytes.extend((16u64 << 20).to_be_bytes());
    bytes.extend([0; 40_000]);
    run(async { peer.write_all(&bytes).await.unwrap() });
    let before = LIVE.get();
    PEAK.set(before);
    assert!(now(recv(&mut ws)).is_none());
    let peak = PEAK.get() - before;
    assert!(peak < 4 * 40_000, "{peak} bytes for 40,000");
}

#[test]
fn an_idle_one_keeps_nothing() {
    let (one, mut peer) = duplex(4 << 20, None);
    let mut ws = WebSocket::from_upgraded(one, Role::Client, Settings::default(), Vec::new());
    let mut bytes = vec![0x82, 127];
    bytes.extend((1u64 << 20).to_be_bytes());
    bytes.extend(vec![7; 1 << 20]);
    run(async {
        // What the thread lends is not the connection's: let it have all it ever will
        for _ in 0..2 {
            peer.write_all(&bytes).await.unwrap();
            message(&mut ws).await;
            send(&mut ws, vec![7; 1 << 20].into()).await.unwrap();
        }
        assert!(now(recv(&mut ws)).is_none());
        let before = LIVE.get();
        peer.write_all(&bytes).await.unwrap();
        let heard = message(&mut ws).await;
        assert!(LIVE.get() - before >= 1 << 20);
        drop(heard);
        assert!(now(recv(&mut ws)).is_none());
        assert_eq!(LIVE.get(), before, "after a message in");
    });
}

/// A producer that uses every bit of room, against a peer that reads 1,000 bytes a round
///
/// Returns the most that was held, from half of the rounds on.
fn pressed(ws: &mut WebSocket<End>, peer: &mut End, rounds: usize) -> i64 {
    let mut bytes = [0; 1_000];
    let before = LIVE.get();
    for round in 0..rounds {
        if round == rounds / 2 {
            PEAK.set(LIVE.get());
        }
        while let Some(ready) = now(ready(ws)) {
            ready.unwrap();
            start(ws, Outgoing::Message(vec![7; 1_000].into())).unwrap();
        }
        run(peer.read_exact(&mut bytes)).unwrap();
    }
    PEAK.get() - before
}

#[test]
fn a_peer_that_stays_slow_costs_no_more_with_time() {
    for role in [Role::Client, Role::Server] {
        let (one, mut peer) = duplex(1_000, None);
        let mut ws = WebSocket::from_upgraded(one, role, Settings::default(), Vec::new());
        let most = pressed(&mut ws, &mut peer, 6_000);
        assert!(most < 256 << 10, "{most} bytes are held for {role:?}");
    }
}

#[test]
fn room_for_a_large_message_is_given_back_while_the_peer_stays_slow() {
    let (one, mut peer) = duplex(1_000, None);
    let settings = Settings::default().fragment(None);
    let mut ws = WebSocket::from_upgraded(one, Role::Server, settings, Vec::new());
    let before = LIVE.get();
    run(ready(&mut ws)).unwrap();
    start(&mut ws, Outgoing::Message(vec![7; 4 << 20].into())).unwrap();
    assert!(LIVE.get() - before >= 4 << 20);
    pressed(&mut ws, &mut peer, 6_000);
    let held = LIVE.get() - before;
    assert!(held < 256 << 10, "{held} bytes are held");
}
