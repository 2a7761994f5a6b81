//! What a route makes of its request: a connection with the application's state and its user, or the
//! status that says why not.

use std::time::Duration;

use everbeat_axum::core::Cause;
use everbeat_axum::core::cause::Expired;
#[cfg(target_os = "linux")]
use everbeat_axum::core::cause::Verdict;
use everbeat_axum::server::Limits;
use everbeat_axum::{Handle, Requests, Sockets};
use everbeat_tokio::{Client, Event};
use tokio::sync::mpsc;

use crate::support::{GRANTED, Peer, app, ask, serve, soon};

#[tokio::test]
async fn a_route_becomes_a_connection_with_the_applications_state_and_its_user() {
    let sockets = Sockets::new().unwrap();
    let address = serve(app(sockets.clone()), false).await;
    let url = format!("ws://{address}/feed");
    let client = Client::builder(&url).connector(|connector| connector.header("X-User", "ann"));
    let mut client = soon(client.connect()).await.unwrap();
    let mut hear = async || loop {
        match soon(client.next()).await.expect("it is connected") {
            Event::Message(message) => return message.to_string(),
            Event::Disconnected(end) => panic!("disconnected: {end}"),
            _ => {}
        }
    };
    assert_eq!(hear().await, "welcome, ann");
    let handles = sockets.registry().handles();
    let [handle] = &handles[..] else { panic!("{handles:?}") };
    assert_eq!(handle.facts().principal, "ann");
    // Nobody has said it: it was asked of the TCP socket itself
    assert!(handle.facts().peer().ip().is_loopback());
    sockets.registry().send_all("to all").unwrap();
    assert_eq!(hear().await, "to all");
}

#[tokio::test]
async fn who_falls_silent_is_expired_with_evidence_of_what_is_gone() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let server = Requests::new().server().unwrap().interval(Duration::from_millis(200));
    let server = server.timeout(Duration::from_millis(400)).build().unwrap();
    let server = server.on_expire(move |handle: &Handle<String>, rule| {
        let who = handle.facts().principal.clone();
        tell.send((who, rule, handle.cause())).unwrap();
    });
    let address = serve(app(Sockets::over(server).unwrap()), false).await;
    let (_silent, head) = Peer::asked(address, &ask("")).await;
    assert!(head.starts_with("http/1.1 101 ") && head.contains(GRANTED), "{head}");
    let (who, rule, cause) = soon(told.recv()).await.unwrap();
    assert_eq!((&*who, rule), ("ann", Expired::Silent));
    let Some(Cause::Dead { verdict, evidence }) = cause else { panic!("{cause:?}") };
    // Only who has the TCP socket can tell the program from the road
    #[cfg(target_os = "linux")]
    assert_eq!(verdict, Verdict::App, "{evidence}");
    _ = (verdict, evidence);
}

#[tokio::test]
async fn each_bad_request_is_told_what_is_wrong_with_it() {
    let address = serve(app(Sockets::new().unwrap()), false).await;
    let good = ask("");
    let version = "\r\nsec-websocket-version: 13\r\n";
    let cases = [
        (good.replace("GET", "POST"), "405", "\r\nallow: get\r\n"),
        (good.replace("Upgrade: websocket", "Upgrade: h2c"), "426", version),
        (good.replace("Version: 13", "Version: 8"), "426", version),
        (good.replace("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="), "400", "\r\n"),
        (good.replace("X-User: ann", "X-User: \u{e9}"), "401", "\r\n"),
        (ask("Cookie: id=7\r\nOrigin: http://evil.example\r\n"), "403", "\r\n"),
    ];
    for (ask, status, says) in cases {
        let (_, head) = Peer::asked(address, &ask).await;
        assert_eq!(head.split(' ').nth(1), Some(status), "{ask} {head}");
        assert!(head.contains(says), "{ask} {head}");
    }
    let (_, head) = Peer::asked(address, &good).await;
    assert!(head.contains("\r\nx-shard: 7\r\n"), "the route's own header: {head}");
}

#[tokio::test]
async fn one_too_many_from_an_address_is_answered_429_where_axum_knows_it() {
    let limits = Limits::default().per_address(1);
    let server = Requests::new().server().unwrap().limits(limits).build().unwrap();
    let address = serve(app(Sockets::over(server).unwrap()), true).await;
    let (_first, head) = Peer::asked(address, &ask("")).await;
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    let (_, head) = Peer::asked(address, &ask("")).await;
    assert!(head.starts_with("http/1.1 429 "), "{head}");
}
