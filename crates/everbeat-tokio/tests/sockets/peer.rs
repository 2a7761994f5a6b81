//! Peers by hand, in raw bytes: what a well-behaved library would not send.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::time::Duration;

use everbeat_tokio::Cause;
use everbeat_tokio::client::{AttemptError, Connector};
use everbeat_tokio::config::ConfigError;
use everbeat_tokio::core::Connection;
use everbeat_tokio::core::config::ConnectionConfig;
use everbeat_tokio::server::{AcceptError, Acceptor, Facts, RequestHead};
use everbeat_tokio::transport::{Accept, Attempt, Connect, Settings, TokioTimer, WebSocket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Far above what loopback needs, so that only a test that hangs meets it
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("it hangs")
}

/// One attempt at `listener`'s address
pub(crate) async fn attempt(
    listener: &TcpListener,
    settings: impl FnOnce(Connector) -> Connector,
) -> Result<WebSocket, AttemptError> {
    let url = format!("ws://{}/feed", listener.local_addr().unwrap());
    let mut connector = settings(Connector::new(&url).unwrap());
    connector.connect(Attempt::first()).await
}

pub(crate) fn classify(error: &AttemptError) -> Cause {
    <Connector as Connect>::classify(error)
}

pub(crate) async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// Takes one connection and reads the request's head
pub(crate) async fn request(listener: &TcpListener) -> (TcpStream, String) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    (stream, String::from_utf8(head).unwrap())
}

/// The answer that grants a request; its accept key is computed by hand
pub(crate) fn grant(head: &str) -> String {
    let key = head.split("Sec-WebSocket-Key: ").nth(1).unwrap().split("\r\n").next().unwrap();
    let accept = async_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}

pub(crate) const ASK: &str = "GET /feed?all HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\n\
    Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// The answer to `ASK`: the accept key is the one of RFC 6455, section 1.3
pub(crate) const GRANTED: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// An acceptor, and a raw connection to it
pub(crate) async fn acceptor(settings: Settings) -> (Acceptor, TcpStream) {
    let acceptor = Acceptor::bind("127.0.0.1:0", settings).await.unwrap();
    let peer = TcpStream::connect(acceptor.local_address().unwrap()).await.unwrap();
    (acceptor, peer)
}

pub(crate) async fn accept(
    acceptor: &mut Acceptor,
) -> Result<(WebSocket, Facts, RequestHead), AcceptError> {
    let upgrade = poll_fn(|cx| Pin::new(&mut *acceptor).poll_accept(cx)).await.unwrap();
    upgrade.await
}

/// A server's connection and a raw client, after the upgrade
pub(crate) async fn served(settings: Settings) -> (Connection<WebSocket, TokioTimer>, TcpStream) {
    let (mut acceptor, mut peer) = acceptor(settings).await;
    peer.write_all(ASK.as_bytes()).await.unwrap();
    let (websocket, ..) = accept(&mut acceptor).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(peer.read_u8().await.unwrap());
    }
    assert!(String::from_utf8(head).unwrap().contains(GRANTED));
    let config = ConnectionConfig::server();
    (Connection::new(websocket, TokioTimer::new(), config, 1), peer)
}

/// A client's frame: header, mask, payload
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        0..=125 => frame.push(0x80 | payload.len() as u8),
        126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend((payload.len() as u16).to_be_bytes());
        }
        _ => {
            frame.push(0x80 | 127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    let mask = [7, 77, 177, 247];
    frame.extend(mask);
    frame.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ mask[i % 4]));
    frame
}

/// A server's frame as it comes: its first byte and payload
pub(crate) async fn frame(peer: &mut TcpStream) -> (u8, Vec<u8>) {
    let first = peer.read_u8().await.unwrap();
    let len = match peer.read_u8().await.unwrap() {
        127 => peer.read_u64().await.unwrap() as usize,
        126 => peer.read_u16().await.unwrap() as usize,
        len => len as usize,
    };
    let mut payload = vec![0; len];
    peer.read_exact(&mut payload).await.unwrap();
    (first, payload)
}

/// The code of the Close frame that comes next
pub(crate) async fn close_code(peer: &mut TcpStream) -> u16 {
    let (first, payload) = frame(peer).await;
    assert_eq!(first, 0x88);
    u16::from_be_bytes([payload[0], payload[1]])
}

#[test]
fn a_connector_refuses_what_cannot_be() {
    let setting = |connector: Connector| connector.check().map_err(|e| e.setting());
    let new = |url| Connector::new(url);
    let refused: ConfigError = new("http://a/").unwrap_err();
    assert_eq!(refused.setting(), "url");
    let to = || new("ws://a/").unwrap();
    assert_eq!(setting(to()), Ok(()));
    assert_eq!(setting(to().max_head(1)), Err("max_head"));
    assert_eq!(setting(to().fragment(Some(0))), Err("fragment"));
    assert_eq!(setting(to().max_message(0)), Err("max_message"));
    assert_eq!(setting(to().user_timeout(Some(Duration::ZERO))), Err("user_timeout"));
    assert_eq!(setting(to().header("a b", "c")), Err("header"));
    assert_eq!(setting(to().subprotocols(["a b"])), Err("subprotocol"));
}
