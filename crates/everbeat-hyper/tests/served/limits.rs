//! Who is one too many, by each of the limits: what he is told, and when.

use std::net::SocketAddr;
use std::time::Duration;

use everbeat_hyper::server::Limits;
use everbeat_hyper::{Requests, Sockets};
use tokio::sync::mpsc;

use crate::peer::{Peer, ask, masked, soon};
use crate::support::{By, echo, serve};

/// A server with these limits, whose route says the peer's address or does not
async fn limited(limits: Limits, says: bool) -> (Sockets, SocketAddr) {
    let server = Requests::new().server().unwrap().limits(limits).build().unwrap();
    let sockets = Sockets::over(server).unwrap();
    let route = sockets.clone();
    let address = serve(By::Hyper, move |mut request, peer| {
        let sockets = route.clone();
        async move {
            if says {
                request.extensions_mut().insert(peer);
            }
            sockets.accept(&mut request, echo).await
        }
    });
    (sockets, address.await)
}

#[tokio::test]
async fn one_connection_too_many_is_answered_503_with_a_time() {
    let (sockets, address) = limited(Limits::default().connections(1), false).await;
    let (first, answer) = Peer::asked(address, &ask("/", "")).await;
    assert!(answer.starts_with("http/1.1 101 "), "{answer}");
    let (_, answer) = Peer::asked(address, &ask("/", "")).await;
    assert!(answer.starts_with("http/1.1 503 "), "{answer}");
    assert!(
        answer.contains("\r\nretry-after: 5\r\n") && answer.contains("too many connections"),
        "{answer}"
    );
    drop(first);
    soon(async {
        loop {
            let (_, answer) = Peer::asked(address, &ask("/", "")).await;
            if answer.starts_with("http/1.1 101 ") {
                break;
            }
            assert!(answer.starts_with("http/1.1 503 "), "{answer}");
        }
    })
    .await;
    assert_eq!(sockets.registry().served(), 2);
}

#[tokio::test]
async fn a_crowd_that_comes_at_once_is_told_as_one_is() {
    for (limits, says, status, why) in [
        (Limits::default().connections(1), false, 503, "too many connections\n"),
        (Limits::default().per_address(1), true, 429, "too many connections from one address\n"),
    ] {
        // Whose acceptor would drop all of a crowd but one
        let (_sockets, address) = limited(limits.upgrades(1), says).await;
        let (mut first, answer) = Peer::asked(address, &ask("/", "")).await;
        assert!(answer.starts_with("http/1.1 101 "), "{answer}");
        // Whose upgrade is over
        first.say(&masked(0x81, b"1")).await;
        assert_eq!(first.frame().await, (0x81, b"1".to_vec()));
        let come = || tokio::spawn(async move { Peer::asked(address, &ask("/", "")).await });
        for one in Vec::from_iter(std::iter::repeat_with(come).take(20)) {
            let (_, answer) = one.await.unwrap();
            assert!(answer.starts_with(&format!("http/1.1 {status} ")), "{answer}");
            assert!(answer.contains("\r\nretry-after: 5\r\n"), "{answer}");
            assert!(answer.ends_with(why), "{answer}");
        }
    }
}

#[tokio::test]
async fn one_too_many_from_an_address_that_was_said_is_answered_429() {
    let (_, address) = limited(Limits::default().per_address(1), true).await;
    let (_first, answer) = Peer::asked(address, &ask("/", "")).await;
    assert!(answer.starts_with("http/1.1 101 "), "{answer}");
    let (_, answer) = Peer::asked(address, &ask("/", "")).await;
    assert!(answer.starts_with("http/1.1 429 "), "{answer}");
    assert!(answer.contains("\r\nretry-after: 5\r\n"), "{answer}");
}

