//! From a request to the end of its connection.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use everbeat_hyper::core::Cause;
use everbeat_hyper::core::cause::Expired;
#[cfg(target_os = "linux")]
use everbeat_hyper::core::cause::Verdict;
use everbeat_hyper::server::Limits;
use everbeat_hyper::{Rejection, Requests, Settings, Sockets};
use hyper::Response;
use tokio::sync::mpsc;

use crate::peer::{GRANTED, Peer, ask, masked, soon};
use crate::support::{BOTH, By, client, echo, hear, serve};

#[tokio::test]
async fn a_request_becomes_a_connection_on_hypers_server_and_on_hyper_utils() {
    for by in BOTH {
        let sockets = Sockets::new().unwrap();
        let shared = sockets.clone();
        let address = serve(by, move |mut request, _| {
            let sockets = shared.clone();
            async move { sockets.accept(&mut request, echo).await }
        })
        .await;
        let mut client = client(address).await;
        client.send("hello").await.unwrap();
        assert_eq!(hear(&mut client).await, "hello");

        let handles = sockets.registry().handles();
        let [handle] = &handles[..] else { panic!("{handles:?}") };
        // Nobody has said it: it was asked of the TCP socket itself
        assert!(handle.facts().peer().ip().is_loopback(), "{by:?}: {handle:?}");
        handle.send("to you alone").unwrap();
        assert_eq!(hear(&mut client).await, "to you alone");
        soon(client.close()).await;
        sockets.handle().shutdown();
        let served = soon(sockets.closed()).await;
        assert_eq!((served.served, served.cut.len()), (1, 0));
        assert!(sockets.registry().is_empty());
    }
}

#[tokio::test]
async fn who_falls_silent_is_expired_with_evidence_of_what_is_gone() {
    for by in BOTH {
        let (tell, mut told) = mpsc::unbounded_channel();
        let server = Requests::new().server().unwrap();
        let server = server.interval(Duration::from_millis(200));
        let server = server.timeout(Duration::from_millis(400)).build().unwrap();
        let server = server.on_expire(move |handle: &everbeat_hyper::Handle, rule| {
            tell.send((handle.facts().peer(), rule, handle.cause())).unwrap();
        });
        let sockets = Sockets::over(server).unwrap();
        let address = serve(by, move |mut request, _| {
            let sockets = sockets.clone();
            async move { sockets.accept(&mut request, echo).await }
        })
        .await;
        // Its kernel takes everything, and nobody reads it
        let (silent, answer) = Peer::asked(address, &ask("/", "")).await;
        assert!(answer.starts_with("http/1.1 101 ") && answer.contains(GRANTED), "{answer}");
        let mut lively = client(address).await;
        let (who, rule, cause) = soon(async {
            tokio::select! {
                told = told.recv() => told.unwrap(),
                heard = hear(&mut lively) => panic!("who answers hears nothing: {heard}"),
            }
        })
        .await;
        assert_eq!((who, rule), (silent.0.local_addr().unwrap(), Expired::Silent));
        let Some(Cause::Dead { verdict, evidence }) = cause else { panic!("{cause:?}") };
        // Only who has the TCP socket can tell the program from the road
        #[cfg(target_os = "linux")]
        assert_eq!(verdict, Verdict::App, "{by:?}: {evidence}");
        _ = (verdict, evidence);
    }
}

#[tokio::test]
async fn what_a_client_sends_along_with_its_request_is_not_lost() {
    for by in BOTH {
        let sockets = Sockets::new().unwrap();
        let address = serve(by, move |mut request, _| {
            let sockets = sockets.clone();
            async move { sockets.accept(&mut request, echo).await }
        })
        .await;
        let mut peer = Peer::come(address).await;
        let all = [ask("/", "").as_bytes(), &masked(0x81, b"hasty")].concat();
        peer.say(&all).await;
        assert!(peer.answer().await.contains(GRANTED));
        assert_eq!(peer.frame().await, (0x81, b"hasty".to_vec()), "{by:?}");
    }
}

#[tokio::test]
async fn the_limits_of_its_websockets_are_those_that_were_said() {
    let requests = Requests::new().websocket(Settings::default().max_message(5));
    let sockets = Sockets::over(requests.server().unwrap().build().unwrap()).unwrap();
    let address = serve(By::Hyper, move |mut request, _| {
        let sockets = sockets.clone();
        async move { sockets.accept(&mut request, echo).await }
    })
    .await;
    let (mut peer, _) = Peer::asked(address, &ask("/", "")).await;
    peer.say(&masked(0x81, b"hello")).await;
    assert_eq!(peer.frame().await, (0x81, b"hello".to_vec()));
    peer.say(&masked(0x81, b"hello!")).await;
    assert_eq!(peer.close().await.0, 1009);
}

#[tokio::test]
async fn a_route_that_answers_otherwise_holds_its_place_no_longer_than_its_peer_stays() {
    let limits = Limits::default().connections(1);
    let server = Requests::new().server().unwrap().limits(limits).build().unwrap();
    let sockets = Sockets::over(server).unwrap();
    let address = serve(By::Hyper, move |mut request, _| {
        let sockets = sockets.clone();
        async move {
            let no = request.uri().path() == "/no";
            let granted = sockets.accept(&mut request, echo).await;
            if no { Response::new("no".to_owned()) } else { granted }
        }
    })
    .await;
    let (peer, answer) = Peer::asked(address, &ask("/no", "")).await;
    assert!(answer.starts_with("http/1.1 200 ") && answer.ends_with("no"), "{answer}");
    drop(peer);
    let gone = async {
        loop {
            let (peer, answer) = Peer::asked(address, &ask("/", "")).await;
            if answer.starts_with("http/1.1 101 ") {
                break peer;
            }
            assert!(answer.starts_with("http/1.1 503 "), "{answer}");
        }
    };
    let mut peer = soon(gone).await;
    peer.say(&masked(0x81, b"1")).await;
    assert_eq!(peer.frame().await, (0x81, b"1".to_vec()));
}

#[tokio::test]
async fn an_upgrade_can_be_taken_once() {
    let sockets = Sockets::<()>::new().unwrap();
    let (tell, mut told) = mpsc::unbounded_channel();
    let address = serve(By::Hyper, move |mut request, _| {
        let first = sockets.upgrade(&mut request);
        let second = sockets.upgrade(&mut request).unwrap_err();
        tell.send((first.is_ok(), matches!(second, Rejection::NotUpgradable))).unwrap();
        async move { second.into_response() }
    })
    .await;
    let (_, answer) = Peer::asked(address, &ask("/", "")).await;
    assert!(answer.starts_with("http/1.1 500 "), "{answer}");
    assert_eq!(told.recv().await, Some((true, true)));
}

#[tokio::test]
async fn connections_outlive_the_last_handle() {
    let held = Arc::new(Mutex::new(Some(Sockets::new().unwrap())));
    let route = held.clone();
    let address = serve(By::Hyper, move |mut request, _| {
        let sockets = route.lock().unwrap().clone();
        async move { sockets.unwrap().accept(&mut request, echo).await }
    })
    .await;
    let mut client = client(address).await;
    client.send("before").await.unwrap();
    assert_eq!(hear(&mut client).await, "before");
    drop(held.lock().unwrap().take());
    client.send("behind").await.unwrap();
    assert_eq!(hear(&mut client).await, "behind");
}

#[test]
fn outside_of_a_runtime_it_is_an_error_and_no_panic() {
    assert_eq!(Sockets::<()>::new().unwrap_err().setting(), "runtime");
}
