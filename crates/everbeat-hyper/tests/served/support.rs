//! A server of hyper's around a route, and peers by hand.

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use everbeat_hyper::Connection;
use everbeat_tokio::{Client, Event};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Which server it is
#[derive(Clone, Copy, Debug)]
pub(crate) enum By {
    /// hyper's own, of HTTP/1
    Hyper,
    /// hyper-util's, which speaks either and wraps the socket
    Either,
}

pub(crate) const BOTH: [By; 2] = [By::Hyper, By::Either];

/// Far above what loopback needs, so that only a test that hangs meets it
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("it hangs")
}

/// Serves on a port of its own, for as long as the test runs; the route is told the peer's address
pub(crate) async fn serve<F, R>(by: By, route: F) -> SocketAddr
where
    F: Fn(Request<Incoming>, SocketAddr) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Response<String>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, peer) = listener.accept().await.unwrap();
            let route = route.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let answer = route(request, peer);
                    async move { Ok::<_, Infallible>(answer.await) }
                });
                let io = TokioIo::new(stream);
                // A peer that leaves in the middle is what some tests are about
                match by {
                    By::Hyper => {
                        let serving = http1::Builder::new().serve_connection(io, service);
                        _ = serving.with_upgrades().await;
                    }
                    By::Either => {
                        let mut builder = auto::Builder::new(TokioExecutor::new());
                        builder.http2().enable_connect_protocol();
                        _ = builder.serve_connection_with_upgrades(io, service).await;
                    }
                }
            });
        }
    });
    address
}

pub(crate) async fn echo(mut connection: Connection) -> Result<(), Box<dyn Error + Send + Sync>> {
    while let Some(message) = connection.recv().await? {
        connection.send(message).await?;
    }
    Ok(())
}

pub(crate) async fn client(address: SocketAddr) -> Client {
    soon(Client::connect(&format!("ws://{address}/"))).await.unwrap()
}

/// The next message that a client hears
pub(crate) async fn hear(client: &mut Client) -> String {
    loop {
        match soon(client.next()).await.expect("it is connected") {
            Event::Message(message) => return message.to_string(),
            Event::Disconnected(end) => panic!("disconnected: {end}"),
            _ => {}
        }
    }
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
