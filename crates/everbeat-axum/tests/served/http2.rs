//! A WebSocket over HTTP/2 (RFC 8441) through `axum::serve`, which offers it with its feature `http2`.

use everbeat_axum::Sockets;
use everbeat_axum::core::config::ConnectionConfig;
use everbeat_axum::core::{Connection, Message};
use everbeat_tokio::transport::{Role, Settings, TokioTimer, WebSocket, adopt};
use hyper::Request;
use hyper::client::conn::http2;
use hyper::ext::Protocol;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::peer::soon;
use crate::support::{app, serve};

#[tokio::test]
async fn an_extended_connect_becomes_a_connection_like_any_other() {
    let address = serve(app(Sockets::new().unwrap()), false).await;
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut client, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    // The server's settings come before any answer of its
    let plain = Request::get("http://test/plain").body(String::new()).unwrap();
    assert_eq!(soon(client.send_request(plain)).await.unwrap().status(), 200);

    let request = Request::connect("http://test/feed").version(hyper::Version::HTTP_2);
    let request = request.extension(Protocol::from_static("websocket")).header("x-user", "ben");
    let request = request.header("sec-websocket-version", "13").body(String::new()).unwrap();
    let granted = soon(client.send_request(request)).await.unwrap();
    assert_eq!(granted.status(), 200);
    let upgraded = soon(hyper::upgrade::on(granted)).await.unwrap();
    let stream = adopt(TokioIo::new(upgraded));
    let socket = WebSocket::from_upgraded(stream, Role::Client, Settings::default(), Vec::new());
    let mut connection = Connection::new(socket, TokioTimer::new(), ConnectionConfig::client(), 1);
    let greeting = soon(connection.recv()).await.unwrap();
    assert_eq!(greeting, Some(Message::from("welcome, ben")));
}
