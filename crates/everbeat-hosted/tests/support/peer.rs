//! Peers by hand, for the tests of servers that everbeat is hosted by: bytes of HTTP and frames over a
//! socket. They take this file in by its path.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Far above what loopback needs, so that only a test that hangs meets it
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("it hangs")
}

/// A good request
pub(crate) fn ask(path: &str, more: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\n\
         Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
    )
}

/// The accept key to that: the one of RFC 6455, section 1.3; all answers are lower case here
pub(crate) const GRANTED: &str = "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n";

/// A client's frame, short: header, mask, payload
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [7, 77, 177, 247];
    let mut frame = vec![first, 0x80 | u8::try_from(payload.len()).unwrap()];
    frame.extend(mask);
    frame.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ mask[i % 4]));
    frame
}

/// A raw client
pub(crate) struct Peer(pub(crate) TcpStream);

impl Peer {
    pub(crate) async fn come(address: SocketAddr) -> Self {
        Self(soon(TcpStream::connect(address)).await.unwrap())
    }

    /// One that has asked, and its answer
    pub(crate) async fn asked(address: SocketAddr, ask: &str) -> (Self, String) {
        let mut peer = Self::come(address).await;
        peer.say(ask.as_bytes()).await;
        let answer = peer.answer().await;
        (peer, answer)
    }

    pub(crate) async fn say(&mut self, bytes: &[u8]) {
        soon(self.0.write_all(bytes)).await.unwrap();
    }

    /// An answer's head and content, in lower case
    pub(crate) async fn answer(&mut self) -> String {
        let mut heard = Vec::new();
        while !heard.ends_with(b"\r\n\r\n") {
            heard.push(soon(self.0.read_u8()).await.unwrap());
        }
        let head = String::from_utf8(heard).unwrap().to_ascii_lowercase();
        let length = head.split("\r\ncontent-length: ").nth(1);
        let length = length.map_or(0, |rest| rest.split('\r').next().unwrap().parse().unwrap());
        let mut content = vec![0; length];
        soon(self.0.read_exact(&mut content)).await.unwrap();
        head + &String::from_utf8(content).unwrap().to_ascii_lowercase()
    }

    /// A server's frame, short: its first byte and payload
    pub(crate) async fn frame(&mut self) -> (u8, Vec<u8>) {
        let first = soon(self.0.read_u8()).await.unwrap();
        let length = soon(self.0.read_u8()).await.unwrap();
        assert!(length < 126, "a long frame");
        let mut payload = vec![0; usize::from(length)];
        soon(self.0.read_exact(&mut payload)).await.unwrap();
        (first, payload)
    }

    /// The Close that comes next: code and reason
    pub(crate) async fn close(&mut self) -> (u16, String) {
        let (first, payload) = self.frame().await;
        assert_eq!(first, 0x88, "a Close");
        let code = u16::from_be_bytes([payload[0], payload[1]]);
        (code, String::from_utf8(payload[2..].to_vec()).unwrap())
    }
}
