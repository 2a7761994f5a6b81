//! Raw peers: bad requests, bad frames, and one in a hurry.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{ask, asked, frame, head, masked, raw, soon, start};

const CLOSE: u8 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_request_is_answered_as_an_acceptor_of_ours_would() {
    let inside = start();
    for (method, changed, status) in [
        ("POST", ("Host", "test"), 405),
        ("GET", ("Upgrade", "h2c"), 426),
        ("GET", ("Connection", "close"), 426),
        ("GET", ("Sec-WebSocket-Version", "8"), 426),
        ("GET", ("Sec-WebSocket-Key", "short"), 400),
        ("GET", ("Host", ""), 400),
    ] {
        soon(async {
            let mut stream = TcpStream::connect(inside.address).await.unwrap();
            let ask = ask("/echo", &[changed]).replacen("GET", method, 1);
            let head = asked(&mut stream, &ask).await.to_lowercase();
            assert!(head.starts_with(&format!("http/1.1 {status} ")), "{changed:?}: {head}");
            let version = head.contains("sec-websocket-version: 13");
            assert_eq!(version, status == 426, "{changed:?}: {head}");
            // RFC 9110, section 7.8: who says `Upgrade` says it in `Connection` too
            for says in ["\r\nconnection: upgrade\r\n", "\r\nupgrade: websocket\r\n"] {
                assert_eq!(head.contains(says), status == 426, "{changed:?}: {head}");
            }
            assert_eq!(head.contains("\r\nallow: get\r\n"), status == 405, "{head}");
        })
        .await;
    }
    let page = [("Origin", "https://evil.example"), ("Cookie", "id=7")];
    let mut stream = TcpStream::connect(inside.address).await.unwrap();
    let refused = soon(asked(&mut stream, &ask("/echo", &page))).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_client_sends_along_with_its_request_is_not_lost() {
    let inside = start();
    soon(async {
        let mut peer = TcpStream::connect(inside.address).await.unwrap();
        let hasty = [ask("/echo", &[]).as_bytes(), &masked(1, b"hasty")].concat();
        peer.write_all(&hasty).await.unwrap();
        let head = head(&mut peer).await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        assert_eq!(frame(&mut peer).await, (1, b"hello, raw".to_vec()));
        assert_eq!(frame(&mut peer).await, (1, b"hasty".to_vec()));
    })
    .await;
}
