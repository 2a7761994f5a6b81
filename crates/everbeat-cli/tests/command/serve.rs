//! `everbeat serve`.

use everbeat_tokio::{Client, Event};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{Running, SOON, address, everbeat, url};

async fn message(client: &mut Client) -> String {
    loop {
        if let Some(Event::Message(message)) = client.next().await {
            return message.to_string();
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn an_echo_says_who_comes_and_goes_and_what_it_did() {
    let mut serving = Running::start(&["--json", "serve", "127.0.0.1:0", "--figures", "100ms"]);
    let at = address(&serving.line("listening").await);
    let mut client = Client::connect(&url(at)).await.unwrap();
    serving.line("\"came\"").await;
    client.send("back").await.unwrap();
    assert_eq!(message(&mut client).await, "back");
    let figures = serving.line("\"messages\":1").await;
    assert!(figures.contains("\"bytes\":4") && figures.contains("\"open\":1"), "{figures}");
    client.close().await;
    serving.line("\"went\"").await;
    let done = serving.interrupt().await;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_eq!(done.event("served")["how"], "served 1 connection");
}

#[tokio::test]
async fn a_broadcast_reaches_everybody() {
    let mut serving = Running::start(&["serve", "127.0.0.1:0", "--mode", "broadcast"]);
    let url = url(address(&serving.line("listening").await));
    let mut one = Client::connect(&url).await.unwrap();
    let mut other = Client::connect(&url).await.unwrap();
    serving.line("2 came").await;
    one.send("to all").await.unwrap();
    assert_eq!(message(&mut one).await, "to all");
    assert_eq!(message(&mut other).await, "to all");
}

#[tokio::test]
async fn its_limits_and_rules_are_those_of_the_server() {
    let mut serving =
        Running::start(&["serve", "127.0.0.1:0", "--connections", "1", "--idle", "400ms"]);
    let url = url(address(&serving.line("listening").await));
    let mut held = Client::connect(&url).await.unwrap();
    serving.line("1 came").await;
    let done = everbeat(&["ping", "-c", "1", &url]).await;
    assert!(done.code == Some(3) && done.err.contains("503"), "{done:?}");
    while !matches!(held.next().await, Some(Event::Disconnected(_) | Event::Closed(_)) | None) {}
    serving.line("expired: no message within the idle time").await;
}

#[tokio::test]
async fn a_round_trip_that_was_not_measured_is_none() {
    let serve = ["serve", "127.0.0.1:0", "--figures", "50ms"];
    let mut quiet = Running::start(&[&["--json"], &serve[..]].concat());
    let figures = quiet.line("\"figures\"").await;
    let figures: Value = serde_json::from_str(&figures).unwrap();
    for half_or_most in ["round_trip_p50_ms", "round_trip_p99_ms"] {
        assert_eq!(figures.get(half_or_most), Some(&Value::Null), "{figures}");
    }
    let mut serving = Running::start(&[&serve[..], &["--interval", "500ms"]].concat());
    let at = address(&serving.line("listening").await);
    serving.line("0 open of 0, 0 messages (0 bytes), round trips none yet, silent").await;
    let mut client = Client::connect(&url(at)).await.unwrap();
    // Who waits for what comes next answers Pings; then there is one.
    tokio::spawn(async move { while client.next().await.is_some() {} });
    let measured = serving.line(" ms (half), ").await;
    assert!(measured.contains("1 open of 1") && !measured.contains("none yet"), "{measured}");
}

/// Asks for a page as Prometheus does: the head of the answer, and what is below it
async fn page(at: &str, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(at).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {at}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(SOON, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    let (head, page) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), page.to_owned())
}

/// The value of a sample in it, such as `name{role="server"}`
fn sample(page: &str, name: &str) -> Option<f64> {
    page.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

#[tokio::test]
async fn prometheus_is_told_how_many_are_open_and_what_they_said() {
    let args = ["--json", "serve", "127.0.0.1:0", "--metrics", "127.0.0.1:0"];
    let mut serving = Running::start(&args);
    let listening: Value = serde_json::from_str(&serving.line("listening").await).unwrap();
    let told = listening["metrics"].as_str().unwrap();
    let at = told.strip_prefix("http://").unwrap().strip_suffix("/metrics").unwrap();
    let open = "everbeat_connections_open{role=\"server\"}";
    let before = page(at, "/metrics").await.1;
    assert_eq!(sample(&before, open).unwrap_or_default(), 0.0, "{before}");

    let mut client = Client::connect(listening["url"].as_str().unwrap()).await.unwrap();
    serving.line("\"came\"").await;
    client.send("back").await.unwrap();
    assert_eq!(message(&mut client).await, "back");
    let (head, during) = page(at, "/metrics").await;
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("version=0.0.4"), "{head}");
    assert_eq!(sample(&during, open), Some(1.0), "{during}");
    let received = "everbeat_messages_total{role=\"server\",fate=\"received\"}";
    assert_eq!(sample(&during, received), Some(1.0), "{during}");

    client.close().await;
    serving.line("\"went\"").await;
    // The handler says so before its task is over, which is when the connection counts as closed.
    let gone = async { while sample(&page(at, "/metrics").await.1, open) != Some(0.0) {} };
    timeout(SOON, gone).await.expect("nobody is open any more");
    assert!(page(at, "/").await.0.starts_with("HTTP/1.1 404 "));
}
