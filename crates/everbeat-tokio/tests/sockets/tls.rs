//! `wss` over real sockets: whole, refused, reset, and in time.

use std::io::Read;
use std::pin::Pin;
use std::time::Duration;

use everbeat_conformance::certificates::Authority;
use everbeat_tokio::client::{AttemptError, ConnectError, Connector};
use everbeat_tokio::core::cause::{Cause, Cut};
use everbeat_tokio::server::{AcceptError, AcceptSettings, Acceptor, Connection};
use everbeat_tokio::transport::tls::{ClientTls, ServerTls, TlsError};
use everbeat_tokio::transport::{Attempt, Connect, Transport, WebSocket};
use everbeat_tokio::{Client, Message, Server};
use tokio::io::AsyncWriteExt;
use tokio::join;
use tokio::net::{TcpListener, TcpStream};

use crate::peer::{accept, classify, listener, soon};
use crate::whole::message;

/// What a client trusts, and what a server for this name shows
fn pair(name: &str) -> (ClientTls, ServerTls) {
    let authority = Authority::new();
    let certified = authority.certify(name);
    (
        ClientTls::roots(authority.root()).unwrap(),
        ServerTls::from_pem(certified.certificate, certified.key).unwrap(),
    )
}

async fn acceptor(tls: ServerTls) -> (Acceptor, String) {
    let acceptor = Acceptor::bind("127.0.0.1:0", AcceptSettings::default().tls(tls)).await.unwrap();
    let url = format!("wss://{}/", acceptor.local_address().unwrap());
    (acceptor, url)
}

async fn connect(url: &str, tls: ClientTls) -> Result<WebSocket, AttemptError> {
    Connector::new(url).unwrap().tls(tls).connect(Attempt::first()).await
}

#[tokio::test]
async fn client_and_server_speak_wss() {
    let (trust, certificate) = pair("127.0.0.1");
    let server = Server::builder()
        .listener(|listener| listener.max_message(4 << 20).tls(certificate))
        .bind("127.0.0.1:0")
        .await
        .unwrap();
    let url = format!("wss://{}/", server.acceptor().local_address().unwrap());
    tokio::spawn(server.serve(|mut connection: Connection| async move {
        while let Some(message) = connection.recv().await? {
            connection.send(message).await?;
        }
        Ok(())
    }));
    soon(async {
        let mut client = Client::builder(&url)
            .connector(|connector| connector.tls(trust))
            .connect()
            .await
            .unwrap();
        for size in [0, 1, 65_536, 1 << 20] {
            client.send(vec![7; size]).await.unwrap();
            assert_eq!(message(&mut client).await, Message::from(vec![7; size]));
        }
        let end = client.close().await;
        assert_eq!(end.cause, Cause::ClosedByUs);
        assert_eq!((end.unsent.len(), end.unconfirmed.count), (0, 0), "{end}");
    })
    .await;
}

#[tokio::test]
async fn a_bad_certificate_is_told_to_both_sides() {
    let (_, certificate) = pair("127.0.0.1");
    let (trust, _) = pair("127.0.0.1");
    let (mut acceptor, url) = acceptor(certificate).await;
    let (client, server) = soon(async { join!(connect(&url, trust), accept(&mut acceptor)) }).await;
    let client = client.unwrap_err();
    assert!(matches!(client, AttemptError::Tls(TlsError::UnknownIssuer(_))), "{client:?}");
    let Cause::Unreachable { detail } = classify(&client) else { panic!("{client:?}") };
    assert!(detail.contains("issuer"), "{detail}");
    let server = server.map(drop).unwrap_err();
    assert!(matches!(server, AcceptError::Tls(TlsError::Refused(_))), "{server:?}");
}

#[tokio::test]
async fn who_does_not_speak_tls_is_told_apart() {
    let (_, certificate) = pair("127.0.0.1");
    let (mut acceptor, url) = acceptor(certificate).await;
    let address = url.trim_start_matches("wss://").trim_end_matches('/').to_owned();
    let server = soon(async {
        let mut peer = TcpStream::connect(address).await.unwrap();
        peer.write_all(crate::peer::ASK.as_bytes()).await.unwrap();
        accept(&mut acceptor).await.map(drop).unwrap_err()
    })
    .await;
    assert!(matches!(server, AcceptError::Tls(TlsError::NotTls)), "{server:?}");
    assert!(matches!(server.classify(), Cause::NotWebSocket { .. }));
}

