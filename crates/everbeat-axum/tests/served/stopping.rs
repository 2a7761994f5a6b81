//! The application's end: HTTP and connections stop at one signal, and each is waited for.

use std::io;
use std::time::Duration;

use everbeat_axum::server::storm::Restart;
use everbeat_axum::{Requests, Sockets};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::peer::{GRANTED, Peer, masked, soon};
use crate::support::{app, ask, serve};

/// One whom axum serves until it is told to stop, and who was greeted
async fn begun(
    sockets: &Sockets<String>,
) -> (oneshot::Sender<()>, JoinHandle<io::Result<()>>, Peer) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = axum::serve(listener, app(sockets.clone()));
    let serving = serving.with_graceful_shutdown(sockets.stop_on(stopped));
    let serving = tokio::spawn(serving.into_future());
    let (mut peer, head) = Peer::asked(address, &ask("")).await;
    assert!(head.contains(GRANTED), "{head}");
    assert_eq!(peer.frame().await, (0x81, b"welcome, ann".to_vec()));
    (stop, serving, peer)
}

#[tokio::test]
async fn one_signal_ends_http_and_connections_which_are_told_1001_and_waited_for() {
    let sockets = Sockets::new().unwrap();
    let (stop, serving, mut peer) = begun(&sockets).await;

    stop.send(()).unwrap();
    assert_eq!(peer.close().await.0, 1001);
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
async fn a_restart_tells_connections_1012_and_when_to_come() {
    let server = Requests::new().server().unwrap().restart(Restart::per_second(2_000));
    let sockets = Sockets::over(server.build().unwrap()).unwrap();
    let (stop, serving, mut peer) = begun(&sockets).await;
    stop.send(()).unwrap();
    soon(serving).await.unwrap().unwrap();
    let (code, reason) = peer.close().await;
    assert_eq!(code, 1012);
    assert!(reason.starts_with("retry="), "{reason}");
}

#[tokio::test]
async fn a_request_behind_the_stop_is_answered_503_and_other_routes_go_on() {
    let sockets = Sockets::new().unwrap();
    let address = serve(app(sockets.clone()), false).await;
    sockets.handle().shutdown();
    soon(sockets.closed()).await;
    let (_, head) = Peer::asked(address, &ask("")).await;
    assert!(head.starts_with("http/1.1 503 "), "{head}");
    let (_, head) = Peer::asked(address, "GET /plain HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert!(head.starts_with("http/1.1 200 "), "{head}");
}
