//! What a route makes of its request: a connection with the application's state and its user, or the
//! status that says why not.

use std::time::Duration;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use everbeat_axum::core::Cause;
use everbeat_axum::core::cause::Expired;
#[cfg(target_os = "linux")]
use everbeat_axum::core::cause::Verdict;
use everbeat_axum::server::Limits;
use everbeat_axum::{Handle, Origins, Requests, Sockets};
use everbeat_tokio::{Client, Event};
use tokio::sync::mpsc;

use crate::peer::{GRANTED, Peer, soon};
use crate::support::{app, ask, serve};

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
async fn pages_of_other_origins_than_those_said_are_refused() {
    let requests = Requests::new().origins(Origins::only(["https://app.example"]).unwrap());
    let sockets = Sockets::over(requests.server().unwrap().build().unwrap()).unwrap();
    let address = serve(app(sockets), false).await;
    for (origin, status) in [("https://app.example", "101"), ("http://test", "403")] {
        let (_, answer) = Peer::asked(address, &ask(&format!("Origin: {origin}\r\n"))).await;
        assert_eq!(answer.split(' ').nth(1), Some(status), "{origin} {answer}");
    }
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

#[tokio::test]
async fn who_waits_behind_a_full_backlog_is_answered_503_and_one_in_it_has_its_turn() {
    let server = Requests::new().backlog(1).server().unwrap().limits(Limits::default().upgrades(1));
    let server = server.handshake_timeout(Duration::from_secs(2)).build().unwrap();
    let (tell, mut told) = mpsc::unbounded_channel();
    let layer = from_fn(move |asked: Request, next: Next| {
        let tell = tell.clone();
        async move {
            let name = asked.uri().query().unwrap_or_default().to_owned();
            // It asks behind this without waiting
            tell.send(name.clone()).unwrap();
            let granted = next.run(asked).await;
            if name == "stall" {
                // Never lets the answer go: the upgrade has its place until its time is over
                tell.send("stalled".to_owned()).unwrap();
                std::future::pending::<()>().await;
            }
            granted
        }
    });
    let address = serve(app(Sockets::over(server).unwrap()).layer(layer), false).await;
    let named = |name: &str| ask("").replace("/feed", &format!("/feed?{name}"));
    let mut stall = Peer::come(address).await;
    stall.say(named("stall").as_bytes()).await;
    assert_eq!(soon(told.recv()).await.unwrap(), "stall");
    assert_eq!(soon(told.recv()).await.unwrap(), "stalled");
    let mut waits = Peer::come(address).await;
    waits.say(named("waits").as_bytes()).await;
    assert_eq!(soon(told.recv()).await.unwrap(), "waits");
    let (_, answer) = Peer::asked(address, &named("refused")).await;
    assert!(answer.starts_with("http/1.1 503 "), "{answer}");
    assert!(answer.contains("\r\nretry-after: 1\r\n"), "{answer}");
    let answer = waits.answer().await;
    assert!(answer.starts_with("http/1.1 101 "), "{answer}");
}
