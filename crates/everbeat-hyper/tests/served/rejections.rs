//! Bad requests over raw sockets, and what each is told.

use everbeat_hyper::core::Cause;
use everbeat_hyper::{Origins, Requests, Sockets};

use crate::peer::{GRANTED, Peer, ask};
use crate::support::{By, echo, serve};

fn without(ask: &str, name: &str) -> String {
    let kept = ask.split_inclusive("\r\n").filter(|line| !line.starts_with(name));
    kept.collect()
}

#[tokio::test]
async fn each_bad_request_is_told_what_is_wrong_with_it() {
    let sockets = Sockets::new().unwrap();
    let address = serve(By::Hyper, move |mut request, _| {
        let sockets = sockets.clone();
        async move { sockets.accept(&mut request, echo).await }
    })
    .await;
    let good = ask("/", "");
    let version = "\r\nsec-websocket-version: 13\r\n";
    let cases = [
        (good.replace("GET", "POST"), "405", "\r\nallow: get\r\n"),
        ("GET / HTTP/1.1\r\nHost: test\r\n\r\n".to_owned(), "426", version),
        (without(&good, "Upgrade:"), "426", "\r\nupgrade: websocket\r\n"),
        (without(&good, "Connection:"), "426", version),
        (good.replace("Version: 13", "Version: 8"), "426", version),
        (without(&good, "Sec-WebSocket-Version:"), "426", version),
        (without(&good, "Sec-WebSocket-Key:"), "400", "sec-websocket-key"),
        (good.replace("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="), "400", "sec-websocket-key"),
        (ask("/", "Host: other\r\n"), "400", "header host"),
        (ask("/", "Content-Length: 3\r\n") + "abc", "400", "content"),
        (ask("/", "Transfer-Encoding: chunked\r\n") + "0\r\n\r\n", "400", "content"),
        (good.replace("HTTP/1.1", "HTTP/1.0"), "400", "not http/1.1"),
        (ask("/", "Cookie: id=7\r\nOrigin: http://evil.example\r\n"), "403", "`origins`"),
    ];
    for (ask, status, says) in cases {
        let (_, answer) = Peer::asked(address, &ask).await;
        assert_eq!(answer.split(' ').nth(1), Some(status), "{ask} {answer}");
        assert!(answer.contains(says), "{ask} {answer}");
    }
    for more in ["", "Origin: http://evil.example\r\n", "Cookie: id=7\r\nOrigin: http://test\r\n"] {
        let (_, answer) = Peer::asked(address, &ask("/", more)).await;
        assert!(answer.starts_with("http/1.1 101 ") && answer.contains(GRANTED), "{answer}");
    }
}

#[tokio::test]
async fn pages_of_other_origins_than_those_said_are_refused() {
    let requests = Requests::new().origins(Origins::only(["https://app.example"]).unwrap());
    let sockets = Sockets::over(requests.server().unwrap().build().unwrap()).unwrap();
    let address = serve(By::Hyper, move |mut request, _| {
        let sockets = sockets.clone();
        async move { sockets.accept(&mut request, echo).await }
    })
    .await;
    for (origin, status) in [("https://app.example", "101"), ("http://test", "403")] {
        let (_, answer) = Peer::asked(address, &ask("/", &format!("Origin: {origin}\r\n"))).await;
        assert_eq!(answer.split(' ').nth(1), Some(status), "{answer}");
    }
}

#[tokio::test]
async fn behind_tls_a_page_of_http_is_of_another_origin() {
    for (secure, http) in [(false, "101"), (true, "403")] {
        let requests = Requests::new().secure(secure);
        let sockets = Sockets::over(requests.server().unwrap().build().unwrap()).unwrap();
        let address = serve(By::Hyper, move |mut request, _| {
            let sockets = sockets.clone();
            async move { sockets.accept(&mut request, echo).await }
        })
        .await;
        for (page, status) in [("http://test", http), ("https://test", "101")] {
            let more = format!("Cookie: id=7\r\nOrigin: {page}\r\n");
            let (_, answer) = Peer::asked(address, &ask("/", &more)).await;
            assert_eq!(answer.split(' ').nth(1), Some(status), "{secure} {page} {answer}");
        }
    }
}

#[tokio::test]
async fn a_subprotocol_is_one_of_those_asked_for_or_our_own_mistake() {
    let sockets = Sockets::<()>::new().unwrap();
    let address = serve(By::Hyper, move |mut request, _| {
        let upgrade = sockets.upgrade(&mut request).unwrap();
        assert_eq!(upgrade.head().subprotocols().collect::<Vec<_>>(), ["a", "b"]);
        let chosen = upgrade.head().path().trim_start_matches('/').to_owned();
        let upgrade = upgrade.subprotocol(chosen);
        upgrade.on_connection_as((), |mut connection, handle| async move {
            let spoken = handle.facts().subprotocol().unwrap_or("none").to_owned();
            connection.send(spoken).await?;
            connection.close().await;
            Ok::<_, Cause>(())
        })
    })
    .await;
    let offers = "Sec-WebSocket-Protocol: a, b\r\n";
    let (mut peer, answer) = Peer::asked(address, &ask("/b", offers)).await;
    assert!(answer.contains("\r\nsec-websocket-protocol: b\r\n"), "{answer}");
    assert_eq!(peer.frame().await, (0x81, b"b".to_vec()));
    let (_, answer) = Peer::asked(address, &ask("/c", offers)).await;
    assert!(answer.starts_with("http/1.1 500 ") && !answer.contains("asked for"), "{answer}");
}
