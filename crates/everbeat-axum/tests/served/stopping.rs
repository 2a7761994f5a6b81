//! The application's end: HTTP and connections stop at one signal, and each is waited for.

use std::time::Duration;

use everbeat_axum::Sockets;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::support::{GRANTED, Peer, app, ask, masked, soon};

#[tokio::test]
async fn one_signal_ends_http_and_connections_which_are_told_1001_and_waited_for() {
    let sockets = Sockets::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = axum::serve(listener, app(sockets.clone()));
    let serving =
        tokio::spawn(serving.with_graceful_shutdown(sockets.stop_on(stopped)).into_future());
    let (mut peer, head) = Peer::asked(address, &ask("")).await;
    assert!(head.contains(GRANTED), "{head}");
    assert_eq!(peer.frame().await, (0x81, b"welcome, ann".to_vec()));

    stop.send(()).unwrap();
    let (first, payload) = peer.frame().await;
    assert_eq!((first, &payload[..2]), (0x88, &1001_u16.to_be_bytes()[..]));
    // axum waits for no connection that was upgraded: its end is not theirs
    soon(serving).await.unwrap().unwrap();
    let mut closed = std::pin::pin!(sockets.closed());
    let early = tokio::time::timeout(Duration::from_millis(100), closed.as_mut()).await;
    assert!(early.is_err(), "the peer has not answered its Close");
    peer.say(&masked(0x88, &1001_u16.to_be_bytes())).await;
    let served = soon(closed).await;
    assert_eq!(served.to_string(), "served 1 connection; at the shutdown 1 closed in time");
}

#[tokio::test]
async fn a_request_behind_the_stop_is_answered_503_and_other_routes_go_on() {
    let sockets = Sockets::new().unwrap();
    let address = crate::support::serve(app(sockets.clone()), false).await;
    sockets.handle().shutdown();
    soon(sockets.closed()).await;
    let (_, head) = Peer::asked(address, &ask("")).await;
    assert!(head.starts_with("http/1.1 503 "), "{head}");
    let (_, head) = Peer::asked(address, "GET /plain HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert!(head.starts_with("http/1.1 200 "), "{head}");
}
