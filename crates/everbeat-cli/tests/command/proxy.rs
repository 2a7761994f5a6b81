//! `everbeat proxy`.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::support::{Running, SOON, address, echo, everbeat, url};

#[tokio::test]
async fn it_obeys_its_stdin_while_it_runs() {
    let upstream = echo().await.to_string();
    let mut proxy = Running::start(&["proxy", "127.0.0.1:0", &upstream]);
    let url = url(address(&proxy.line("listening").await));
    assert_eq!(everbeat(&["ping", "-c", "1", &url]).await.code, Some(0));
    proxy.say("delay to-client 200ms\n").await;
    proxy.line("done: delay of 200ms, to the client").await;
    let done = everbeat(&["--json", "ping", "-c", "1", &url]).await;
    assert!(done.event("summary")["min_ms"].as_f64().unwrap() >= 200.0, "{done:?}");
    proxy.say("explode\nlist\nquit\n").await;
    proxy.line("no: `explode` is no fault").await;
    proxy.line("0 open of 2").await;
    assert_eq!(proxy.end().await.code, Some(0));
}

#[tokio::test]
async fn it_obeys_its_control_socket_and_answers_there() {
    let upstream = echo().await.to_string();
    let args = ["--json", "proxy", "127.0.0.1:0", &upstream, "--control", "127.0.0.1:0"];
    let mut proxy = Running::start(&args);
    let listening: serde_json::Value =
        serde_json::from_str(&proxy.line("listening").await).unwrap();
    let at = |key: &str| listening[key].as_str().unwrap().to_owned();
    let mut carried = TcpStream::connect(at("address")).await.unwrap();
    let mut control = BufReader::new(TcpStream::connect(at("control")).await.unwrap());
    let mut ask = async |line: &str| {
        control.get_mut().write_all(format!("{line}\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(SOON, control.read_line(&mut answer)).await.unwrap().unwrap();
        serde_json::from_str::<serde_json::Value>(&answer).unwrap()
    };
    while ask("list").await["open"].as_array().unwrap().is_empty() {}
    assert!(ask("on 9 reset").await["error"].as_str().unwrap().contains("no connection 9"));
    assert_eq!(ask("explode").await["event"], "error");
    assert_eq!([&ask("list").await["event"], &ask("help").await["event"]], ["accepted", "help"]);
    let done = ask("on 1 reset").await;
    assert_eq!([&done["event"], &done["done"]], ["done", "reset"]);
    assert_eq!(done["connection"], 1);
    let read = timeout(SOON, carried.read_u8()).await.unwrap();
    assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(ask("quit").await["done"], "quit");
    assert_eq!(proxy.end().await.code, Some(0));
}

#[tokio::test]
async fn a_web_page_gives_it_no_orders() {
    let args = ["--json", "proxy", "127.0.0.1:0", "127.0.0.1:1", "--control", "127.0.0.1:0"];
    let mut proxy = Running::start(&args);
    let listening: serde_json::Value =
        serde_json::from_str(&proxy.line("listening").await).unwrap();
    let mut browser = TcpStream::connect(listening["control"].as_str().unwrap()).await.unwrap();
    browser.write_all(b"POST / HTTP/1.1\r\nHost: a\r\n\r\nto 127.0.0.1:2\nquit\n").await.unwrap();
    let mut answer = Vec::new();
    // By an end, or by a reset, for there was more that nobody read
    _ = timeout(SOON, browser.read_to_end(&mut answer)).await.unwrap();
    assert_eq!(answer, b"", "{}", String::from_utf8_lossy(&answer));
    // On stdout an answer says which it is, as all lines there do.
    proxy.say("list\nhelp\nexplode\nheal\nquit\n").await;
    for event in ["accepted", "help", "error", "done"] {
        let line = proxy.line(event).await;
        let told: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(told["event"], event, "{line}");
    }
    assert_eq!(proxy.end().await.code, Some(0));
}

#[tokio::test]
async fn who_wants_orders_from_elsewhere_has_to_say_so() {
    let args = ["proxy", "127.0.0.1:0", "127.0.0.1:1", "--control", "0.0.0.0:0"];
    let mut proxy = Running::start(&[&args[..], &["--control-anywhere"]].concat());
    proxy.line("taking commands on 0.0.0.0:").await;
    proxy.say("quit\n").await;
    assert_eq!(proxy.end().await.code, Some(0));
}

#[tokio::test]
async fn a_schedule_happens_at_its_times() {
    let upstream = echo().await.to_string();
    let args = ["--json", "proxy", "127.0.0.1:0", &upstream, "--at", "300ms reset"];
    let began = Instant::now();
    let mut proxy = Running::start(&args);
    let listening: serde_json::Value =
        serde_json::from_str(&proxy.line("listening").await).unwrap();
    let address = listening["address"].as_str().unwrap().to_owned();
    let mut carried = TcpStream::connect(address).await.unwrap();
    let fault: serde_json::Value = serde_json::from_str(&proxy.line("\"fault\"").await).unwrap();
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert!(fault["at_s"].as_f64().unwrap() >= 0.3, "{fault}");
    let read = timeout(SOON, carried.read_u8()).await.unwrap();
    assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_seed_says_what_it_will_do_and_says_the_same_again() {
    let plan = async |seed: &str| {
        let args = ["proxy", "127.0.0.1:0", "127.0.0.1:1", "--seed", seed, "--lasting", "10m"];
        everbeat(&[&args[..], &["--dry-run"]].concat()).await
    };
    let (first, again, other) = (plan("7").await, plan("7").await, plan("8").await);
    assert_eq!(first.code, Some(0));
    assert!(first.out.lines().count() > 20, "{first:?}");
    assert_eq!(first.out, again.out);
    assert_ne!(first.out, other.out);
}
