//! Requests and answers that are wrong, cut, or carry what does not belong there.

use everbeat_core::cause::{Cause, Cut};
use everbeat_ws::connect::Request;
use everbeat_ws::{Connector, Runtime, Settings};

use super::peer::{ASK, client, grant, server};
use super::server_side::{accept, acceptor, attempt};

pub(super) async fn bad_requests<R: Runtime>() {
    let with = |line: &str| ASK.replace("Host: test", &format!("Host: test\r\n{line}"));
    let without = |name: &str| {
        let kept = ASK.split("\r\n").filter(|line| !line.starts_with(name));
        kept.collect::<Vec<_>>().join("\r\n")
    };
    let long = |bytes| format!("Cookie: {}", "a".repeat(bytes));
    let cases: Vec<(String, &str)> = vec![
        // Something else altogether: TLS, SSH, HTTP/2
        ("\x16\x03\x01\x02\0\x01\0\x01\u{fc}\x03\x03".into(), "400"),
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n".into(), "400"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(), "400"),
        (ASK.replace("HTTP/1.1", "HTTP/1.0"), "400"),
        (ASK.replace("GET", "POST"), "405"),
        (without("Upgrade"), "426"),
        (without("Connection"), "426"),
        (without("Sec-WebSocket-Version"), "426"),
        (without("Sec-WebSocket-Key"), "400"),
        (ASK.replace("Version: 13", "Version: 8"), "426"),
        // Hosts of which a proxy may take another, and content that would be read as frames
        (with("Host: other"), "400"),
        (without("Host"), "400"),
        (with("Content-Length: 5"), "400"),
        (with("Transfer-Encoding: chunked"), "400"),
        // Lines that would become others: bare CR, a folded line, a control byte, no name
        (with("X-A: a\rX-B: b"), "400"),
        (with("X-A: a\r\n X-B: b"), "400"),
        (with("X-A: a\0b"), "400"),
        (with(": nameless"), "400"),
        (with("X A: space"), "400"),
        (format!("{ASK}\u{81}\u{1}a"), "400"),
        (with(&long(20_000)), "431"),
        (with("X-A: a\r\n".repeat(200).trim_end()), "431"),
        (ASK.replace("/feed", &"/a".repeat(10_000)), "431"),
    ];
    let (mut acceptor, address) = acceptor::<R>(Settings::default()).await;
    for (ask, status) in cases {
        let said = ask.clone();
        let peer = client(address, move |mut peer| {
            peer.say(said.as_bytes());
            peer.end();
            String::from_utf8_lossy(&peer.hear()).into_owned()
        });
        let refused = accept(&mut acceptor).await.map(drop).expect_err(&ask);
        let told = peer.join().unwrap();
        assert!(told.starts_with(&format!("HTTP/1.1 {status} ")), "{ask:.200}: {told}");
        let cause = refused.classify();
        assert!(matches!(cause, Cause::NotWebSocket { .. }), "{ask:.200}: {cause:?}");
    }
}

