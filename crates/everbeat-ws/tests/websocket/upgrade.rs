//! The upgrade byte by byte, both roles: bad heads with their errors and answers, cuts at every
//! byte, bytes glued to the 101.

use std::pin::Pin;

use async_tungstenite::tungstenite::handshake::derive_accept_key;
use everbeat_core::Message;
use everbeat_core::cause::{Cause, Cut};
use everbeat_core::transport::{Incoming, Transport};
use everbeat_ws::connect::Request;
use everbeat_ws::upgrade::UpgradeError;
use everbeat_ws::{Settings, WebSocket};
use futures_util::future::join;
use futures_util::{AsyncReadExt, AsyncWriteExt};

use crate::support::{End, duplex, message, recv, run};
use crate::wire::plain;

pub(crate) const ASK: &str = "GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
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
        (ASK.replace("Connection: Upgrade\r\n", ""), "426", "Connection"),
        (ASK.replace("Version: 13", "Version: 8"), "426", "Sec-WebSocket-Version"),
        (ASK.replace("dGhl", "!!!!"), "400", "Sec-WebSocket-Key"),
        (ASK.replace("GET /x", "G\x01T /x"), "400", "HTTP"),
        (ASK.replace("Host: a", "A: b\r\n".repeat(125).trim_end()), "431", "124"),
        (ASK.replace("Host: a", &format!("Host: {}", "a".repeat(20_000))), "431", "max_head"),
        (ASK.replace("Host: a", "Host: a\r\nHost: b"), "400", "Host"),
        (ASK.replace("Host: a", "Host: a\r\nhost: a"), "400", "Host"),
        (ASK.replace("Host: a", "X: a"), "400", "Host"),
        (ASK.replace("Host: a", "Host: a\r\nContent-Length: 5"), "400", "Content-Length"),
        (ASK.replace("Host: a", "Host: a\r\nContent-Length: 0, 5"), "400", "Content-Length"),
        (
            ASK.replace("Host: a", "Host: a\r\nContent-Length: 0\r\ncontent-length: 5"),
            "400",
            "Content-Length",
        ),
        (
            ASK.replace("Host: a", "Host: a\r\nTransfer-Encoding: chunked"),
            "400",
            "Transfer-Encoding",
        ),
        (format!("{ASK}early"), "400", "behind the request"),
        ("\x16\x03\x01 hello".to_owned(), "400", "HTTP"),
    ];
    for (ask, status, word) in cases {
        let (text, error) = answer(ask.as_bytes(), Settings::default());
        assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{text}");
        assert!(error.to_string().contains(word), "{error}");
        assert!(text.ends_with(&format!("\r\n\r\n{error}\n")), "{text}");
        assert!(matches!(error.classify(), Cause::NotWebSocket { .. }), "{error:?}");
        if status == "426" {
            let which = "\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
            assert!(text.contains(which), "{text}");
        }
    }
    let (text, error) = answer(b"", Settings::default());
    assert!(text.is_empty() && matches!(error, UpgradeError::End), "{error:?}");
}

#[test]
fn the_debug_of_a_request_shows_neither_query_nor_values() {
    let (one, mut peer) = duplex(1 << 20, None);
    let ask = ASK.replace("/x", "/x?s3cret").replace("Host", "Token: s3cret\r\nHost");
    let (accepted, ()) = run(join(WebSocket::accept(one, Settings::default()), async {
        peer.write_all(ask.as_bytes()).await.unwrap();
    }));
    let shown = format!("{:?}", accepted.unwrap().1);
    assert!(!shown.contains("s3cret") && shown.contains("\"token\""), "{shown}");
}

/// What a client makes of these bytes; `{key}` is the right accept key
fn ask(answer: &'static [u8], settings: Settings) -> Result<WebSocket<End>, UpgradeError> {
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
            assert!(head.contains("\r\nSec-WebSocket-Protocol: chat\r\n"), "{head}");
            let key = head.split("Sec-WebSocket-Key: ").nth(1).unwrap().split("\r\n").next();
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
    assert!(matches!(wrong_key, UpgradeError::AcceptKey), "{wrong_key:?}");
    let missing = error(grant().replace("Upgrade: websocket\r\n", ""));
    assert!(matches!(missing, UpgradeError::Header("Upgrade")), "{missing:?}");
    let other = error(grant().replace("chat", "other"));
    assert!(matches!(other, UpgradeError::Subprotocol), "{other:?}");
    let none = error(grant().replace("Sec-WebSocket-Protocol: chat\r\n", ""));
    assert!(matches!(none, UpgradeError::Subprotocol), "{none:?}");
    let deflate = "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    let extension = error(grant().replacen("\r\n\r\n", &format!("\r\n{deflate}"), 1));
    assert!(matches!(extension, UpgradeError::Extension), "{extension:?}");
    let long = error(format!("HTTP/1.1 101 X\r\nA: {}", "a".repeat(20_000)));
    assert!(matches!(long, UpgradeError::HeadTooLong { max: 16_384 }), "{long:?}");
    let ssh = error("SSH-2.0-OpenSSH\r\n".to_owned());
    assert!(matches!(ssh, UpgradeError::NotHttp), "{ssh:?}");
    for error in [wrong_key, missing, other, none, extension, long, ssh] {
        assert!(matches!(error.classify(), Cause::NotWebSocket { .. }), "{error:?}");
    }
    for cut in 0..GRANT.len() - 5 {
        let error = error(GRANT[..cut].to_owned());
        assert!(matches!(error.classify(), Cause::Cut { how: Cut::End, .. }), "{cut}: {error:?}");
    }
    let busy = "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nbusy";
    let cause = error(busy.to_owned()).classify();
    let seconds = std::time::Duration::from_secs(7);
    assert_eq!(cause, Cause::Rejected { status: 503, retry_after: Some(seconds) });
}

#[test]
fn bytes_glued_to_the_101_are_not_lost() {
    let frames = [plain(0x81, b"one"), plain(0x82, &[2; 70_000]), plain(0x89, b"p")].concat();
    let text = [GRANT.as_bytes(), &frames].concat();
    let mut ws = ask(Vec::leak(text), Settings::default()).unwrap();
    assert!(!Pin::new(&mut ws).release(), "early bytes are held");
    run(async {
        assert_eq!(message(&mut ws).await, "one".into());
        assert_eq!(message(&mut ws).await, Message::from(vec![2; 70_000]));
        assert_eq!(recv(&mut ws).await.unwrap().unwrap(), Incoming::Ping("p".into()));
    });
    assert!(ws.received() > 70_000 + GRANT.len() as u64, "the upgrade counts");
}
