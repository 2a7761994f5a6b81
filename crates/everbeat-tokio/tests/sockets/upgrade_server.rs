//! The server's upgrade, against clients that do it wrong.

use everbeat_tokio::core::cause::{Cause, Cut};
use everbeat_tokio::server::{AcceptError, Acceptor};
use everbeat_tokio::transport::{Accept, Settings, UpgradeError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::join;

use crate::peer::{ASK, accept, acceptor, soon};

/// What a request ends with, and what the client was told
async fn refused(ask: String, settings: Settings) -> (AcceptError, String) {
    let (mut acceptor, mut peer) = acceptor(settings).await;
    let (accepted, told) = soon(async {
        join!(accept(&mut acceptor), async {
            peer.write_all(ask.as_bytes()).await.unwrap();
            let mut told = String::new();
            peer.read_to_string(&mut told).await.unwrap();
            drop(peer);
            told
        })
    })
    .await;
    (accepted.map(drop).unwrap_err(), told)
}

fn classify(error: &AcceptError) -> Cause {
    <Acceptor as Accept>::classify(error)
}

#[tokio::test]
async fn a_browser_without_an_upgrade_is_told_to_upgrade() {
    let ask = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let (error, told) = refused(ask.to_owned(), Settings::default()).await;
    assert!(told.starts_with("HTTP/1.1 426 "), "{told}");
    assert!(told.contains("\r\nSec-WebSocket-Version: 13\r\n"), "{told}");
    assert!(matches!(classify(&error), Cause::NotWebSocket { .. }), "{error:?}");
}

#[tokio::test]
async fn a_client_that_speaks_something_else_is_refused_at_its_first_byte() {
    let (error, told) = refused("\x16\x03\x01\x02".to_owned(), Settings::default()).await;
    assert!(told.starts_with("HTTP/1.1 400 "), "{told}");
    assert!(matches!(error, AcceptError::Upgrade(UpgradeError::SpeaksTls)), "{error:?}");
}

#[tokio::test]
async fn a_head_too_long_is_refused_before_its_end() {
    let ask = ASK.replace("Host: test", &format!("Cookie: {}", "a".repeat(5_000)));
    let (error, told) = refused(ask, Settings::default().max_head(4_096)).await;
    assert!(told.starts_with("HTTP/1.1 431 ") && told.contains("`max_head`"), "{told}");
    assert!(
        matches!(error, AcceptError::Upgrade(UpgradeError::HeadTooLong { max: 4_096 })),
        "{error:?}"
    );
}

#[tokio::test]
async fn bytes_behind_a_request_are_refused() {
    let (error, told) = refused(format!("{ASK}GET /"), Settings::default()).await;
    assert!(told.starts_with("HTTP/1.1 400 "), "{told}");
    assert!(matches!(error, AcceptError::Upgrade(UpgradeError::EarlyBytes)), "{error:?}");
}

#[tokio::test]
async fn a_request_cut_at_any_stage_is_a_cut() {
    for cut in (0..ASK.len()).step_by(23).chain([ASK.len() - 1]) {
        let (mut acceptor, mut peer) = acceptor(Settings::default()).await;
        peer.write_all(&ASK.as_bytes()[..cut]).await.unwrap();
        drop(peer);
        let error = soon(accept(&mut acceptor)).await.map(drop).unwrap_err();
        assert!(matches!(classify(&error), Cause::Cut { how: Cut::End, .. }), "{cut}: {error:?}");
    }
}

#[tokio::test]
async fn a_good_request_comes_with_its_facts() {
    let (mut acceptor, mut peer) = acceptor(Settings::default()).await;
    let address = peer.local_addr().unwrap();
    peer.write_all(ASK.as_bytes()).await.unwrap();
    let (_, facts, request) = soon(accept(&mut acceptor)).await.unwrap();
    assert_eq!(facts.peer(), address);
    assert_eq!((request.path(), request.query()), ("/feed", Some("all")));
    assert_eq!(request.header("host"), Some("test"));
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let (acceptor, _peer) = acceptor(Settings::default()).await;
    let address = acceptor.local_address().unwrap().to_string();
    let error = Acceptor::bind(&address, Settings::default()).await.unwrap_err();
    assert!(error.to_string().contains(&address), "{error}");
    let error = Acceptor::bind(&address, Settings::default().max_head(0)).await.unwrap_err();
    assert!(matches!(error, AcceptError::Config(error) if error.setting() == "max_head"));
}

#[tokio::test]
async fn a_name_is_listened_at_and_what_is_no_address_is_refused() {
    let acceptor = Acceptor::bind("localhost:0", Settings::default()).await.unwrap();
    assert!(acceptor.local_address().unwrap().ip().is_loopback());
    for bad in ["", "127.0.0.1", "localhost:", "localhost:65536"] {
        let error = Acceptor::bind(bad, Settings::default()).await.unwrap_err();
        assert!(matches!(&error, AcceptError::Bind { address, .. } if address == bad), "{error:?}");
        assert!(classify(&error).to_string().contains("HOST:PORT"), "{error:?}");
    }
}