pub(super) async fn bad_answers<R: Runtime>() {
    type Change = fn(String) -> String;
    let with = |answer: String, line: &str| {
        answer.replace("Connection: Upgrade", &format!("Connection: Upgrade\r\n{line}"))
    };
    let cases: Vec<(Change, &str)> = vec![
        (|_| "SSH-2.0-OpenSSH_9.2\r\n".into(), "not HTTP/1.1"),
        (|_| "\x15\x03\x01\0\x02\x02\x46".into(), "not HTTP/1.1"),
        (|answer| answer.replace("HTTP/1.1", "HTTP/1.0"), "not HTTP/1.1"),
        (|answer| answer.replace("Accept: ", "Accept: x"), "Sec-WebSocket-Accept"),
        (|answer| answer.replace("Upgrade: websocket", "Upgrade: h2c"), "Upgrade"),
        (|answer| answer.replace("Connection: Upgrade", "Connection: close"), "Connection"),
        (|answer| answer.replace("Accept", "Accent"), "Sec-WebSocket-Accept"),
        (|answer| format!("{}X", answer.replace("\r\n\r\n", "\r\nX\0: a\r\n\r\n")), "not HTTP/1.1"),
    ];
    for (change, detail) in cases {
        let cause = refused::<R>(move |head| change(grant(head))).await;
        assert!(matches!(&cause, Cause::NotWebSocket { .. }), "{detail}: {cause:?}");
        assert!(cause.to_string().contains(detail), "{detail}: {cause}");
    }
    let lines: [(&'static str, &str); 3] = [
        ("Sec-WebSocket-Protocol: never-asked-for", "subprotocol"),
        ("Sec-WebSocket-Extensions: permessage-deflate", "extension"),
        ("X-Folded: a\r\n b", "not HTTP/1.1"),
    ];
    for (line, detail) in lines {
        let cause = refused::<R>(move |head| with(grant(head), line)).await;
        assert!(cause.to_string().contains(detail), "{line}: {cause}");
    }
    let cause = refused::<R>(|_| format!("HTTP/1.1 101 X\r\nA: {}", "a".repeat(40_000))).await;
    assert!(cause.to_string().contains("`max_head`"), "{cause}");
}

/// Why an attempt failed at a server that answers so
async fn refused<R: Runtime>(answer: impl FnOnce(&str) -> String + Send + 'static) -> Cause {
    let (url, peer) = server(move |mut peer| {
        let head = peer.head();
        peer.say(answer(&head).as_bytes());
        peer.end();
        peer.hear();
    });
    let failed = attempt::<R>(&url).await.map(drop).expect_err("a bad answer");
    peer.join().unwrap();
    failed.classify()
}

/// Nothing that would end a line, or add one, leaves this side
pub(super) async fn injected_by_us<R: Runtime>() {
    use everbeat_core::transport::Connect;
    let to = |url: &str| Connector::<R>::new(url);
    for url in ["ws://a/\r\nX: y", "ws://a/ HTTP/1.1", "ws://a\r\n/", "ws://a/\0"] {
        assert_eq!(to(url).unwrap_err().setting(), "url", "{url:?}");
    }
    for text in ["b\r\nX: y", "b\nX: y", "b\rX", "b\0"] {
        let named = to("ws://a/").unwrap().header(text, "b");
        assert_eq!(named.check().unwrap_err().setting(), "header", "{text:?}");
        let valued = to("ws://a/").unwrap().header("X-A", text);
        assert_eq!(valued.check().unwrap_err().setting(), "header", "{text:?}");
        let spoken = to("ws://a/").unwrap().subprotocols([text]);
        assert_eq!(spoken.check().unwrap_err().setting(), "subprotocol", "{text:?}");
        assert!(Request::to("ws://a/").bearer(text).build().is_err(), "{text:?}");
    }
}

pub(super) async fn requests_that_stop<R: Runtime>() {
    let (mut acceptor, address) = acceptor::<R>(Settings::default()).await;
    for cut in 0..ASK.len() {
        let peer = client(address, move |mut peer| {
            peer.say(&ASK.as_bytes()[..cut]);
            peer.end();
            peer.hear()
        });
        let cause = accept(&mut acceptor).await.map(drop).expect_err("half a request").classify();
        assert!(matches!(cause, Cause::Cut { how: Cut::End, .. }), "{cut}: {cause:?}");
        assert_eq!(peer.join().unwrap(), b"", "there is nobody to answer");
    }
}

pub(super) async fn answers_that_stop<R: Runtime>() {
    let whole = grant("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n").len();
    for cut in 0..whole {
        let cause = refused::<R>(move |head| grant(head)[..cut].to_owned()).await;
        assert!(matches!(cause, Cause::Cut { how: Cut::End, .. }), "{cut}: {cause:?}");
    }
}
