//! Client and server as a user has them.

use std::time::Duration;

use everbeat_tokio::core::cause::{Cause, CloseCode};
use everbeat_tokio::reconnect::Backoff;
use everbeat_tokio::server::Limits;
use everbeat_tokio::server::{Acceptor, Connection};
use everbeat_tokio::transport::{Listen, Settings, TokioTimer};
use everbeat_tokio::{Client, Event, Message, Server, Tokio};

use tokio::sync::mpsc::unbounded_channel;

use crate::peer::soon;

/// An echo server that stays until the test's runtime ends, and its URL
pub(crate) async fn echo() -> String {
    let acceptor = Acceptor::bind("127.0.0.1:0", Settings::default()).await.unwrap();
    let url = format!("ws://{}/", acceptor.local_address().unwrap());
    let timer: TokioTimer = acceptor.timer();
    let server: Server = Server::over(acceptor, timer, Tokio, 1).build().unwrap();
    tokio::spawn(server.serve(|mut connection: Connection| async move {
        while let Some(message) = connection.recv().await? {
            connection.send(message).await?;
        }
        Ok(())
    }));
    url
}

pub(crate) async fn message(client: &mut Client) -> Message {
    loop {
        match client.next().await {
            Some(Event::Message(message)) => return message,
            Some(Event::Connecting { .. } | Event::Connected { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_sent_comes_back_and_the_close_is_polite() {
    let url = echo().await;
    soon(async {
        let mut client = Client::connect(&url).await.unwrap();
        for size in [0, 1, 125, 126, 65_535, 65_536, 1 << 20] {
            client.send(vec![7; size]).await.unwrap();
            assert_eq!(message(&mut client).await, Message::from(vec![7; size]));
            client.send("ü".repeat(size / 2)).await.unwrap();
            assert_eq!(message(&mut client).await, Message::from("ü".repeat(size / 2)));
        }
        let end = client.close().await;
        assert_eq!(end.cause, Cause::ClosedByUs);
        assert_eq!((end.unsent.len(), end.unconfirmed.count), (0, 0), "{end}");
    })
    .await;
}

#[tokio::test]
async fn a_name_is_resolved_and_its_addresses_are_tried_in_turn() {
    let url = echo().await.replace("127.0.0.1", "localhost");
    soon(async {
        let mut client = Client::connect(&url).await.unwrap();
        client.send("hello").await.unwrap();
        assert_eq!(message(&mut client).await, "hello".into());
    })
    .await;
}

#[tokio::test]
async fn a_setting_that_cannot_be_is_refused_when_the_client_is_built() {
    let builder = Client::builder("ws://127.0.0.1:9/").connector(|c| c.header("a b", "c"));
    assert_eq!(builder.build().unwrap_err().setting(), "header");
    let error = Client::builder("http://127.0.0.1:9/").build().unwrap_err();
    assert_eq!(error.setting(), "url");
}

#[tokio::test]
async fn a_client_comes_back() {
    use tokio::io::AsyncWriteExt;
    let listener = crate::peer::listener().await;
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let wait = Duration::from_millis(10);
    let client = Client::builder(&url).backoff(Backoff::full_jitter(wait..=wait));
    soon(async {
        let server = async {
            for number in 0..3u8 {
                let (mut stream, head) = crate::peer::request(&listener).await;
                let answer = [crate::peer::grant(&head).as_bytes(), &[0x82, 1, number]].concat();
                stream.write_all(&answer).await.unwrap();
                let close = (CloseCode::RESTART.0).to_be_bytes();
                stream.write_all(&[0x88, 2, close[0], close[1]]).await.unwrap();
            }
        };
        let client = async {
            let mut client = client.connect().await.unwrap();
            let mut heard = Vec::new();
            while heard.len() < 3 {
                if let Some(Event::Message(message)) = client.next().await {
                    heard.push(message.as_bytes()[0]);
                }
            }
            heard
        };
        let (heard, ()) = tokio::join!(client, server);
        assert_eq!(heard, [0, 1, 2]);
    })
    .await;
}

#[tokio::test]
async fn a_handles_large_message_goes_whole_before_an_ordered_close() {
    // More than any socket takes at once
    const SIZE: usize = 8 << 20;
    let server = Server::builder()
        .limits(Limits::default().queued(16, 2 * SIZE))
        .bind("127.0.0.1:0")
        .await
        .unwrap();
    let url = format!("ws://{}/", server.acceptor().local_address().unwrap());
    let registry = server.registry();
    let (begins, mut begun) = unbounded_channel();
    tokio::spawn(server.serve(move |mut connection| {
        let begins = begins.clone();
        async move {
            _ = begins.send(());
            while connection.recv().await?.is_some() {}
            Ok(())
        }
    }));
    soon(async {
        let mut client = Client::connect(&url).await.unwrap();
        begun.recv().await.unwrap();
        let handle = registry.handles().remove(0);
        handle.send(vec![7; SIZE]).unwrap();
        handle.close(CloseCode(4_001).into());
        let mut size = 0;
        let cause = loop {
            match client.next().await {
                Some(Event::Message(message)) => size = message.len(),
                Some(Event::Disconnected(end) | Event::GaveUp(end)) => break end.cause,
                Some(_) => {}
                None => panic!("it ended without an end"),
            }
        };
        assert!(matches!(cause, Cause::Closed { code: CloseCode(4_001), .. }), "{cause}");
        assert_eq!(size, SIZE);
        assert!(handle.unsent().is_empty());
    })
    .await;
}
