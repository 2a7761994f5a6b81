//! The order of a stop: connections are told, new ones refused, and then actix has nobody to wait for.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{ask, frame, head, masked, raw, soon, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_is_told_and_waited_for_and_then_actix_stops_at_once() {
    let inside = start();
    soon(async {
        let mut peer = raw(&inside).await;
        inside.sockets.stop_on(std::future::ready(())).await;
        let (opcode, payload) = frame(&mut peer).await;
        assert_eq!((opcode, &payload[..2]), (8, &1001_u16.to_be_bytes()[..]));

        let mut late = TcpStream::connect(inside.address).await.unwrap();
        late.write_all(ask(&[]).as_bytes()).await.unwrap();
        let refused = head(&mut late).await;
        assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
        drop(late);

        peer.write_all(&masked(8, &payload[..2])).await.unwrap();
        assert_eq!(peer.read(&mut [0; 9]).await.unwrap(), 0);
        let served = inside.sockets.closed().await;
        assert!(served.cut.is_empty(), "{served}");
        let began = Instant::now();
        inside.http.stop(true).await;
        // Its own limit is five seconds
        assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    })
    .await;
}
