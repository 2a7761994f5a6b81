//! A server that is adopted: with a client of everbeat's, with a peer that breaks the protocol, and
//! with its codec taken away while that is empty.

use std::time::Duration;

use everbeat_tokio::config::ConnectionConfig;
use everbeat_tokio::core::cause::CloseCode;
use everbeat_tokio::transport::{Role, Settings, Stream, TokioTimer, Transport, WebSocket};
use everbeat_tokio::{Cause, Client, Connection, Event, Message, Tokio};
use everbeat_tungstenite::Tungstenite;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_tungstenite::accept_async;

use crate::support::{CLOSE, TEXT, adopt, frame, next_frame, server};

const SOON: Duration = Duration::from_secs(20);

/// Echoes until the peer closes; how long what it heard was
async fn echo<T: Transport>(transport: T) -> Vec<usize> {
    let (timer, config) = (TokioTimer::new(), ConnectionConfig::server());
    let mut connection = Connection::new(transport, timer, config, Tokio.seed());
    let mut heard = Vec::new();
    while let Some(message) = connection.recv().await.unwrap() {
        heard.push(message.len());
        connection.send(message).await.unwrap();
    }
    heard
}

/// Says these to a server, hears them again, and closes
async fn talk(url: &str, said: &[Message]) {
    let mut client = Client::connect(url).await.unwrap();
    for message in said {
        client.send(message.clone()).await.unwrap();
    }
    let mut heard = Vec::new();
    while heard.len() < said.len() {
        match timeout(SOON, client.next()).await.unwrap() {
            Some(Event::Message(message)) => heard.push(message),
            Some(Event::Connected { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(heard == said, "{heard:?}");
    let end = timeout(SOON, client.close()).await.unwrap();
    assert_eq!(end.cause, Cause::ClosedByUs);
}

#[tokio::test]
async fn a_client_of_ours_talks_to_it_and_closes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/feed", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        echo(Tungstenite::new(accept_async(stream).await.unwrap())).await
    });
    // The second is more than tungstenite writes at a time
    talk(&url, &["grüße".into(), vec![7; 900 << 10].into(), "".into()]).await;
    assert_eq!(timeout(SOON, serving).await.unwrap().unwrap(), [7, 900 << 10, 0]);
}

/// What the documentation says of a server's codec right behind its upgrade
#[tokio::test]
async fn without_its_codec_a_fresh_one_loses_nothing_and_has_its_evidence() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/feed", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let bare = Stream::new(accept_async(stream).await.unwrap().into_inner());
        let role = Role::Server;
        let websocket = WebSocket::from_upgraded(bare, role, Settings::default(), Vec::new());
        assert_eq!(websocket.path().is_some(), cfg!(target_os = "linux"));
        echo(websocket).await
    });
    talk(&url, &["one".into(), "two".into()]).await;
    assert_eq!(timeout(SOON, serving).await.unwrap().unwrap(), [3, 3]);
}

/// What it says to a peer that sends this, and why its connection ended
async fn breaks(bytes: &[u8]) -> (u16, String, Cause) {
    let (stream, mut client) = server().await;
    let mut connection = adopt(stream, ConnectionConfig::server());
    client.write_all(bytes).await.unwrap();
    let ended = timeout(SOON, connection.recv()).await.unwrap();
    let (opcode, payload) = next_frame(&mut client).await;
    assert_eq!(opcode, CLOSE);
    let (code, reason) = payload.split_first_chunk().unwrap();
    (u16::from_be_bytes(*code), String::from_utf8(reason.to_vec()).unwrap(), ended.unwrap_err())
}

#[tokio::test(start_paused = true)]
async fn who_breaks_the_protocol_is_told_so() {
    let mut reserved = frame(TEXT, b"", true);
    reserved[0] |= 0x40;
    let huge = [&[0x82, 0xff][..], &(65_u64 << 20).to_be_bytes(), &[0; 4]].concat();
    let cases = [
        (frame(TEXT, b"without a mask", false), CloseCode::PROTOCOL),
        (reserved, CloseCode::PROTOCOL),
        (frame(3, b"", true), CloseCode::PROTOCOL),
        (frame(TEXT, b"\xff", true), CloseCode::INVALID_DATA),
        (huge, CloseCode::TOO_BIG),
    ];
    for (bytes, expected) in cases {
        let (told, reason, cause) = breaks(&bytes).await;
        let Cause::Violation { code, detail } = &cause else { panic!("{cause:?}") };
        assert_eq!((CloseCode(told), *code), (expected, expected), "{bytes:?}");
        assert_eq!(*detail, reason);
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_told_with_its_number_and_its_setting() {
    let huge = [&[0x82, 0xff][..], &(65_u64 << 20).to_be_bytes(), &[0; 4]].concat();
    let (_, reason, _) = breaks(&huge).await;
    let (bytes, limit) = ((65_u64 << 20).to_string(), (16_u64 << 20).to_string());
    for words in [&*bytes, &*limit, "max_frame_size"] {
        assert!(reason.contains(words), "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_gone_without_a_close_has_cut_it() {
    let (stream, client) = server().await;
    let mut connection = adopt(stream, ConnectionConfig::server());
    drop(client);
    let ended = timeout(SOON, connection.recv()).await.unwrap();
    assert!(matches!(ended, Err(Cause::Cut { .. })), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn a_close_of_the_peers_is_answered_with_its_code_and_the_stream_ended() {
    let (stream, mut client) = server().await;
    let mut connection = adopt(stream, ConnectionConfig::server());
    let said = [&4321_u16.to_be_bytes()[..], "später".as_bytes()].concat();
    client.write_all(&frame(CLOSE, &said, true)).await.unwrap();
    let ended = timeout(SOON, connection.recv()).await.unwrap();
    let closed = Cause::Closed { code: CloseCode(4321), reason: "später".into() };
    assert_eq!(ended, Err(closed));
    assert_eq!(next_frame(&mut client).await, (CLOSE, said));
    // A server ends the stream first (RFC 6455, section 7.1.1)
    let mut rest = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut client, &mut rest).await.unwrap();
    assert_eq!(rest, b"");
}