#[tokio::test]
async fn one_too_many_from_an_address_that_only_the_socket_knows_is_told_1013() {
    let (sockets, address) = limited(Limits::default().per_address(1), false).await;
    let (mut first, answer) = Peer::asked(address, &ask("/", "")).await;
    assert!(answer.starts_with("http/1.1 101 "), "{answer}");
    // Whoever is echoed is counted
    first.say(&masked(0x81, b"1")).await;
    assert_eq!(first.frame().await, (0x81, b"1".to_vec()));
    assert_eq!(sockets.registry().len(), 1);
    let (mut second, answer) = Peer::asked(address, &ask("/", "")).await;
    assert!(answer.starts_with("http/1.1 101 "), "{answer}");
    assert_eq!(second.close().await.0, 1013);
}

/// Says that its route is left
struct Left(mpsc::UnboundedSender<String>);

impl Drop for Left {
    fn drop(&mut self) {
        // The test may be over
        _ = self.0.send("left".to_owned());
    }
}

/// A server with one upgrade at one time and one place behind it, whose upgrade is under way for 2 s;
/// the paths that are asked for, and what their routes say
async fn stalled() -> (Peer, SocketAddr, mpsc::UnboundedReceiver<String>) {
    let server = Requests::new().backlog(1).server().unwrap();
    let server = server.limits(Limits::default().upgrades(1));
    let server = server.handshake_timeout(Duration::from_secs(2)).build().unwrap();
    let sockets = Sockets::over(server).unwrap();
    let (tell, mut told) = mpsc::unbounded_channel();
    let address = serve(By::Hyper, move |mut request, _| {
        let (sockets, tell) = (sockets.clone(), tell.clone());
        async move {
            let path = request.uri().path().to_owned();
            let _left = (path == "/leaves").then(|| Left(tell.clone()));
            // It asks behind this without waiting
            tell.send(path.clone()).unwrap();
            let granted = sockets.accept(&mut request, echo).await;
            if path == "/stall" {
                // A layer that never lets the answer go: the upgrade has its place until its time
                // is over
                tell.send("stalled".to_owned()).unwrap();
                std::future::pending::<()>().await;
            }
            granted
        }
    })
    .await;
    let mut stall = Peer::come(address).await;
    stall.say(ask("/stall", "").as_bytes()).await;
    assert_eq!(soon(told.recv()).await.unwrap(), "/stall");
    assert_eq!(soon(told.recv()).await.unwrap(), "stalled");
    (stall, address, told)
}

#[tokio::test]
async fn who_waits_behind_a_full_backlog_is_answered_503_and_one_in_it_has_its_turn() {
    let (_stall, address, mut told) = stalled().await;
    let mut waits = Peer::come(address).await;
    waits.say(ask("/waits", "").as_bytes()).await;
    assert_eq!(soon(told.recv()).await.unwrap(), "/waits");
    let (_, answer) = Peer::asked(address, &ask("/refused", "")).await;
    assert!(answer.starts_with("http/1.1 503 "), "{answer}");
    assert!(answer.contains("\r\nretry-after: 1\r\n"), "{answer}");
    let answer = waits.answer().await;
    assert!(answer.starts_with("http/1.1 101 "), "{answer}");
}

#[tokio::test]
async fn who_has_left_the_backlog_is_in_nobodys_way() {
    let (_stall, address, mut told) = stalled().await;
    let mut leaves = Peer::come(address).await;
    leaves.say(ask("/leaves", "").as_bytes()).await;
    assert_eq!(soon(told.recv()).await.unwrap(), "/leaves");
    drop(leaves);
    assert_eq!(soon(told.recv()).await.unwrap(), "left");
    let (_, answer) = Peer::asked(address, &ask("/next", "")).await;
    assert!(answer.starts_with("http/1.1 101 "), "{answer}");
}

#[tokio::test]
async fn what_cannot_be_is_refused_by_name() {
    let error = Requests::<()>::new().backlog(0).server().unwrap_err();
    assert_eq!(error.setting(), "backlog");
    let limits = everbeat_hyper::Settings::default().max_message(0);
    let error = Requests::<()>::new().websocket(limits).server().unwrap_err();
    assert_eq!(error.setting(), "max_message");
}
