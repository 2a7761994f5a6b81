//! Who is one too many: what he is told, before the 101.

use everbeat_actix::server::Limits;
use everbeat_actix::{Requests, Sockets};
use tokio::net::TcpStream;

use crate::support::{Inside, ask, asked, raw, soon, start_with};

fn limited(limits: Limits) -> Inside {
    let server = Requests::new().server().unwrap().limits(limits).build().unwrap();
    start_with(Sockets::over(server).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_too_many_is_answered_503_and_of_one_address_429_with_a_time() {
    for (limits, status) in
        [(Limits::default().connections(1), 503), (Limits::default().per_address(1), 429)]
    {
        let inside = limited(limits);
        soon(async {
            let first = raw(&inside).await;
            let mut second = TcpStream::connect(inside.address).await.unwrap();
            let answer = asked(&mut second, &ask("/echo", &[])).await.to_lowercase();
            assert!(answer.starts_with(&format!("http/1.1 {status} ")), "{answer}");
            assert!(answer.contains("\r\nretry-after: 5\r\n"), "{answer}");
            drop(first);
            while !inside.sockets.registry().is_empty() {
                tokio::task::yield_now().await;
            }
            // Its place is another's
            raw(&inside).await;
        })
        .await;
    }
}
