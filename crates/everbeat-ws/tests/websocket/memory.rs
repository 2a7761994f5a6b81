//! What a WebSocket holds: nothing that an idle one keeps, nothing on a header's word alone, no more
//! for a peer that stays slow.

use std::pin::Pin;

use bytes::Bytes;
use everbeat_core::transport::{Outgoing, Transport};
use everbeat_ws::{Role, Settings, WebSocket};
use futures_util::{AsyncReadExt, AsyncWriteExt};

use crate::counting::{LIVE, PEAK};
use crate::support::{End, duplex, flush, message, now, ready, recv, run, send, start};
use crate::wire::plain;

#[test]
fn a_header_alone_reserves_nothing() {
    // The process's first large message has a block of its own once
    held_of_a_promise(100_000);
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

/// What a WebSocket holds of a frame of 16 MiB, of which so many bytes have arrived
fn held_of_a_promise(arrived: usize) -> i64 {
    let (one, mut peer) = duplex(1 << 20, None);
    let mut ws = WebSocket::from_upgraded(one, Role::Client, Settings::default(), Vec::new());
    assert!(now(recv(&mut ws)).is_none());
    let before = LIVE.get();
    let mut bytes = vec![0x82, 127];
    bytes.extend((16u64 << 20).to_be_bytes());
    bytes.extend(vec![0; arrived]);
    run(async { peer.write_all(&bytes).await.unwrap() });
    let pipe = LIVE.get();
    assert!(now(recv(&mut ws)).is_none());
    assert_eq!(ws.unfinished(), 10 + arrived as u64);
    drop(bytes);
    let held = LIVE.get() - pipe;
    Pin::new(&mut ws).abort();
    assert!(LIVE.get() - before <= pipe - before, "nothing stays behind the socket");
    held
}

#[test]
fn who_stops_in_mid_message_is_given_room_for_what_has_arrived() {
    // The thread lends from here on
    held_of_a_promise(100_000);
    assert!(held_of_a_promise(0) < 1_000, "a header");
    for arrived in [1, 100, 1_024] {
        assert!(held_of_a_promise(arrived) < 6_000, "{arrived} bytes");
    }
    for arrived in [2_000, 16_384, 40_000, 300_000] {
        let held = held_of_a_promise(arrived);
        assert!(held < 4 * arrived as i64 + 1_000, "{held} for {arrived}");
    }
}

#[test]
fn a_large_message_has_room_of_its_own_size() {
    const LEN: usize = 100_000;
    let (one, mut peer) = duplex(4 << 20, None);
    let mut ws = WebSocket::from_upgraded(one, Role::Client, Settings::default(), Vec::new());
    let mut frame = vec![0x82, 127];
    frame.extend((LEN as u64).to_be_bytes());
    frame.extend([7; LEN]);
    run(async {
        peer.write_all(&frame).await.unwrap();
        drop(message(&mut ws).await);
        assert!(now(recv(&mut ws)).is_none());
        peer.write_all(&frame).await.unwrap();
        let before = LIVE.get();
        PEAK.set(before);
        let heard = message(&mut ws).await;
        assert!(now(recv(&mut ws)).is_none());
        // The room that the first one asked for, and a little box that knows it
        let held = (LIVE.get() - before) as usize;
        assert!((LEN..LEN + 1_200).contains(&held), "{held} bytes");
        // It was read into what was handed up, moved once on the way, and what is that for it
        let peak = PEAK.get() - before;
        assert!(peak < 2 * LEN as i64, "{peak} bytes at most");
        assert_eq!(heard.len(), LEN);
    });
}

#[test]
fn slow_readers_of_one_message_share_it() {
    const READERS: usize = 50;
    let message = Bytes::from(vec![7; 60_000]);
    let settings = Settings::default();
    let mut ends: Vec<_> = (0..READERS)
        .map(|_| {
            let (one, peer) = duplex(1_000, None);
            (WebSocket::from_upgraded(one, Role::Server, settings, Vec::new()), peer)
        })
        .collect();
    let before = LIVE.get();
    for (ws, _) in &mut ends {
        while let Some(ready) = now(ready(ws)) {
            ready.unwrap();
            start(ws, Outgoing::Message(message.clone().into())).unwrap();
        }
    }
    let each = (LIVE.get() - before) / READERS as i64;
    // The pipe's own thousand bytes are among them
    assert!(each < 2_500, "{each} bytes for each reader");
    for (ws, peer) in &mut ends {
        let (flushed, ()) = run(futures_util::future::join(flush(ws), async {
            for _ in 0..2 {
                let mut header = [0; 4];
                peer.read_exact(&mut header).await.unwrap();
                assert_eq!(header, [0x82, 126, 0xea, 0x60]);
                let mut payload = vec![0; 60_000];
                peer.read_exact(&mut payload).await.unwrap();
                assert_eq!(payload, message);
            }
        }));
        flushed.unwrap();
        assert!(Pin::new(ws).release());
    }
}

#[test]
fn what_is_copied_and_what_is_shared_keep_their_order_for_a_slow_reader() {
    const LENGTHS: [usize; 7] = [4_200, 4_200, 1_000, 4_200, 10, 8_000, 3_000];
    let (one, mut peer) = duplex(1_000, None);
    let mut ws = WebSocket::from_upgraded(one, Role::Server, Settings::default(), Vec::new());
    // Long stretches of either kind, too
    let length = |at: usize| match at / 100 % 3 {
        0 => LENGTHS[at % LENGTHS.len()],
        1 => 4_096,
        _ => 1_000,
    };
    let messages = (0..900).map(|at| vec![at as u8; length(at)]).collect::<Vec<_>>();
    let expected = messages.iter().flat_map(|payload| plain(0x82, payload)).collect::<Vec<_>>();
    let mut messages = messages.into_iter();
    let mut heard = Vec::<u8>::new();
    let mut bytes = [0; 700];
    while heard.len() < expected.len() {
        while let (1.., Some(ready)) = (messages.len(), now(ready(&mut ws))) {
            ready.unwrap();
            start(&mut ws, Outgoing::Message(messages.next().unwrap().into())).unwrap();
        }
        _ = now(flush(&mut ws));
        let count = now(peer.read(&mut bytes)).unwrap().unwrap();
        heard.extend(&bytes[..count]);
    }
    assert!(heard == expected, "the same bytes");
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
