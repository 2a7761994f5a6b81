//! The end of the server: connections are told and waited for, and requests are answered.

use std::net::SocketAddr;

use everbeat_hyper::server::storm::Restart;
use everbeat_hyper::{Requests, Sockets};
use tokio::sync::oneshot;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::set_default;
use tracing::{Event, Metadata, Subscriber};

use crate::peer::{Peer, ask, masked, soon};
use crate::support::{By, echo, serve};

/// Where these echo, and one of whom something was heard
async fn one_at(sockets: &Sockets) -> (SocketAddr, Peer) {
    let sockets = sockets.clone();
    let address = serve(By::Hyper, move |mut request, _| {
        let sockets = sockets.clone();
        async move { sockets.accept(&mut request, echo).await }
    })
    .await;
    let (mut peer, _) = Peer::asked(address, &ask("/", "")).await;
    peer.say(&masked(0x81, b"1")).await;
    peer.frame().await;
    (address, peer)
}

#[tokio::test]
async fn a_stop_tells_connections_1001_waits_for_them_and_answers_requests_503() {
    let sockets = Sockets::new().unwrap();
    let (address, mut peer) = one_at(&sockets).await;
    // One whose connection stays open for another request
    let (mut late, answer) = Peer::asked(address, "GET / HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert!(answer.starts_with("http/1.1 426 "), "{answer}");

    let (stop, stopped) = oneshot::channel::<()>();
    let stopping = tokio::spawn(sockets.stop_on(stopped));
    assert!(!sockets.handle().is_stopping());
    stop.send(()).unwrap();
    soon(stopping).await.unwrap();
    assert_eq!(peer.close().await.0, 1001);
    late.say(ask("/", "").as_bytes()).await;
    let answer = late.answer().await;
    assert!(answer.starts_with("http/1.1 503 ") && answer.contains("stopping"), "{answer}");

    let closed = sockets.closed();
    let mut closed = std::pin::pin!(closed);
    let early = tokio::time::timeout(std::time::Duration::from_millis(100), closed.as_mut()).await;
    assert!(early.is_err(), "the peer has not answered its Close");
    peer.say(&masked(0x88, &1001_u16.to_be_bytes())).await;
    let served = soon(closed).await;
    assert_eq!((served.served, served.closed, served.cut.len()), (1, 1, 0));
}

#[tokio::test]
async fn a_restart_tells_connections_1012_and_when_to_come() {
    let server = Requests::new().server().unwrap().restart(Restart::per_second(2_000));
    let sockets = Sockets::over(server.build().unwrap()).unwrap();
    let (_, mut peer) = one_at(&sockets).await;
    sockets.handle().shutdown();
    let (code, reason) = peer.close().await;
    assert_eq!(code, 1012);
    assert!(reason.starts_with("retry="), "{reason}");
}

#[test]
fn who_waits_for_a_server_whose_runtime_is_gone_is_told_so() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let made_on = runtime();
    let sockets = made_on.block_on(async { Sockets::<()>::new().unwrap() });
    let served = runtime().block_on(async {
        let closed = sockets.closed();
        let mut closed = std::pin::pin!(closed);
        let early = tokio::time::timeout(std::time::Duration::ZERO, closed.as_mut()).await;
        assert!(early.is_err(), "it serves");
        // As a panic does, it takes the server's task away
        made_on.shutdown_background();
        soon(closed).await
    });
    assert_eq!((served.served, served.closed, served.cut.len()), (0, 0, 0));
}

/// Panics when the server says that it shuts down, which its task says
struct Panics;

impl Subscriber for Panics {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "everbeat" && metadata.fields().field("connections").is_some()
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        panic!("as was asked for");
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

// One thread, so that its subscriber sees all of it
#[tokio::test(flavor = "current_thread")]
async fn who_waits_for_a_server_that_panicked_is_told_whom_it_left() {
    let _listening = set_default(Panics);
    let sockets = Sockets::new().unwrap();
    let (address, mut peer) = one_at(&sockets).await;
    sockets.handle().shutdown();
    let served = soon(sockets.closed()).await;
    assert_eq!((served.served, served.closed, served.cut.len()), (1, 0, 1));
    // Nobody is let in any more, and nobody is cut who is there
    let (_, answer) = Peer::asked(address, &ask("/", "")).await;
    assert!(answer.starts_with("http/1.1 503 "), "{answer}");
    peer.say(&masked(0x81, b"2")).await;
    assert_eq!(peer.frame().await, (0x81, b"2".to_vec()));
}
