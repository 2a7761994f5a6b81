//! The end of the server: connections are told and waited for, and requests are answered.

use everbeat_hyper::server::storm::Restart;
use everbeat_hyper::{Requests, Sockets};
use tokio::sync::oneshot;

use crate::support::{By, Peer, ask, echo, masked, serve, soon};

#[tokio::test]
async fn a_stop_tells_connections_1001_waits_for_them_and_answers_requests_503() {
    let sockets = Sockets::new().unwrap();
    let route = sockets.clone();
    let address = serve(By::Hyper, move |mut request, _| {
        let sockets = route.clone();
        async move { sockets.accept(&mut request, echo).await }
    })
    .await;
    let (mut peer, _) = Peer::asked(address, &ask("/", "")).await;
    peer.say(&masked(0x81, b"1")).await;
    peer.frame().await;
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
    let route = sockets.clone();
    let address = serve(By::Hyper, move |mut request, _| {
        let sockets = route.clone();
        async move { sockets.accept(&mut request, echo).await }
    })
    .await;
    let (mut peer, _) = Peer::asked(address, &ask("/", "")).await;
    peer.say(&masked(0x81, b"1")).await;
    peer.frame().await;
    sockets.handle().shutdown();
    let (code, reason) = peer.close().await;
    assert_eq!(code, 1012);
    assert!(reason.starts_with("retry="), "{reason}");
}
