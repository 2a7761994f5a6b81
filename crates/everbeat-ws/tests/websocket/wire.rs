//! What is on the wire, byte by byte: order of control frames and fragments, closing.

use std::io;
use std::pin::Pin;

use everbeat_core::cause::{Cause, CloseCode, CloseFrame, Cut};
use everbeat_core::transport::{Incoming, Outgoing, Transport};
use everbeat_ws::{Error, Role, Settings, WebSocket};
use futures_util::future::join;
use futures_util::{AsyncReadExt, AsyncWriteExt};

use crate::support::{End, close, duplex, flush, message, now, ready, recv, run, send, start};

pub(crate) fn pair(role: Role, settings: Settings) -> (WebSocket<End>, End) {
    let (one, other) = duplex(1 << 20, None);
    (WebSocket::from_upgraded(one, role, settings, Vec::new()), other)
}

/// A frame as a server writes it
pub(crate) fn plain(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        0..=125 => frame.push(payload.len() as u8),
        126..=0xffff => {
            frame.push(126);
            frame.extend((payload.len() as u16).to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

/// A frame as a client writes it
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = plain(first, payload);
    let header = frame.len() - payload.len();
    frame[1] |= 0x80;
    let mask = [7, 77, 177, 247];
    frame.splice(header..header, mask);
    for (i, byte) in frame[header + 4..].iter_mut().enumerate() {
        *byte ^= mask[i % 4];
    }
    frame
}

/// The next unmasked frame: its first byte and payload
async fn frame(end: &mut End) -> (u8, Vec<u8>) {
    let mut head = [0; 2];
    end.read_exact(&mut head).await.unwrap();
    let len = match head[1] {
        127 => {
            let mut len = [0; 8];
            end.read_exact(&mut len).await.unwrap();
            u64::from_be_bytes(len) as usize
        }
        126 => {
            let mut len = [0; 2];
            end.read_exact(&mut len).await.unwrap();
            u16::from_be_bytes(len) as usize
        }
        len => len as usize,
    };
    let mut payload = vec![0; len];
    end.read_exact(&mut payload).await.unwrap();
    (head[0], payload)
}

#[test]
fn a_ping_goes_between_the_frames_of_a_message() {
    let (one, mut peer) = duplex(1_000, None);
    let settings = Settings::default().fragment(Some(2_000));
    let mut ws = WebSocket::from_upgraded(one, Role::Server, settings, Vec::new());
    start(&mut ws, Outgoing::Message(vec![5; 5_000].into())).unwrap();
    // The pipe is full in the middle of the first frame; now two Pings come, the newer one counts
    assert!(now(flush(&mut ws)).is_none());
    start(&mut ws, Outgoing::Ping([1; 8])).unwrap();
    start(&mut ws, Outgoing::Ping([2; 8])).unwrap();
    let (flushed, frames) = run(join(flush(&mut ws), async {
        let mut frames = Vec::new();
        for _ in 0..4 {
            let (first, payload) = frame(&mut peer).await;
            frames.push((first, payload.len(), payload[0]));
        }
        frames
    }));
    flushed.unwrap();
    assert_eq!(frames, [(0x02, 2_000, 5), (0x89, 8, 2), (0x00, 2_000, 5), (0x80, 1_000, 5)]);
}

#[test]
fn a_close_ends_a_message_at_a_frame_and_nothing_follows() {
    let (one, mut peer) = duplex(1_000, None);
    let settings = Settings::default().fragment(Some(2_000));
    let mut ws = WebSocket::from_upgraded(one, Role::Server, settings, Vec::new());
    start(&mut ws, Outgoing::Message(vec![5; 5_000].into())).unwrap();
    assert!(now(flush(&mut ws)).is_none());
    start(&mut ws, Outgoing::Close(Some(CloseFrame::new(CloseCode::RESTART, "bye")))).unwrap();
    assert!(matches!(start(&mut ws, Outgoing::Ping([0; 8])), Err(Error::Closed)));
    assert!(matches!(now(ready(&mut ws)), Some(Err(Error::Closed))));
    let (_, (first, last)) =
        run(join(flush(&mut ws), async { (frame(&mut peer).await, frame(&mut peer).await) }));
    assert_eq!((first.0, first.1.len()), (0x02, 2_000));
    assert_eq!(last, (0x88, b"\x03\xf4bye".to_vec()));
}

#[test]
fn pongs_are_coalesced_to_the_newest_and_go_between_fragments() {
    let (one, mut peer) = duplex(200, None);
    let settings = Settings::default().fragment(Some(500));
    let mut ws = WebSocket::from_upgraded(one, Role::Server, settings, Vec::new());
    start(&mut ws, Outgoing::Message(vec![5; 1_000].into())).unwrap();
    assert!(now(flush(&mut ws)).is_none());
    run(async {
        for n in 0..5 {
            peer.write_all(&masked(0x89, &[n])).await.unwrap();
            assert_eq!(recv(&mut ws).await.unwrap().unwrap(), Incoming::Ping(vec![n].into()));
        }
    });
    let (flushed, frames) = run(join(flush(&mut ws), async {
        [frame(&mut peer).await, frame(&mut peer).await, frame(&mut peer).await]
    }));
    flushed.unwrap();
    assert_eq!(
        frames.map(|(first, payload)| (first, payload[0])),
        [(0x02, 5), (0x8a, 4), (0x80, 5)]
    );
}

#[test]
fn a_ping_between_fragments_is_answered_at_once() {
    let (mut ws, mut peer) = pair(Role::Server, Settings::default());
    run(async {
        peer.write_all(&masked(0x01, "grü".as_bytes())).await.unwrap();
        peer.write_all(&masked(0x89, b"now")).await.unwrap();
        assert_eq!(recv(&mut ws).await.unwrap().unwrap(), Incoming::Ping("now".into()));
        // Without a flush: hearing is enough
        assert_eq!(frame(&mut peer).await, (0x8a, b"now".to_vec()));
        assert!(!Pin::new(&mut ws).release(), "a message is open");
        peer.write_all(&masked(0x80, b"!")).await.unwrap();
        assert_eq!(message(&mut ws).await, "grü!".into());
        assert!(Pin::new(&mut ws).release());
    });
}

#[test]
fn what_is_not_whole_is_counted_byte_by_byte() {
    // A whole message, and one of three frames with a Ping among them
    let frames = [
        (masked(0x82, &[5; 300]), true),
        (masked(0x01, b"ab"), false),
        (masked(0x00, b""), false),
        (masked(0x89, b"ping"), false),
        (masked(0x80, &[b'c'; 70_000]), true),
    ];
    let (mut ws, mut peer) = pair(Role::Server, Settings::default());
    let mut before = 0;
    run(async {
        for (frame, last) in &frames {
            let is_ping = frame[0] == 0x89;
            for cut in 1..frame.len() {
                peer.write_all(&frame[cut - 1..cut]).await.unwrap();
                assert!(now(recv(&mut ws)).is_none());
                assert_eq!(ws.unfinished(), before + cut as u64);
                assert!(!Pin::new(&mut ws).release());
            }
            peer.write_all(&frame[frame.len() - 1..]).await.unwrap();
            let heard = now(recv(&mut ws)).is_some();
            assert_eq!(heard, *last || is_ping);
            before = if *last { 0 } else { before + if is_ping { 0 } else { frame.len() as u64 } };
            assert_eq!(ws.unfinished(), before);
            assert_eq!(Pin::new(&mut ws).release(), *last);
        }
    });
}

#[test]
fn a_character_may_be_cut_by_a_fragment() {
    let (mut ws, mut peer) = pair(Role::Server, Settings::default());
    run(async {
        peer.write_all(&masked(0x01, &[0xf0, 0x9f])).await.unwrap();
        peer.write_all(&masked(0x80, &[0xa6, 0x80])).await.unwrap();
        assert_eq!(message(&mut ws).await, "🦀".into());
    });
}

#[test]
fn a_server_closes_at_once_and_a_client_after_the_server() {
    let (one, other) = duplex(1 << 16, None);
    let settings = Settings::default();
    let mut client = WebSocket::from_upgraded(one, Role::Client, settings, Vec::new());
    let mut server = WebSocket::from_upgraded(other, Role::Server, settings, Vec::new());
    start(&mut client, Outgoing::Close(Some(CloseFrame::new(CloseCode(4001), "why")))).unwrap();
    run(flush(&mut client)).unwrap();
    assert!(now(close(&mut client)).is_none(), "waits for the server");
    let heard = run(recv(&mut server)).unwrap().unwrap();
    assert_eq!(heard, Incoming::Close(Some(CloseFrame::new(CloseCode(4001), "why"))));
    assert!(run(recv(&mut server)).is_none());
    assert!(matches!(now(close(&mut server)), Some(Ok(()))));
    // The reply was sent before the socket was closed, with the same code
    let (mut client, received) = {
        let heard = run(recv(&mut client)).unwrap().unwrap();
        assert!(matches!(heard, Incoming::Close(Some(frame)) if frame.code.0 == 4001));
        let received = client.received();
        (client, received)
    };
    assert!(matches!(now(close(&mut client)), Some(Ok(()))));
    assert_eq!(client.received(), received, "the totals outlive the socket");
    assert!(run(recv(&mut client)).is_none());
    assert!(matches!(now(close(&mut client)), Some(Ok(()))), "and once more does nothing");
}

#[test]
fn a_server_that_closes_first_takes_unread_bytes_away() {
    let (mut ws, mut peer) = pair(Role::Server, Settings::default());
    start(&mut ws, Outgoing::Close(None)).unwrap();
    run(async {
        peer.write_all(&[0x55; 300_000]).await.unwrap();
        assert!(now(close(&mut ws)).is_none(), "the peer has not ended its half");
        assert_eq!(frame(&mut peer).await, (0x88, vec![]));
        assert_eq!(peer.read(&mut [0; 1]).await.unwrap(), 0, "our half has ended");
        peer.close().await.unwrap();
        close(&mut ws).await.unwrap();
        assert_eq!(ws.received(), 300_000);
    });
}

#[test]
fn a_stream_that_ends_is_cut_wherever_it_ends() {
    let bytes = [masked(0x01, b"ab"), masked(0x80, b"cd")].concat();
    for cut in 0..bytes.len() {
        let (mut ws, mut peer) = pair(Role::Server, Settings::default());
        run(async {
            peer.write_all(&bytes[..cut]).await.unwrap();
            peer.close().await.unwrap();
            let error = recv(&mut ws).await.unwrap().unwrap_err();
            assert!(matches!(error.classify(), Cause::Cut { how: Cut::End, .. }), "{error:?}");
            assert!(recv(&mut ws).await.is_none());
        });
    }
}

#[test]
fn a_failed_write_is_told_behind_what_can_still_be_read() {
    let (mut ws, mut peer) = pair(Role::Server, Settings::default());
    run(async {
        peer.write_all(&masked(0x89, b"p")).await.unwrap();
        peer.write_all(&masked(0x81, b"last")).await.unwrap();
        drop(peer);
        assert_eq!(recv(&mut ws).await.unwrap().unwrap(), Incoming::Ping("p".into()));
        assert_eq!(recv(&mut ws).await.unwrap().unwrap(), Incoming::Message("last".into()));
        let error = recv(&mut ws).await.unwrap().unwrap_err();
        assert!(
            matches!(&error, Error::Io(e) if e.kind() == io::ErrorKind::BrokenPipe),
            "{error:?}"
        );
        assert!(matches!(error.classify(), Cause::Cut { how: Cut::Reset, .. }));
    });
}

#[test]
fn backpressure_stops_at_64_kib_or_one_message() {
    let (one, _peer) = duplex(1, None);
    let mut ws = WebSocket::from_upgraded(one, Role::Server, Settings::default(), Vec::new());
    let mut taken = 0;
    while let Some(Ok(())) = now(ready(&mut ws)) {
        start(&mut ws, Outgoing::Message(vec![0; 1_000].into())).unwrap();
        taken += 1;
    }
    assert_eq!(taken, (64usize << 10).div_ceil(1_004));
    let (one, _peer) = duplex(1, None);
    let mut ws = WebSocket::from_upgraded(one, Role::Server, Settings::default(), Vec::new());
    start(&mut ws, Outgoing::Message(vec![0; 1 << 20].into())).unwrap();
    assert!(now(ready(&mut ws)).is_none(), "one message in fragments is enough");
}

#[test]
fn what_is_small_stays_behind_as_many_large_ones_as_there_are() {
    let (near, mut peer) = duplex(2_000, None);
    let widen = near.narrow();
    let mut ws = WebSocket::from_upgraded(near, Role::Server, Settings::default(), Vec::new());
    run(async {
        // Written from where they lie, more of them than one write takes, and one that is copied
        let mut sent = Vec::new();
        for large in 0..12 {
            sent.push(vec![large; 5_000]);
        }
        sent.push(vec![99; 10]);
        for payload in &sent {
            ready(&mut ws).await.unwrap();
            start(&mut ws, Outgoing::Message(payload.clone().into())).unwrap();
        }
        // The first one's header is written, so that the next write has room for a piece more
        assert!(now(flush(&mut ws)).is_none());
        let mut heard = vec![0; 2_000];
        peer.read_exact(&mut heard).await.unwrap();
        widen(1 << 20);
        flush(&mut ws).await.unwrap();
        drop(ws);
        peer.read_to_end(&mut heard).await.unwrap();
        let expected: Vec<u8> = sent.iter().flat_map(|payload| plain(0x82, payload)).collect();
        assert_eq!(heard, expected);
    });
}

#[test]
fn after_an_abort_nothing_is_left() {
    let (mut ws, mut peer) = pair(Role::Server, Settings::default());
    run(async {
        send(&mut ws, "hello".into()).await.unwrap();
        peer.write_all(&masked(0x81, b"abc")[..4]).await.unwrap();
        assert!(now(recv(&mut ws)).is_none());
        let (sent, received) = (ws.sent(), ws.received());
        assert_eq!((sent, received), (7, 4));
        Pin::new(&mut ws).abort();
        assert_eq!((ws.sent(), ws.received()), (sent, received));
        assert!(Pin::new(&mut ws).release());
        assert!(recv(&mut ws).await.is_none());
        assert!(matches!(ready(&mut ws).await, Err(Error::Closed)));
        assert!(matches!(flush(&mut ws).await, Err(Error::Closed)));
        assert!(matches!(start(&mut ws, Outgoing::Close(None)), Err(Error::Closed)));
        let mut rest = Vec::new();
        peer.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, plain(0x81, b"hello"), "no Close");
    });
}
