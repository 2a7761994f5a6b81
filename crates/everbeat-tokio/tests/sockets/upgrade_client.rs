//! The client's upgrade, against servers that do it wrong.

use std::time::Duration;

use everbeat_tokio::Request;
use everbeat_tokio::client::{AttemptError, Connector};
use everbeat_tokio::core::cause::{Cause, Cut};
use everbeat_tokio::transport::{Attempt, Connect, UpgradeError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::join;

use crate::peer::{attempt, classify, grant, listener, request, soon};

/// What one attempt ends with, when the server answers with this and closes
async fn error(answer: impl Fn(&str) -> String) -> AttemptError {
    let listener = listener().await;
    let (attempted, ()) = soon(async {
        join!(attempt(&listener, |connector| connector), async {
            let (mut stream, head) = request(&listener).await;
            stream.write_all(answer(&head).as_bytes()).await.unwrap();
        })
    })
    .await;
    attempted.unwrap_err()
}

#[tokio::test]
async fn a_plain_http_server_is_not_a_websocket() {
    let page = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let error = error(|_| page.to_owned()).await;
    assert_eq!(classify(&error), Cause::Rejected { status: 200, retry_after: None });
}

#[tokio::test]
async fn a_server_that_speaks_something_else_is_not_a_websocket() {
    let error = error(|_| "SSH-2.0-OpenSSH_9.2\r\n".to_owned()).await;
    assert!(matches!(error, AttemptError::Upgrade(UpgradeError::NotHttp)), "{error:?}");
    assert!(matches!(classify(&error), Cause::NotWebSocket { .. }));
}

#[tokio::test]
async fn a_busy_server_says_when_to_come_back() {
    let busy = "HTTP/1.1 429 Slow Down\r\nDate: Fri, 31 Dec 1999 23:59:50 GMT\r\n\
                Retry-After: Sat, 01 Jan 2000 00:00:00 GMT\r\n\r\n";
    let error = error(|_| busy.to_owned()).await;
    let retry_after = Some(Duration::from_secs(10));
    assert_eq!(classify(&error), Cause::Rejected { status: 429, retry_after });
}

#[tokio::test]
async fn a_wrong_accept_key_is_not_a_websocket() {
    let error = error(|head| grant(&head.replace("Key: ", "Key: x"))).await;
    assert!(matches!(error, AttemptError::Upgrade(UpgradeError::AcceptKey)), "{error:?}");
    assert!(matches!(classify(&error), Cause::NotWebSocket { .. }));
}

#[tokio::test]
async fn a_head_too_long_is_not_read_to_its_end() {
    let error = error(|_| format!("HTTP/1.1 101 X\r\nA: {}", "a".repeat(40_000))).await;
    let AttemptError::Upgrade(UpgradeError::HeadTooLong { max }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(max, 16 << 10);
    assert!(classify(&error).to_string().contains("`max_head`"));
}

#[tokio::test]
async fn an_upgrade_cut_at_any_stage_is_a_cut() {
    let whole = grant("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n").len();
    for cut in (0..whole).step_by(17).chain([whole - 1]) {
        let error = error(|head| grant(head)[..cut].to_owned()).await;
        let cause = classify(&error);
        assert!(matches!(cause, Cause::Cut { how: Cut::End, .. }), "{cut}: {error:?}");
    }
}

#[tokio::test]
async fn a_connection_cut_before_the_request_is_a_cut() {
    let listener = listener().await;
    let (attempted, ()) = soon(async {
        join!(attempt(&listener, |connector| connector), async {
            let (stream, _) = listener.accept().await.unwrap();
            // Closing with the request unread is a reset
            stream.readable().await.unwrap();
            drop(stream);
        })
    })
    .await;
    let cause = classify(&attempted.unwrap_err());
    assert!(matches!(cause, Cause::Cut { how: Cut::Reset | Cut::End, .. }), "{cause}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let listener = listener().await;
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    drop(listener);
    let mut connector = Connector::new(&url).unwrap();
    let error = soon(connector.connect(Attempt::first())).await.unwrap_err();
    assert!(matches!(error, AttemptError::Dial { .. }), "{error:?}");
    let Cause::Unreachable { detail } = classify(&error) else { panic!("{error:?}") };
    assert!(detail.contains("127.0.0.1:") && detail.contains("refused"), "{detail}");
}

#[tokio::test]
async fn a_slow_handshake_is_given_up_by_dropping_it() {
    let listener = listener().await;
    let (attempted, ()) = soon(async {
        join!(
            tokio::time::timeout(
                Duration::from_millis(200),
                attempt(&listener, |connector| connector)
            ),
            async {
                let (mut stream, _) = request(&listener).await;
                stream.write_all(b"HTTP/1.1 101 Switching").await.unwrap();
                // The socket goes with the future
                assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0);
            }
        )
    })
    .await;
    assert!(attempted.is_err(), "the time limit");
}

#[tokio::test]
async fn every_attempt_makes_its_own_request() {
    let listener = listener().await;
    let address = listener.local_addr().unwrap();
    let mut connector = Connector::new("ws://not.used.invalid/")
        .unwrap()
        .header("X-From", "connector")
        .request(move |attempt| async move {
            if attempt.number == 3 {
                return Err("no token".into());
            }
            Request::to(format!("ws://{address}/{}", attempt.number)).bearer("s3cret").build()
        });
    for number in 1..=2 {
        let mut attempt = Attempt::first();
        attempt.number = number;
        let (attempted, head) = soon(async {
            join!(connector.connect(attempt), async {
                let (mut stream, head) = request(&listener).await;
                stream.write_all(grant(&head).as_bytes()).await.unwrap();
                head
            })
        })
        .await;
        attempted.unwrap();
        assert!(head.starts_with(&format!("GET /{number} HTTP/1.1\r\n")), "{head}");
        assert!(head.contains("\r\nauthorization: Bearer s3cret\r\n"), "{head}");
        assert!(head.contains("\r\nx-from: connector\r\n"), "{head}");
    }
    let mut attempt = Attempt::first();
    attempt.number = 3;
    let error = connector.connect(attempt).await.unwrap_err();
    assert_eq!(
        classify(&error),
        Cause::Unreachable { detail: "no request was made: no token".into() }
    );
}
