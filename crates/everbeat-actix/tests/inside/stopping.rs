//! The order of a stop: connections are told, new ones refused, and then actix has nobody to wait for.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::support::{ask, asked, frame, masked, raw, soon, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_is_told_and_waited_for_and_then_actix_stops_at_once() {
    let mut inside = start();
    soon(async {
        let mut peer = raw(&inside).await;
        inside.stop.take().unwrap().send(()).unwrap();
        let (opcode, payload) = frame(&mut peer).await;
        assert_eq!((opcode, &payload[..2]), (8, &1001_u16.to_be_bytes()[..]));

        for (path, status) in [("/echo", 503), ("/nothing", 200)] {
            let mut late = TcpStream::connect(inside.address).await.unwrap();
            let answer = asked(&mut late, &ask(path, &[])).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        }
        let early = timeout(Duration::from_millis(100), &mut inside.http).await;
        assert!(early.is_err(), "the peer has not answered its Close");

        peer.write_all(&masked(8, &payload[..2])).await.unwrap();
        assert_eq!(peer.read(&mut [0; 9]).await.unwrap(), 0);
        let served = inside.sockets.closed().await;
        assert_eq!(served.to_string(), "served 1 connection; at the shutdown 1 closed in time");
        let began = Instant::now();
        (&mut inside.http).await.unwrap().unwrap();
        // Its own limit is five seconds
        assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    })
    .await;
}
