//! WebSockets over HTTP/2 (RFC 8441), with hyper's own client in front.

use everbeat_hyper::core::cause::CloseCode;
use everbeat_hyper::core::config::ConnectionConfig;
use everbeat_hyper::core::{Cause, Connection, Event, Message};
use everbeat_hyper::{Settings, Sockets};
use everbeat_tokio::transport::{Role, TokioTimer, WebSocket, adopt};
use hyper::client::conn::http2;
use hyper::ext::Protocol;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::peer::soon;
use crate::support::{By, echo, serve};

/// A client of one connection of HTTP/2, which has heard that extended CONNECT is taken
async fn client(sockets: Sockets) -> http2::SendRequest<String> {
    let address = serve(By::Either, move |mut request, _| {
        let sockets = sockets.clone();
        async move { sockets.accept(&mut request, echo).await }
    })
    .await;
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut client, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    // The server's settings come before any answer of its
    let plain = Request::get("http://test/").body(String::new()).unwrap();
    assert_eq!(soon(client.send_request(plain)).await.unwrap().status(), 426);
    client
}

async fn connect(
    client: &mut http2::SendRequest<String>,
    protocol: &'static str,
    headers: &[(&str, &str)],
) -> Response<hyper::body::Incoming> {
    let request = Request::connect("http://test/feed").version(hyper::Version::HTTP_2);
    let request = request.extension(Protocol::from_static(protocol));
    let with =
        |request: http::request::Builder, header: &(&str, &str)| request.header(header.0, header.1);
    let request = headers.iter().fold(request, with).body(String::new()).unwrap();
    soon(client.send_request(request)).await.unwrap()
}

#[tokio::test]
async fn an_extended_connect_becomes_a_supervised_connection() {
    let sockets = Sockets::new().unwrap();
    let mut client = client(sockets.clone()).await;
    let granted = connect(&mut client, "websocket", &[("sec-websocket-version", "13")]).await;
    assert_eq!(granted.status(), 200);
    assert!(!granted.headers().contains_key("sec-websocket-accept"));
    let upgraded = soon(hyper::upgrade::on(granted)).await.unwrap();
    let stream = adopt(TokioIo::new(upgraded));
    let socket = WebSocket::from_upgraded(stream, Role::Client, Settings::default(), Vec::new());
    let (timer, config) = (TokioTimer::new(), ConnectionConfig::client());
    let mut connection = Connection::new(socket, timer, config, 1);
    for text in ["hello", "hello again"] {
        soon(connection.send(text)).await.unwrap();
        assert_eq!(soon(connection.recv()).await.unwrap(), Some(Message::from(text)));
    }
    assert_eq!(sockets.registry().len(), 1);
    // There is no socket of its own to ask
    assert!(sockets.registry().handles()[0].facts().peer().ip().is_unspecified());

    sockets.handle().shutdown();
    let cause = loop {
        let event = soon(connection.next()).await.expect("it says its end first");
        if let Event::Disconnected(end) = event {
            break end.cause;
        }
    };
    assert!(matches!(cause, Cause::Closed { code: CloseCode::GOING_AWAY, .. }), "{cause}");
    assert_eq!(soon(sockets.closed()).await.closed, 1);
}

#[tokio::test]
async fn a_bad_extended_connect_is_told_what_is_wrong_with_it() {
    let mut client = client(Sockets::new().unwrap()).await;
    let version = ("sec-websocket-version", "13");
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let cases: [(&str, Headers<'_>, u16); 4] = [
        ("websocket", &[], 426),
        ("websocket", &[("sec-websocket-version", "8")], 426),
        ("connect-udp", &[version], 400),
        ("websocket", &[version, ("cookie", "id=7"), ("origin", "https://evil.example")], 403),
    ];
    for (protocol, headers, status) in cases {
        let refused = connect(&mut client, protocol, headers).await;
        assert_eq!(refused.status(), status, "{protocol} {headers:?}");
        let version = refused.headers().get("sec-websocket-version");
        assert_eq!(version.is_some_and(|it| it == "13"), status == 426);
    }
}
