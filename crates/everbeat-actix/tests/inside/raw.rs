//! Raw peers: bad requests, bad frames, silence, and sockets that are gone.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Inside, PROMISE, ask, frame, head, masked, raw, soon, start};

const CLOSE: u8 = 8;
const PING: u8 = 9;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_request_is_answered_as_an_acceptor_of_ours_would() {
    let inside = start();
    for (changed, status) in [
        (("Upgrade", "h2c"), 426),
        (("Connection", "close"), 426),
        (("Sec-WebSocket-Version", "8"), 426),
        (("Sec-WebSocket-Key", "short"), 400),
        (("Host", ""), 400),
    ] {
        soon(async {
            let mut stream = TcpStream::connect(inside.address).await.unwrap();
            stream.write_all(ask(&[changed]).as_bytes()).await.unwrap();
            let head = head(&mut stream).await.to_lowercase();
            assert!(head.starts_with(&format!("http/1.1 {status} ")), "{changed:?}: {head}");
            let version = head.contains("sec-websocket-version: 13");
            assert_eq!(version, status == 426, "{changed:?}: {head}");
        })
        .await;
    }
    let page = [("Origin", "https://evil.example"), ("Cookie", "id=7")];
    let mut stream = TcpStream::connect(inside.address).await.unwrap();
    stream.write_all(ask(&page).as_bytes()).await.unwrap();
    let refused = soon(head(&mut stream)).await;
    assert!(refused.starts_with("HTTP/1.1 403"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_frame_ends_it_with_its_code_and_the_stream() {
    let inside = start();
    let too_long = [&[0x82, 0xff][..], &(3_u64 << 20).to_be_bytes(), &[0; 4]].concat();
    for (bytes, code) in [
        (vec![0x81, 0x01, b'a'], 1002_u16),
        (masked(3, b""), 1002),
        (masked(1, b"\xff"), 1007),
        (too_long, 1009),
    ] {
        soon(async {
            let mut peer = raw(&inside).await;
            peer.write_all(&bytes).await.unwrap();
            let (opcode, payload) = frame(&mut peer).await;
            assert_eq!((opcode, &payload[..2]), (CLOSE, &code.to_be_bytes()[..]), "{bytes:?}");
            peer.write_all(&masked(CLOSE, &payload[..2])).await.unwrap();
            assert_eq!(peer.read(&mut [0; 9]).await.unwrap(), 0, "{bytes:?}");
        })
        .await;
    }
}

/// How long it takes until nobody is registered
async fn nobody_after(inside: &Inside, began: Instant) -> Duration {
    while !inside.sockets.registry().handles().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_silent_is_asked_and_then_gone_with_his_socket() {
    let inside = start();
    soon(async {
        let began = Instant::now();
        let mut peer = raw(&inside).await;
        assert_eq!(frame(&mut peer).await.0, PING);
        let took = nobody_after(&inside, began).await;
        // What a busy machine may add to it
        assert!(took <= PROMISE + Duration::from_secs(5), "{took:?}");
        let mut rest = Vec::new();
        // Its end or a reset
        _ = peer.read_to_end(&mut rest).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_gone_is_gone_at_once() {
    let inside = start();
    soon(async {
        let peer = raw(&inside).await;
        let began = Instant::now();
        drop(peer);
        let took = nobody_after(&inside, began).await;
        assert!(took < PROMISE / 2 + Duration::from_secs(5), "{took:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_is_held_up_and_then_gone() {
    let inside = start();
    soon(async {
        let mut peer = raw(&inside).await;
        let large = [&[0x82, 0xfe, 0xff, 0xff, 0, 0, 0, 0][..], &[7; 65_535]].concat();
        let mut taken = 0_usize;
        // Echoes that nobody reads: the server takes what its buffers and the kernel's hold
        while let Ok(Ok(())) = tokio::time::timeout(PROMISE / 4, peer.write_all(&large)).await {
            taken += large.len();
            assert!(taken < 64 << 20, "nobody holds it up");
        }
        let began = Instant::now();
        let took = nobody_after(&inside, began).await;
        assert!(took < Duration::from_secs(20), "{took:?}");
    })
    .await;
}
