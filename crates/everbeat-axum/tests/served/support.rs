//! An application with a state of its own, and peers by hand.

use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRef, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use everbeat_axum::{Connection, Handle, Sockets, Upgrade};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Far above what loopback needs, so that only a test that hangs meets it
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("it hangs")
}

#[derive(Clone)]
pub(crate) struct App {
    pub(crate) sockets: Sockets<String>,
    greeting: &'static str,
}

impl FromRef<App> for Sockets<String> {
    fn from_ref(app: &App) -> Self {
        app.sockets.clone()
    }
}

/// Greets whoever says who he is, and echoes
pub(crate) fn app(sockets: Sockets<String>) -> Router {
    Router::new()
        .route("/feed", any(feed))
        .route("/plain", get(|| async { "plain" }))
        .with_state(App { sockets, greeting: "welcome" })
}

async fn feed(State(app): State<App>, headers: HeaderMap, upgrade: Upgrade<String>) -> Response {
    let Some(user) = headers.get("x-user").and_then(|user| user.to_str().ok()) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let user = user.to_owned();
    let mut response =
        upgrade.on_connection_as(user, |connection, me| serve_one(connection, me, app)).await;
    response.headers_mut().insert("x-shard", HeaderValue::from_static("7"));
    response
}

async fn serve_one(
    mut connection: Connection,
    me: Handle<String>,
    app: App,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    connection.send(format!("{}, {}", app.greeting, me.facts().principal)).await?;
    while let Some(message) = connection.recv().await? {
        connection.send(message).await?;
    }
    Ok(())
}

/// Serves on a port of its own for as long as the test runs; with `ConnectInfo` or without
pub(crate) async fn serve(app: Router, info: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        if info {
            let app = app.into_make_service_with_connect_info::<SocketAddr>();
            axum::serve(listener, app).await
        } else {
            axum::serve(listener, app).await
        }
    });
    address
}

/// A good request
pub(crate) fn ask(more: &str) -> String {
    format!(
        "GET /feed HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\n\
         Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-User: ann\r\n{more}\r\n"
    )
}

/// The accept key to that: the one of RFC 6455, section 1.3; all heads are lower case here
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
    /// One that has asked, and its answer's head
    pub(crate) async fn asked(address: SocketAddr, ask: &str) -> (Self, String) {
        let mut peer = Self(soon(TcpStream::connect(address)).await.unwrap());
        let head = peer.ask(ask).await;
        (peer, head)
    }

    pub(crate) async fn ask(&mut self, ask: &str) -> String {
        self.say(ask.as_bytes()).await;
        let mut heard = Vec::new();
        while !heard.ends_with(b"\r\n\r\n") {
            heard.push(soon(self.0.read_u8()).await.unwrap());
        }
        String::from_utf8(heard).unwrap().to_ascii_lowercase()
    }

    pub(crate) async fn say(&mut self, bytes: &[u8]) {
        soon(self.0.write_all(bytes)).await.unwrap();
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
}
