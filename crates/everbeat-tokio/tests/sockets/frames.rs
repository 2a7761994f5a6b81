//! Frames that break a rule or a limit: typed cause, close code on the wire, no growth.

use std::io::ErrorKind;
use std::pin::Pin;

use everbeat_tokio::Message;
use everbeat_tokio::core::cause::{Cause, Cut};
use everbeat_tokio::transport::{Incoming, Outgoing, Settings, Transport, WebSocket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::join;
use tokio::net::TcpStream;

use crate::peer::{
    accept, acceptor, attempt, close_code, frame, grant, listener, masked, request, served, soon,
};

/// What a server says, in its cause and on the wire, to a client that sends these bytes
async fn violation(bytes: &[u8], settings: Settings) -> (u16, String) {
    let (mut connection, mut peer) = served(settings).await;
    let (heard, code) = soon(async {
        join!(connection.recv(), async {
            peer.write_all(bytes).await.unwrap();
            let code = close_code(&mut peer).await;
            drop(peer);
            code
        })
    })
    .await;
    let Err(Cause::Violation { code: told, detail }) = heard else { panic!("{heard:?}") };
    assert_eq!(told.0, code, "the cause and the wire agree");
    (code, detail.to_string())
}

#[tokio::test]
async fn an_oversized_frame_is_1009_by_its_header_alone() {
    let header = &masked(0x82, &[0; 1_001])[..8];
    let (code, detail) = violation(header, Settings::default().max_frame(1_000)).await;
    assert_eq!((code, &*detail), (1009, "a frame of 1001 bytes: at most 1000 (`max_frame`)"));
}

#[tokio::test]
async fn an_oversized_message_of_small_fragments_is_1009() {
    let mut bytes = masked(0x02, &[0; 100]);
    for _ in 0..10 {
        bytes.extend(masked(0x00, &[0; 100]));
    }
    let (code, detail) = violation(&bytes, Settings::default().max_message(1_000)).await;
    assert_eq!(code, 1009);
    assert_eq!(detail, "a message of 1100 bytes or more: at most 1000 (`max_message`)");
}

#[tokio::test]
async fn text_that_is_not_utf8_is_1007() {
    let (code, detail) = violation(&masked(0x81, b"abc\xff"), Settings::default()).await;
    assert_eq!((code, &*detail), (1007, "text that is not UTF-8"));
}

#[tokio::test]
async fn text_that_is_not_utf8_across_fragments_is_1007() {
    let bytes = [masked(0x01, b"abc\xf0\x9f"), masked(0x80, b"abc")].concat();
    let (code, detail) = violation(&bytes, Settings::default()).await;
    assert_eq!((code, &*detail), (1007, "text that is not UTF-8"));
}

#[tokio::test]
async fn a_frame_without_a_mask_is_1002() {
    let (code, detail) = violation(&[0x81, 1, b'a'], Settings::default()).await;
    assert_eq!((code, &*detail), (1002, "a frame without mask from a client"));
}

#[tokio::test]
async fn a_reserved_bit_is_1002() {
    let (code, _) = violation(&masked(0xc1, b"a"), Settings::default()).await;
    assert_eq!(code, 1002);
}

async fn recv(ws: &mut WebSocket) -> Option<Result<Incoming, everbeat_tokio::transport::Error>> {
    std::future::poll_fn(|cx| Pin::new(&mut *ws).poll_recv(cx)).await
}

async fn flush(ws: &mut WebSocket) -> Result<(), everbeat_tokio::transport::Error> {
    std::future::poll_fn(|cx| Pin::new(&mut *ws).poll_flush(cx)).await
}

#[tokio::test]
async fn bytes_glued_to_the_101_are_not_lost() {
    let listener = listener().await;
    let (attempted, peer) = soon(async {
        join!(attempt(&listener, |connector| connector), async {
            let (mut stream, head) = request(&listener).await;
            let glued = [grant(&head).as_bytes(), &[0x81, 3], b"one", &[0x82, 2, 7, 8]].concat();
            stream.write_all(&glued).await.unwrap();
            stream
        })
    })
    .await;
    let mut ws = attempted.unwrap();
    let heard = [recv(&mut ws).await.unwrap().unwrap(), recv(&mut ws).await.unwrap().unwrap()];
    assert_eq!(
        heard,
        [Incoming::Message("one".into()), Incoming::Message(Message::from(vec![7, 8]))]
    );
    drop(peer);
}

/// A server's transport and a raw client
async fn raw(settings: Settings) -> (WebSocket, TcpStream) {
    let (mut acceptor, mut peer) = acceptor(settings).await;
    peer.write_all(crate::peer::ASK.as_bytes()).await.unwrap();
    let (ws, ..) = accept(&mut acceptor).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(peer.read_u8().await.unwrap());
    }
    (ws, peer)
}

#[tokio::test]
async fn a_ping_goes_between_the_frames_of_a_big_message() {
    let (mut ws, mut peer) = raw(Settings::default()).await;
    // Far more than the kernels of both sides hold
    let size = 24 << 20;
    Pin::new(&mut ws).start_send(Outgoing::Message(vec![5; size].into())).unwrap();
    let blocked = tokio::time::timeout(std::time::Duration::from_millis(300), flush(&mut ws)).await;
    assert!(blocked.is_err(), "the peer does not read");
    let before = ws.sent();
    Pin::new(&mut ws).start_send(Outgoing::Ping(*b"deadbeef")).unwrap();
    let (flushed, (ping_at, total)) = soon(async {
        join!(flush(&mut ws), async {
            let (mut total, mut ping_at) = (0, None);
            loop {
                let (first, payload) = frame(&mut peer).await;
                match first & 0x0f {
                    9 => ping_at = Some((total, payload)),
                    _ => total += payload.len(),
                }
                if first == 0x80 {
                    break (ping_at, total);
                }
            }
        })
    })
    .await;
    flushed.unwrap();
    assert_eq!(total, size);
    let (ping_at, payload) = ping_at.expect("a Ping before the message's last frame");
    assert_eq!(payload, b"deadbeef");
    // Behind what was on its way: what the kernel had, and the frame in hand
    assert!(ping_at as u64 <= before + 2 * (64 << 10), "{ping_at} of {before}");
}

#[tokio::test]
async fn an_abort_is_a_reset() {
    let (mut ws, mut peer) = raw(Settings::default()).await;
    Pin::new(&mut ws).start_send(Outgoing::Message("unread".into())).unwrap();
    flush(&mut ws).await.unwrap();
    Pin::new(&mut ws).abort();
    let mut rest = Vec::new();
    let error = soon(peer.read_to_end(&mut rest)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_reset_by_the_peer_is_told_as_one() {
    let (mut ws, peer) = raw(Settings::default()).await;
    peer.set_zero_linger().unwrap();
    drop(peer);
    let error = soon(recv(&mut ws)).await.unwrap().unwrap_err();
    assert!(matches!(error.classify(), Cause::Cut { how: Cut::Reset, .. }), "{error:?}");
}

#[tokio::test]
async fn a_close_is_answered_and_the_server_goes_first() {
    let (mut connection, mut peer) = served(Settings::default()).await;
    let (heard, ()) = soon(async {
        join!(connection.recv(), async {
            peer.write_all(&masked(0x88, &[0x03, 0xe8])).await.unwrap();
            assert_eq!(close_code(&mut peer).await, 1000);
            assert_eq!(peer.read(&mut [0; 1]).await.unwrap(), 0);
        })
    })
    .await;
    assert_eq!(heard, Ok(None));
}
