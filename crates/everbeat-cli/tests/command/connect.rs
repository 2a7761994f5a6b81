//! `everbeat connect`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use everbeat_faults::{Direction, Fault, Proxy};
use tokio::time::{sleep, timeout};

use crate::support::{Running, SOON, echo, everbeat_with, url};

#[tokio::test]
async fn lines_go_out_and_come_back_and_the_end_is_polite() {
    let url = url(echo().await);
    let done = everbeat_with("one\n\nthrée", &["connect", &url]).await;
    assert_eq!((done.code, &*done.out), (Some(0), "one\n\nthrée\n"), "{done:?}");
    assert_eq!(done.err, "", "nothing is worth a word");
}

#[tokio::test]
async fn as_json_each_message_is_told_whole() {
    let url = url(echo().await);
    let done = everbeat_with("one\n", &["--json", "connect", "--binary", &url]).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_eq!(done.event("message")["binary"], "6f6e65");
    assert_eq!(done.event("connected")["attempt"], 1);
    assert_eq!(done.event("end")["unconfirmed_count"], 0);
}

#[tokio::test]
async fn a_line_that_is_no_text_is_told_of_and_the_rest_goes_on() {
    let url = url(echo().await);
    let mut running = Running::start(&["connect", &url]);
    running.say(b"\xff\xfe\nfine\n").await;
    running.line("fine").await;
    let done = running.end().await;
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.err.contains("not UTF-8") && done.err.contains("1 unsent"), "{done:?}");
}

#[tokio::test]
async fn it_comes_back_and_goes_on() {
    let proxy = Proxy::start(echo().await).await.unwrap();
    let url = url(proxy.address());
    let mut running = Running::start(&["--json", "connect", &url]);
    running.line("connected").await;
    running.say("before\n").await;
    running.line("before").await;
    proxy.inject(Fault::Reset);
    running.line("disconnected").await;
    running.line("connected").await;
    running.say("behind\n").await;
    running.line("behind").await;
    let done = running.end().await;
    assert!(done.err.contains("cut"), "{done:?}");
}

#[tokio::test]
async fn what_may_not_have_arrived_is_told_line_by_line() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = sent.clone();
    let ear = move |_: u64, way: Direction, bytes: &[u8]| {
        if way == Direction::ToServer {
            counted.fetch_add(bytes.len(), Ordering::Relaxed);
        }
    };
    let proxy = Proxy::tapped(echo().await, ear).await.unwrap();
    let url = url(proxy.address());
    let mut running = Running::start(&["--json", "connect", &url]);
    running.line("connected").await;
    proxy.inject(Fault::BlackHole(Direction::ToServer));
    let before = sent.load(Ordering::Relaxed);
    running.say("into the hole\n").await;
    // A frame of this text, with its header and mask, has left the client.
    let left = async {
        while sent.load(Ordering::Relaxed) < before + 6 + "into the hole".len() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(SOON, left).await.unwrap();
    proxy.inject(Fault::Reset);
    let lost = running.line("disconnected").await;
    let lost: serde_json::Value = serde_json::from_str(&lost).unwrap();
    assert_eq!(lost["unconfirmed"][0]["text"], "into the hole", "{lost}");
    proxy.inject(Fault::Heal);
    let done = running.end().await;
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.err.contains("unconfirmed: into the hole"), "{done:?}");
}
