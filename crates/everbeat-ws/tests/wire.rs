//! What is on the wire, byte by byte: order of control frames and fragments, closing, violations
//! with their close codes, bytes glued to heads.

mod support;

use std::io;
use std::pin::Pin;

use everbeat_core::Message;
use everbeat_core::cause::{Cause, CloseCode, CloseFrame, Cut};
use everbeat_core::transport::{Incoming, Outgoing, Transport};
use everbeat_ws::upgrade::UpgradeError;
use everbeat_ws::{Error, ProtocolError, Request, Role, Settings, WebSocket};
use futures_util::future::join;
use futures_util::{AsyncReadExt, AsyncWriteExt};
use support::{End, close, duplex, flush, message, now, ready, recv, run, send, start};

fn pair(role: Role, settings: Settings) -> (WebSocket<End>, End) {
    let (one, other) = duplex(1 << 20, None);
    (
        WebSocket::from_upgraded(one, role, settings, Vec::new()),
        other,
    )
}

/// A frame as a server writes it
fn plain(first: u8, payload: &[u8]) -> Vec<u8> {
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
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
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
    assert_eq!(
        frames,
        [
            (0x02, 2_000, 5),
            (0x89, 8, 2),
            (0x00, 2_000, 5),
            (0x80, 1_000, 5)
        ]
    );
}

#[test]
fn a_close_ends_a_message_at_a_frame_and_nothing_follows() {
    let (one, mut peer) = duplex(1_000, None);
    let settings = Settings::default().fragment(Some(2_000));
    let mut ws = WebSocket::from_upgraded(one, Role::Server, settings, Vec::new());
    start(&mut ws, Outgoing::Message(vec![5; 5_000].into())).unwrap();
    assert!(now(flush(&mut ws)).is_none());
    start(
        &mut ws,
        Outgoing::Close(Some(CloseFrame::new(CloseCode::RESTART, "bye"))),
    )
    .unwrap();
    assert!(matches!(
        start(&mut ws, Outgoing::Ping([0; 8])),
        Err(Error::Closed)
    ));
    assert!(matches!(now(ready(&mut ws)), Some(Err(Error::Closed))));
    let (_, (first, last)) = run(join(flush(&mut ws), async {
        (frame(&mut peer).await, frame(&mut peer).await)
    }));
    assert_eq!((first.0, first.1.len()), (0x02, 2_000));
    assert_eq!(last, (0x88, b"\x03\xf4bye".to_vec()));
}

