//! `everbeat serve`.

use everbeat_tokio::{Client, Event};

use crate::support::{Running, address, everbeat, url};

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
