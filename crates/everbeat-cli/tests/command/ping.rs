//! `everbeat ping`.

use std::time::Duration;

use everbeat_faults::{Direction, Fault, Proxy};
use everbeat_tokio::Server;
use everbeat_tokio::server::{Reject, Upgrade};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::support::{Running, SOON, Scratch, echo, echo_as, everbeat, self_signed, url};

#[tokio::test]
async fn every_beat_has_its_line_and_the_figures_are_of_them() {
    let url = url(echo().await);
    let done = everbeat(&["--json", "ping", "-c", "20", "-i", "10ms", &url]).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    let events = done.events();
    let trips: Vec<f64> = events
        .iter()
        .filter(|event| event["event"] == "beat")
        .map(|event| event["round_trip_ms"].as_f64().unwrap())
        .collect();
    assert_eq!(trips.len(), 20);
    let summary = done.event("summary");
    assert_eq!([&summary["sent"], &summary["answered"], &summary["lost"]], [20, 20, 0]);
    let figure = |name: &str| summary[name].as_f64().unwrap();
    let mean = trips.iter().sum::<f64>() / 20.0;
    let least = trips.iter().copied().fold(f64::MAX, f64::min);
    let most = trips.iter().copied().fold(0.0, f64::max);
    // Each was rounded to the microsecond.
    assert!((figure("avg_ms") - mean).abs() < 0.002, "{summary}");
    assert!((figure("min_ms") - least).abs() < 0.002, "{summary}");
    assert!((figure("max_ms") - most).abs() < 0.002, "{summary}");
    let bars = summary["histogram"].as_array().unwrap();
    assert_eq!(bars.iter().map(|bar| bar["count"].as_u64().unwrap()).sum::<u64>(), 20);
}

#[tokio::test]
async fn a_token_in_the_url_is_shown_nowhere() {
    let url = format!("{}?token=s3cret", url(echo().await));
    for format in [&[][..], &["--json"]] {
        let done = everbeat(&[format, &["ping", "-c", "1", &url]].concat()).await;
        assert_eq!(done.code, Some(0), "{done:?}");
        assert!(done.out.contains("?..") && !done.out.contains("s3cret"), "{done:?}");
    }
}

#[tokio::test]
async fn a_round_trip_is_what_the_road_takes() {
    let proxy = Proxy::start(echo().await).await.unwrap();
    proxy.inject(Fault::Delay(Direction::ToServer, Duration::from_millis(150)));
    let url = url(proxy.address());
    let done = everbeat(&["--json", "ping", "-c", "5", "-i", "10ms", &url]).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    let half = done.event("summary")["p50_ms"].as_f64().unwrap();
    // Later than the delay only by what the machine is late
    assert!((150.0..3_000.0).contains(&half), "{half}");
}

#[tokio::test]
async fn who_reads_and_does_not_answer_is_a_dead_application() {
    let proxy = Proxy::start(echo().await).await.unwrap();
    let url = url(proxy.address());
    let mut running = Running::start(&["ping", "-i", "50ms", "-W", "600ms", &url]);
    running.line("beat 2:").await;
    // The proxy's kernel goes on acknowledging: what is gone is the program behind it.
    proxy.inject(Fault::BlackHole(Direction::Both));
    running.line("suspect").await;
    let dead = running.line("dead").await;
    if cfg!(target_os = "linux") {
        assert!(dead.contains("dead (app)"), "{dead}");
        running.line("the application hangs").await;
    }
    let done = running.end().await;
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(!done.out.contains("0.0 % lost"), "{done:?}");
}

#[tokio::test]
async fn a_connection_that_is_reset_is_a_cut_and_a_1() {
    let proxy = Proxy::start(echo().await).await.unwrap();
    let url = url(proxy.address());
    let mut running = Running::start(&["ping", "-i", "50ms", &url]);
    running.line("beat 1:").await;
    proxy.inject(Fault::Reset);
    running.line("cut").await;
    assert_eq!(running.end().await.code, Some(1));
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupted_one_says_its_figures() {
    let (heard, mut hearing) = watch::channel(0);
    let ear = move |_: u64, way: Direction, bytes: &[u8]| {
        if way == Direction::ToClient {
            heard.send_modify(|heard| *heard += bytes.len());
        }
    };
    let proxy = Proxy::tapped(echo().await, ear).await.unwrap();
    let url = url(proxy.address());
    let mut running = Running::start(&["ping", "-q", "-i", "10ms", &url]);
    running.line("beating").await;
    // Quiet as it is, it shows by nothing of its own that it has an answer: two Pongs pass by here.
    let two = *hearing.borrow() + 2 * (2 + 8);
    timeout(SOON, hearing.wait_for(|&heard| heard >= two)).await.unwrap().unwrap();
    let done = running.interrupt().await;
    assert!(done.out.contains("round trip min/avg/max/stddev"), "{done:?}");
    assert!(!done.out.contains("beat 1:"), "quiet: {done:?}");
}

#[tokio::test]
async fn headers_and_subprotocols_reach_the_server() {
    let server = Server::builder()
        .upgrade(|request| async move {
            let asked = request.subprotocols().any(|name| name == "chat");
            match request.header("Authorization") {
                Some("Bearer secret") if asked => Ok::<_, Reject>(Upgrade::accept(())),
                _ => Err(Reject::status(401)),
            }
        })
        .bind("127.0.0.1:0")
        .await
        .unwrap();
    let url = url(server.acceptor().local_address().unwrap());
    tokio::spawn(server.serve(|mut connection| async move {
        while connection.recv().await?.is_some() {}
        Ok(())
    }));
    let header = ["-H", "Authorization: Bearer secret"];
    let told = [&["ping", "-c", "1", "-s", "chat"], &header[..], &[&*url]].concat();
    let done = everbeat(&told).await;
    // It accepts without choosing one, which a client that asked must not take.
    assert!(done.code == Some(3) && done.err.contains("subprotocol"), "{done:?}");
    let done = everbeat(&["ping", "-c", "1", &url]).await;
    assert!(done.code == Some(3) && done.err.contains("401"), "{done:?}");
}

#[tokio::test]
async fn over_tls_it_trusts_whom_it_is_told_to() {
    let (cert, tls) = self_signed();
    let address = echo_as(|builder| builder.listener(|listener| listener.tls(tls))).await;
    let url = format!("wss://localhost:{}/", address.port());
    let file = Scratch::with("ping.pem", &cert);
    let trusting = ["ping", "-4", "-c", "1", "--ca", file.path(), &url];
    let done = everbeat(&trusting).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    let done = everbeat(&["ping", "-4", "-c", "1", &url]).await;
    assert!(matches!(done.code, Some(2 | 3)), "{done:?}");
    let done = everbeat(&["ping", "-6", "-c", "1", &url.replace("localhost", "127.0.0.1")]).await;
    assert!(done.code == Some(3) && done.err.contains("-6"), "{done:?}");
}
