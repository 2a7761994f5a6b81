//! Sockets that others have made: an inherited listener, a Unix socket; and addresses of IPv6.

use everbeat_tokio::core::Connection;
use everbeat_tokio::core::config::ConnectionConfig;
use everbeat_tokio::server::Acceptor;
use everbeat_tokio::transport::{Attempt, Connect, Settings, TokioTimer};
use everbeat_tokio::{Message, client::Connector};
use tokio::join;

use crate::peer::{accept, soon};

#[tokio::test]
async fn a_listener_is_inherited() {
    // It blocks, as one does that comes from elsewhere
    let inherited = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", inherited.local_addr().unwrap());
    let mut acceptor = Acceptor::inherit(inherited, Settings::default()).unwrap();
    let mut connector = Connector::new(&url).unwrap();
    let (client, server) =
        soon(async { join!(connector.connect(Attempt::first()), accept(&mut acceptor)) }).await;
    client.unwrap();
    server.unwrap();
}

#[tokio::test]
async fn an_address_of_ipv6_is_connected_to() {
    let mut acceptor = match Acceptor::bind("[::1]:0", Settings::default()).await {
        Ok(acceptor) => acceptor,
        Err(error) => {
            eprintln!("SKIPPED: this machine has no ::1: {error:?}");
            return;
        }
    };
    let url = format!("ws://{}/", acceptor.local_address().unwrap());
    assert!(url.starts_with("ws://[::1]:"), "{url}");
    let mut connector = Connector::new(&url).unwrap();
    let (client, server) =
        soon(async { join!(connector.connect(Attempt::first()), accept(&mut acceptor)) }).await;
    client.unwrap();
    assert!(server.unwrap().1.peer().is_ipv6());
}

#[cfg(unix)]
#[tokio::test]
async fn a_connection_runs_over_a_unix_socket() {
    use everbeat_tokio::Request;
    use everbeat_tokio::transport::{WebSocket, adopt};

    let (near, far) = tokio::net::UnixStream::pair().unwrap();
    let request = Request::to("ws://localhost/feed").build().unwrap();
    let (client, server) = soon(async {
        join!(
            WebSocket::connect(adopt(near), &request, Settings::default()),
            WebSocket::accept(adopt(far), Settings::default()),
        )
    })
    .await;
    let timer = TokioTimer::new();
    let mut client = Connection::new(client.unwrap(), timer, ConnectionConfig::client(), 1);
    let (server, head) = server.unwrap();
    assert_eq!(head.path(), "/feed");
    let mut server = Connection::new(server, timer, ConnectionConfig::server(), 2);
    soon(async {
        let heard = async {
            let message = server.recv().await.unwrap();
            assert_eq!(server.recv().await.unwrap(), None);
            message
        };
        let said = async {
            client.send("hello").await.unwrap();
            client.close().await
        };
        let (heard, _) = join!(heard, said);
        assert_eq!(heard, Some(Message::from("hello")));
    })
    .await;
}

#[test]
fn outside_a_runtime_inheriting_is_an_error() {
    let inherited = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = inherited.local_addr().unwrap().to_string();
    let error = Acceptor::inherit(inherited, Settings::default()).unwrap_err();
    assert!(error.to_string().contains(&address), "{error}");
}
