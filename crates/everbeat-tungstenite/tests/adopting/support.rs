//! A peer by hand, in memory, that says exactly the bytes that a test wants.

use std::time::Duration;

use everbeat_tokio::Tokio;
use everbeat_tokio::config::{ConnectionConfig, HeartbeatConfig};
use everbeat_tokio::core::Connection;
use everbeat_tokio::transport::TokioTimer;
use everbeat_tungstenite::Tungstenite;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::{WebSocketStream, accept_async, client_async};

pub(crate) type Adopted<S = DuplexStream> = Connection<Tungstenite<WebSocketStream<S>>, TokioTimer>;

/// More than any exchange of these tests needs
const ROOM: usize = 1 << 20;

pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const TEXT: u8 = 1;

/// A client of tokio-tungstenite's, and the server's end, which has said `early` in one write with its
/// answer
pub(crate) async fn client(early: &[u8]) -> (WebSocketStream<DuplexStream>, DuplexStream) {
    let (near, mut far) = duplex(ROOM);
    let answering = async {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            head.push(char::from(far.read_u8().await.unwrap()));
        }
        let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {}\r\n\r\n",
            derive_accept_key(key.as_bytes())
        );
        far.write_all(&[answer.as_bytes(), early].concat()).await.unwrap();
    };
    let (upgraded, ()) = tokio::join!(client_async("ws://in.memory/feed", near), answering);
    (upgraded.unwrap().0, far)
}

/// A server of tokio-tungstenite's, and the client's end
pub(crate) async fn server() -> (WebSocketStream<DuplexStream>, DuplexStream) {
    let (near, mut far) = duplex(ROOM);
    let asking = async {
        let request = "GET /feed HTTP/1.1\r\nHost: in.memory\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        far.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(far.read_u8().await.unwrap());
        }
    };
    let (upgraded, ()) = tokio::join!(accept_async(near), asking);
    (upgraded.unwrap(), far)
}

/// A connection over it that beats every ten seconds, and waits for five
pub(crate) fn adopt(stream: WebSocketStream<DuplexStream>, config: ConnectionConfig) -> Adopted {
    let beat = HeartbeatConfig::new(Duration::from_secs(10), Duration::from_secs(5)).unwrap();
    let config = config.with_heartbeat(Some(beat));
    Connection::new(Tungstenite::new(stream), TokioTimer::new(), config, Tokio.seed())
}

/// A whole frame; a client's is masked with zeros, which leaves its payload as it is
pub(crate) fn frame(opcode: u8, payload: &[u8], masked: bool) -> Vec<u8> {
    assert!(payload.len() < 126);
    let mut frame = vec![0x80 | opcode, payload.len() as u8];
    if masked {
        frame[1] |= 0x80;
        frame.extend([0; 4]);
    }
    frame.extend(payload);
    frame
}

/// The next frame of a peer, unmasked
pub(crate) async fn next_frame(stream: &mut DuplexStream) -> (u8, Vec<u8>) {
    let (opcode, length) = (stream.read_u8().await.unwrap(), stream.read_u8().await.unwrap());
    assert!(length & 0x7f < 126);
    let mut mask = [0; 4];
    if length & 0x80 != 0 {
        stream.read_exact(&mut mask).await.unwrap();
    }
    let mut payload = vec![0; usize::from(length & 0x7f)];
    stream.read_exact(&mut payload).await.unwrap();
    for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
    (opcode & 0x0f, payload)
}