#[test]
fn pongs_are_coalesced_to_the_newest_and_go_between_fragments() {
    let (one, mut peer) = duplex(200, None);
    let settings = Settings::default().fragment(Some(500));
    let mut ws = WebSocket::from_upgraded(one, Role::Client, Settings::default(), Vec::new());
    drop(ws);
    (ws, peer) = {
        let (one, other) = duplex(200, None);
        drop(peer);
        (
            WebSocket::from_upgraded(one, Role::Server, settings, Vec::new()),
            other,
        )
    };
    start(&mut ws, Outgoing::Message(vec![5; 1_000].into())).unwrap();
    assert!(now(flush(&mut ws)).is_none());
    run(async {
        for n in 0..5 {
            peer.write_all(&masked(0x89, &[n])).await.unwrap();
            assert_eq!(
                recv(&mut ws).await.unwrap().unwrap(),
                Incoming::Ping(vec![n].into())
            );
        }
    });
    let (flushed, frames) = run(join(flush(&mut ws), async {
        [
            frame(&mut peer).await,
            frame(&mut peer).await,
            frame(&mut peer).await,
        ]
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
        peer.write_all(&masked(0x01, "grü".as_bytes()))
            .await
            .unwrap();
        peer.write_all(&masked(0x89, b"now")).await.unwrap();
        assert_eq!(
            recv(&mut ws).await.unwrap().unwrap(),
            Incoming::Ping("now".into())
        );
        // Without a flush: hearing is enough
        assert_eq!(frame(&mut peer).await, (0x8a, b"now".to_vec()));
        assert!(!Pin::new(&mut ws).release(), "a message is open");
        peer.write_all(&masked(0x80, b"!")).await.unwrap();
        assert_eq!(message(&mut ws).await, "grü!".into());
        assert!(Pin::new(&mut ws).release());
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
fn violations_have_their_codes() {
    use ProtocolError as P;
    let big = Settings::default().max_frame(1_000).max_message(1_500);
    let oversized = [plain(0x02, &[0; 1_000]), plain(0x80, &[0; 501])].concat();
    let cases: Vec<(Role, Vec<u8>, P, u16)> = vec![
        (Role::Client, masked(0x81, b"a"), P::Masked, 1002),
        (Role::Server, plain(0x81, b"a"), P::Unmasked, 1002),
        (Role::Client, plain(0xc1, b"a"), P::ReservedBit, 1002),
        (Role::Client, plain(0x83, b"a"), P::Opcode(3), 1002),
        (Role::Client, plain(0x8b, b"a"), P::Opcode(11), 1002),
        (Role::Client, plain(0x09, b"a"), P::FragmentedControl, 1002),
        (
            Role::Client,
            plain(0x89, &[0; 126]),
            P::LongControl(126),
            1002,
        ),
        (Role::Client, plain(0x80, b"a"), P::Continuation, 1002),
        (
            Role::Client,
            [plain(0x01, b"a"), plain(0x81, b"b")].concat(),
            P::Interleaved,
            1002,
        ),
        (Role::Client, plain(0x88, &[3]), P::CloseLength, 1002),
        (
            Role::Client,
            plain(0x88, &[3, 237]),
            P::Code(CloseCode(1005)),
            1002,
        ),
        (Role::Client, plain(0x88, &[3, 232, 0xff]), P::Utf8, 1007),
        (Role::Client, plain(0x81, &[0xff]), P::Utf8, 1007),
        (
            Role::Client,
            [plain(0x01, &[0xf0]), plain(0x80, b"a")].concat(),
            P::Utf8,
            1007,
        ),
        (Role::Client, plain(0x81, &[0xf0, 0x9f]), P::Utf8, 1007),
        (
            Role::Server,
            masked(0x81, &[0xff; 6_000][..900]),
            P::Utf8,
            1007,
        ),
        // Only the header: the payload is not waited for
        (
            Role::Client,
            plain(0x82, &[0; 1_001])[..4].to_vec(),
            P::FrameTooLong {
                bytes: 1_001,
                max: 1_000,
            },
            1009,
        ),
        (
            Role::Client,
            oversized,
            P::MessageTooLong {
                bytes: 1_501,
                max: 1_500,
            },
            1009,
        ),
    ];
    for (role, bytes, expected, code) in cases {
        let (mut ws, mut peer) = pair(role, big);
        run(async {
            peer.write_all(&bytes).await.unwrap();
            let error = recv(&mut ws).await.unwrap().unwrap_err();
            assert!(
                matches!(error, Error::Protocol(found) if found == expected),
                "{error:?}"
            );
            let Cause::Violation { code: told, detail } = error.classify() else {
                panic!("{error:?}");
            };
            assert_eq!((told.0, detail), (code, expected.to_string().into()));
            assert!(recv(&mut ws).await.is_none(), "and no more");
            // The peer can still be told, and its further bytes do no harm
            start(&mut ws, Outgoing::Close(Some(told.into()))).unwrap();
            peer.write_all(&[0xff; 100]).await.unwrap();
            flush(&mut ws).await.unwrap();
        });
    }
}

#[test]
fn a_server_closes_at_once_and_a_client_after_the_server() {
    let (one, other) = duplex(1 << 16, None);
    let settings = Settings::default();
    let mut client = WebSocket::from_upgraded(one, Role::Client, settings, Vec::new());
    let mut server = WebSocket::from_upgraded(other, Role::Server, settings, Vec::new());
    start(
        &mut client,
        Outgoing::Close(Some(CloseFrame::new(CloseCode(4001), "why"))),
    )
    .unwrap();
    run(flush(&mut client)).unwrap();
    assert!(now(close(&mut client)).is_none(), "waits for the server");
    let heard = run(recv(&mut server)).unwrap().unwrap();
    assert_eq!(
        heard,
        Incoming::Close(Some(CloseFrame::new(CloseCode(4001), "why")))
    );
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
    assert!(
        matches!(now(close(&mut client)), Some(Ok(()))),
        "and once more does nothing"
    );
}

#[test]
fn a_server_that_closes_first_takes_unread_bytes_away() {
    let (mut ws, mut peer) = pair(Role::Server, Settings::default());
    start(&mut ws, Outgoing::Close(None)).unwrap();
    run(async {
        peer.write_all(&[0x55; 300_000]).await.unwrap();
        assert!(
            now(close(&mut ws)).is_none(),
            "the peer has not ended its half"
        );
        assert_eq!(frame(&mut peer).await, (0x88, vec![]));
        assert_eq!(
            peer.read(&mut [0; 1]).await.unwrap(),
            0,
            "our half has ended"
        );
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
            assert!(
                matches!(error.classify(), Cause::Cut { how: Cut::End, .. }),
                "{error:?}"
            );
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
        assert_eq!(
            recv(&mut ws).await.unwrap().unwrap(),
            Incoming::Ping("p".into())
        );
        assert_eq!(
            recv(&mut ws).await.unwrap().unwrap(),
            Incoming::Message("last".into())
        );
        let error = recv(&mut ws).await.unwrap().unwrap_err();
        assert!(
            matches!(&error, Error::Io(e) if e.kind() == io::ErrorKind::BrokenPipe),
            "{error:?}"
        );
        assert!(matches!(
            error.classify(),
            Cause::Cut {
                how: Cut::Reset,
                ..
            }
        ));
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
    assert!(
        now(ready(&mut ws)).is_none(),
        "one message in fragments is enough"
    );
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
        assert!(matches!(
            start(&mut ws, Outgoing::Close(None)),
            Err(Error::Closed)
        ));
        let mut rest = Vec::new();
        peer.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, plain(0x81, b"hello"), "no Close");
    });
}

const ASK: &str = "GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// What a server answers to these bytes, and the error it ends with
fn answer(bytes: &[u8], settings: Settings) -> (String, UpgradeError) {
    let (one, mut peer) = duplex(1 << 20, None);
    run(async {
        let (accepted, text) = join(WebSocket::accept(one, settings), async {
            peer.write_all(bytes).await.unwrap();
            let mut text = String::new();
            if bytes.is_empty() {
                peer.close().await.unwrap();
            }
            peer.read_to_string(&mut text).await.unwrap();
            drop(peer);
            text
        })
        .await;
        (text, accepted.map(drop).unwrap_err())
    })
}

#[test]
fn a_bad_request_is_answered_with_its_status() {
    let cases: Vec<(String, &str, &str)> = vec![
        (ASK.replace("GET", "PUT"), "405", "GET"),
        (ASK.replace("HTTP/1.1", "HTTP/1.0"), "400", "HTTP/1.1"),
        (ASK.replace("Upgrade: websocket\r\n", ""), "426", "Upgrade"),
        (
            ASK.replace("Connection: Upgrade\r\n", ""),
            "426",
            "Connection",
        ),
        (
            ASK.replace("Version: 13", "Version: 8"),
            "426",
            "Sec-WebSocket-Version",
        ),
        (ASK.replace("dGhl", "!!!!"), "400", "Sec-WebSocket-Key"),
        (ASK.replace("GET /x", "G\x01T /x"), "400", "HTTP"),
        (
            ASK.replace("Host: a", "A: b\r\n".repeat(125).trim_end()),
            "431",
            "124",
        ),
        (
            ASK.replace("Host: a", &format!("Host: {}", "a".repeat(20_000))),
            "431",
            "max_head",
        ),
        (format!("{ASK}early"), "400", "behind the request"),
        ("\x16\x03\x01 hello".to_owned(), "400", "HTTP"),
    ];
    for (ask, status, word) in cases {
        let (text, error) = answer(ask.as_bytes(), Settings::default());
        assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{text}");
        assert!(error.to_string().contains(word), "{error}");
        assert!(text.ends_with(&format!("\r\n\r\n{error}\n")), "{text}");
        assert!(
            matches!(error.classify(), Cause::NotWebSocket { .. }),
            "{error:?}"
        );
        if status == "426" {
            assert!(text.contains("\r\nSec-WebSocket-Version: 13\r\n"), "{text}");
        }
    }
    let (text, error) = answer(b"", Settings::default());
    assert!(
        text.is_empty() && matches!(error, UpgradeError::End),
        "{error:?}"
    );
}

/// What a client makes of these bytes; `{key}` is the right accept key
fn ask(answer: &'static [u8], settings: Settings) -> Result<WebSocket<End>, UpgradeError> {
    use async_tungstenite::tungstenite::handshake::derive_accept_key;
    let (one, mut peer) = duplex(1 << 20, None);
    let request = Request::to("ws://a/").subprotocol("chat").build().unwrap();
    run(async {
        let (connected, ()) = join(WebSocket::connect(one, &request, settings), async {
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") {
                peer.read_exact(&mut byte).await.unwrap();
                head.push(byte[0]);
            }
            let head = String::from_utf8(head).unwrap();
            assert!(
                head.contains("\r\nSec-WebSocket-Protocol: chat\r\n"),
                "{head}"
            );
            let key = head
                .split("Sec-WebSocket-Key: ")
                .nth(1)
                .unwrap()
                .split("\r\n")
                .next();
            let key = derive_accept_key(key.unwrap().as_bytes());
            let mut text = answer.to_vec();
            if let Some(at) = answer.windows(5).position(|window| window == b"{key}") {
                text.splice(at..at + 5, key.into_bytes());
            }
            peer.write_all(&text).await.unwrap();
            peer.close().await.unwrap();
        })
        .await;
        connected
    })
}

const GRANT: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
                     Upgrade: websocket\r\nSec-WebSocket-Protocol: chat\r\n\
                     Sec-WebSocket-Accept: {key}\r\n\r\n";

#[test]
fn a_bad_answer_has_its_error() {
    let leak = |text: String| -> &'static [u8] { text.leak().as_bytes() };
    let error = |text: String| ask(leak(text), Settings::default()).map(drop).unwrap_err();
    let grant = || GRANT.to_owned();
    assert!(ask(leak(grant()), Settings::default()).is_ok());
    let wrong_key = error(grant().replace("{key}", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert!(
        matches!(wrong_key, UpgradeError::AcceptKey),
        "{wrong_key:?}"
    );
    let missing = error(grant().replace("Upgrade: websocket\r\n", ""));
    assert!(
        matches!(missing, UpgradeError::Header("Upgrade")),
        "{missing:?}"
    );
    let other = error(grant().replace("chat", "other"));
    assert!(matches!(other, UpgradeError::Subprotocol), "{other:?}");
    let none = error(grant().replace("Sec-WebSocket-Protocol: chat\r\n", ""));
    assert!(matches!(none, UpgradeError::Subprotocol), "{none:?}");
    let deflate = "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    let extension = error(grant().replacen("\r\n\r\n", &format!("\r\n{deflate}"), 1));
    assert!(
        matches!(extension, UpgradeError::Extension),
        "{extension:?}"
    );
    let long = error(format!("HTTP/1.1 101 X\r\nA: {}", "a".repeat(20_000)));
    assert!(
        matches!(long, UpgradeError::HeadTooLong { max: 16_384 }),
        "{long:?}"
    );
    let ssh = error("SSH-2.0-OpenSSH\r\n".to_owned());
    assert!(matches!(ssh, UpgradeError::NotHttp), "{ssh:?}");
    for error in [wrong_key, missing, other, none, extension, long, ssh] {
        assert!(
            matches!(error.classify(), Cause::NotWebSocket { .. }),
            "{error:?}"
        );
    }
    for cut in 0..GRANT.len() - 5 {
        let error = error(GRANT[..cut].to_owned());
        assert!(
            matches!(error.classify(), Cause::Cut { how: Cut::End, .. }),
            "{cut}: {error:?}"
        );
    }
    let busy = "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nbusy";
    let cause = error(busy.to_owned()).classify();
    let seconds = std::time::Duration::from_secs(7);
    assert_eq!(
        cause,
        Cause::Rejected {
            status: 503,
            retry_after: Some(seconds)
        }
    );
}

#[test]
fn bytes_glued_to_the_101_are_not_lost() {
    let frames = [
        plain(0x81, b"one"),
        plain(0x82, &[2; 70_000]),
        plain(0x89, b"p"),
    ]
    .concat();
    let text = [GRANT.as_bytes(), &frames].concat();
    let mut ws = ask(Vec::leak(text), Settings::default()).unwrap();
    assert!(!Pin::new(&mut ws).release(), "early bytes are held");
    run(async {
        assert_eq!(message(&mut ws).await, "one".into());
        assert_eq!(message(&mut ws).await, Message::from(vec![2; 70_000]));
        assert_eq!(
            recv(&mut ws).await.unwrap().unwrap(),
            Incoming::Ping("p".into())
        );
    });
    assert!(
        ws.received() > 70_000 + GRANT.len() as u64,
        "the upgrade counts"
    );
}
