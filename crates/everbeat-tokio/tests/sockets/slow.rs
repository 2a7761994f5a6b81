//! Handshakes that never end, in either role, and what they leave behind: nothing.

use std::time::Duration;

use everbeat_tokio::client::ConnectError;
use everbeat_tokio::core::cause::Cause;
use everbeat_tokio::core::time::Wheel;
use everbeat_tokio::server::Limits;
use everbeat_tokio::server::{Connection, Facts, Registry, ServerBuilder};
use everbeat_tokio::transport::TokioTimer;
use everbeat_tokio::{Client, Event, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::join;
use tokio::net::TcpStream;

use crate::peer::{ASK, listener, request, soon};

/// An echo server that stays until the test's runtime ends, as its guests see it
struct Host {
    address: String,
    registry: Registry<Facts>,
    wheel: Wheel<TokioTimer>,
}

type Builder =
    ServerBuilder<everbeat_tokio::server::builder::ToBind<everbeat_tokio::server::Acceptor>>;

impl Host {
    async fn start(change: impl FnOnce(Builder) -> Builder) -> Self {
        let server = change(Server::builder()).bind("127.0.0.1:0").await.unwrap();
        let host = Self {
            address: server.acceptor().local_address().unwrap().to_string(),
            registry: server.registry(),
            wheel: server.wheel().clone(),
        };
        tokio::spawn(server.serve(|mut connection: Connection| async move {
            while let Some(message) = connection.recv().await? {
                connection.send(message).await?;
            }
            Ok(())
        }));
        host
    }

    /// A stranger who has sent these bytes
    async fn stranger(&self, bytes: &[u8]) -> TcpStream {
        let mut peer = TcpStream::connect(&self.address).await.unwrap();
        peer.write_all(bytes).await.unwrap();
        peer
    }

    /// A client that is served, and gone again
    async fn serves(&self) {
        let mut client = Client::connect(&format!("ws://{}/", self.address)).await.unwrap();
        client.send("hello").await.unwrap();
        loop {
            match client.next().await {
                Some(Event::Message(message)) => break assert_eq!(message, "hello".into()),
                Some(Event::Connecting { .. } | Event::Connected { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(client.close().await.cause, Cause::ClosedByUs);
    }

    /// Waits until no upgrade and no connection has a deadline, and none is live
    async fn is_empty(&self) {
        soon(async {
            while !(self.wheel.is_empty() && self.registry.is_empty()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}

/// Reads until the server has ended the connection, either way
async fn ended(mut peer: TcpStream) -> Vec<u8> {
    let mut told = Vec::new();
    // A reset is an end as well
    _ = soon(peer.read_to_end(&mut told)).await;
    told
}

#[tokio::test]
async fn a_server_that_never_answers_is_a_connect_that_took_too_long() {
    let listener = listener().await;
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let limit = Duration::from_millis(300);
    let (connected, rest) = soon(async {
        join!(Client::builder(&url).connect_timeout(limit).connect(), async {
            let (peer, _) = request(&listener).await;
            ended(peer).await
        })
    })
    .await;
    assert_eq!(connected.map(drop), Err(ConnectError::Failed(Cause::TimedOut { limit })));
    assert!(rest.is_empty(), "the socket went with the attempt");
}

#[tokio::test]
async fn half_a_request_is_given_up_after_the_handshakes_time() {
    let host = Host::start(|server| server.handshake_timeout(Duration::from_millis(200))).await;
    let silent = host.stranger(b"").await;
    let half = host.stranger(&ASK.as_bytes()[..ASK.len() / 2]).await;
    assert!(ended(half).await.is_empty() && ended(silent).await.is_empty());
    host.is_empty().await;
    assert_eq!(host.registry.served(), 0);
}

#[tokio::test]
async fn half_a_request_keeps_nobody_waiting() {
    // Ten seconds: far more than the others need
    let host = Host::start(|server| server).await;
    let half = host.stranger(&ASK.as_bytes()[..ASK.len() / 2]).await;
    soon(host.serves()).await;
    let read = half.try_read(&mut [0; 1]).map_err(|error| error.kind());
    assert_eq!(read, Err(std::io::ErrorKind::WouldBlock), "it is still let be");
    // The server learns of its end, and nothing stays
    drop(half);
    host.is_empty().await;
    assert_eq!(host.registry.served(), 1);
}

#[tokio::test]
async fn two_hundred_bad_handshakes_leave_nothing_behind() {
    // A permit that is not given back would stop the third of them
    let host = Host::start(|server| server.limits(Limits::default().upgrades(2))).await;
    let long = format!("GET / HTTP/1.1\r\nCookie: {}", "a".repeat(20_000));
    let early = format!("{ASK}early");
    let kinds = [("\x16\x03\x01", "400"), (&*long, "431"), (&*early, "400"), (&ASK[..99], "")];
    for (bytes, status) in kinds.into_iter().cycle().take(200) {
        let mut peer = host.stranger(bytes.as_bytes()).await;
        if status.is_empty() {
            // Cut, where the others are answered
            peer.shutdown().await.unwrap();
        }
        let told = ended(peer).await;
        let start = if status.is_empty() { String::new() } else { format!("HTTP/1.1 {status} ") };
        assert!(told.starts_with(start.as_bytes()), "{}", String::from_utf8_lossy(&told));
    }
    host.is_empty().await;
    assert_eq!(host.registry.served(), 0);
    soon(host.serves()).await;
    host.is_empty().await;
    assert_eq!(host.registry.served(), 1);
}
