//! How a connection ends that nobody closes: of silence, of a socket that is gone, of an answer that
//! was replaced; and that actix has ended it too.

use std::sync::atomic::Ordering;
use std::time::Duration;

use everbeat_actix::{Requests, Sockets};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::support::{Inside, PROMISE, ask, asked, frame, raw, soon, start, start_with};

const PING: u8 = 9;

/// What a busy machine may add
const LATENESS: Duration = Duration::from_secs(5);

/// How long it takes until nobody is registered, and actix has let go of all connections
async fn nobody_after(inside: &Inside, began: Instant) -> Duration {
    while !inside.sockets.registry().is_empty() || inside.open.load(Ordering::Relaxed) > 0 {
        sleep(Duration::from_millis(5)).await;
    }
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_silent_is_asked_and_then_gone_with_his_socket() {
    let inside = start();
    soon(async {
        let began = Instant::now();
        let mut peer = raw(&inside).await;
        assert_eq!(frame(&mut peer).await.0, PING);
        let took = nobody_after(&inside, began).await;
        assert!(took <= PROMISE + LATENESS, "{took:?}");
        let mut rest = Vec::new();
        // Its end or a reset
        _ = peer.read_to_end(&mut rest).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_socket_is_gone_is_gone_before_anybody_asks_him() {
    for reset in [false, true] {
        // Of which the first comes at a random time: as good as never
        let server = Requests::new().server().unwrap().interval(Duration::from_secs(3_600));
        let inside = start_with(Sockets::over(server.build().unwrap()).unwrap());
        soon(async {
            let peer = raw(&inside).await;
            assert_eq!(inside.sockets.registry().len(), 1);
            if reset {
                SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
            }
            let began = Instant::now();
            drop(peer);
            let took = nobody_after(&inside, began).await;
            assert!(took < LATENESS, "{took:?}, by a reset: {reset}");
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_is_held_up_and_then_gone_with_his_socket() {
    let inside = start();
    soon(async {
        let mut peer = raw(&inside).await;
        let large = [&[0x82, 0xfe, 0xff, 0xff, 0, 0, 0, 0][..], &[7; 65_535]].concat();
        let mut taken = 0_usize;
        // Echoes that nobody reads: the server takes what its buffers and the kernel's hold
        while let Ok(Ok(())) = timeout(PROMISE / 4, peer.write_all(&large)).await {
            taken += large.len();
            assert!(taken < 64 << 20, "nobody holds it up");
        }
        let took = nobody_after(&inside, Instant::now()).await;
        assert!(took < Duration::from_secs(20), "{took:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_that_answers_otherwise_has_no_connection_and_its_answer_arrives() {
    let inside = start_with(Sockets::new().unwrap());
    soon(async {
        let mut peer = TcpStream::connect(inside.address).await.unwrap();
        let answer = asked(&mut peer, &ask("/otherwise", &[])).await;
        assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
        let took = nobody_after(&inside, Instant::now()).await;
        assert!(took < LATENESS, "{took:?}");
        assert_eq!(inside.served.load(Ordering::Relaxed), 0, "its handler was called");
    })
    .await;
}