#[tokio::test]
async fn an_abort_resets_the_socket_under_tls() {
    let (trust, certificate) = pair("127.0.0.1");
    let (mut acceptor, url) = acceptor(certificate).await;
    let (client, server) = soon(async { join!(connect(&url, trust), accept(&mut acceptor)) }).await;
    let (mut client, (mut server, ..)) = (client.unwrap(), server.unwrap());
    Pin::new(&mut server).abort();
    let heard = soon(std::future::poll_fn(|cx| Pin::new(&mut client).poll_recv(cx))).await;
    let error = heard.unwrap().unwrap_err();
    assert!(matches!(error.classify(), Cause::Cut { how: Cut::Reset, .. }), "{error:?}");
}

/// Whoever dialled has gone, and had got as far as to say hello
fn said_hello(listener: TcpListener) {
    // Loopback connects at once, so nobody has to be waited for.
    let (mut stream, _) = listener.into_std().unwrap().accept().expect("it was never dialled");
    stream.set_nonblocking(false).unwrap();
    let mut first = [0];
    stream.read_exact(&mut first).expect("it never said hello");
    // A record of TLS that is part of a handshake
    assert_eq!(first, [0x16]);
}

/// In real time, for made-up time waits for no kernel: it would be over before anything was said. The
/// kernel has taken the connection, and nobody answers the hello
#[tokio::test]
async fn one_limit_holds_over_a_handshake_that_never_ends() {
    let listener = listener().await;
    let url = format!("wss://{}/", listener.local_addr().unwrap());
    let limit = Duration::from_secs(1);
    let begun = tokio::time::Instant::now();
    let (trust, _) = pair("127.0.0.1");
    let error = soon(
        Client::builder(&url)
            .connect_timeout(limit)
            .connector(|connector| connector.tls(trust))
            .connect(),
    )
    .await
    .unwrap_err();
    assert_eq!(error, ConnectError::Failed(Cause::TimedOut { limit }));
    assert!(begun.elapsed() >= limit, "early");
    said_hello(listener);
}

/// Time is made up while the request is made, and real once a socket has a part in it: so a part with a
/// limit of its own is not seconds late but minutes
#[tokio::test(start_paused = true)]
async fn one_limit_holds_over_all_parts_together() {
    let listener = listener().await;
    let address = listener.local_addr().unwrap();
    let limit = Duration::from_secs(600);
    let begun = tokio::time::Instant::now();
    let (trust, _) = pair("127.0.0.1");
    let connecting = Client::builder("wss://not.used.invalid/")
        .connect_timeout(limit)
        .connector(move |connector| {
            connector.tls(trust).request(move |_| async move {
                // Nearly all of the time is gone before the name is even known
                tokio::time::sleep(limit - Duration::from_secs(1)).await;
                tokio::time::resume();
                everbeat_tokio::Request::to(format!("wss://{address}/")).build()
            })
        })
        .connect();
    // What is left is a second; had a part a limit of its own, it would be another ten minutes
    let guarded = tokio::time::timeout(limit + Duration::from_secs(30), connecting).await;
    let error = guarded.expect("a part has a limit of its own").unwrap_err();
    assert_eq!(error, ConnectError::Failed(Cause::TimedOut { limit }));
    assert!(begun.elapsed() >= limit, "early");
    said_hello(listener);
}

#[tokio::test]
async fn a_client_for_wss_makes_no_request_for_ws() {
    let listener = listener().await;
    let address = listener.local_addr().unwrap();
    let plain =
        move |_| async move { everbeat_tokio::Request::to(format!("ws://{address}/")).build() };
    let secure = Connector::new("wss://not.used.invalid/").unwrap();
    let error = soon(secure.request(plain).connect(Attempt::first())).await.unwrap_err();
    assert!(matches!(error, AttemptError::Downgrade), "{error:?}");
    assert!(error.to_string().contains("wss://"), "{error}");
    let dialled = tokio::time::timeout(Duration::from_millis(200), listener.accept()).await;
    assert!(dialled.is_err(), "nobody is dialled");
}
