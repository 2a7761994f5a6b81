//! Both roles of async-tungstenite's on smol, one adopted and one of everbeat's own at its other end.

use async_tungstenite::{accept_async, client_async};
use everbeat_smol::config::ConnectionConfig;
use everbeat_smol::core::Connection;
use everbeat_smol::transport::{Settings, SmolTimer, WebSocket, adopt};
use everbeat_smol::{Cause, Message, Request, Smol};
use everbeat_tungstenite::Tungstenite;
use smol::future::zip;
use smol::net::{TcpListener, TcpStream};

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (near, far) = zip(TcpStream::connect(address), listener.accept()).await;
    (near.unwrap(), far.unwrap().0)
}

/// A conversation, and its end, which the first one begins
macro_rules! converse {
    ($client:expr, $server:expr) => {{
        let timer = SmolTimer::new();
        let mut client = Connection::new($client, timer, ConnectionConfig::client(), Smol.seed());
        let mut server = Connection::new($server, timer, ConnectionConfig::server(), Smol.seed());
        let asking = async {
            client.send("hello").await.unwrap();
            assert_eq!(client.recv().await.unwrap(), Some(Message::from("hello, you")));
            client.close().await
        };
        let answering = async {
            assert_eq!(server.recv().await.unwrap(), Some(Message::from("hello")));
            server.send("hello, you").await.unwrap();
            assert_eq!(server.recv().await.unwrap(), None);
        };
        let (end, ()) = zip(asking, answering).await;
        assert_eq!(end.cause, Cause::ClosedByUs);
        // Whether what was said has arrived is known by the beat in front of the Close
        assert_eq!(end.unconfirmed.count, 0);
    }};
}

#[test]
fn a_client_is_adopted() {
    smol::block_on(async {
        let (near, far) = pair().await;
        let (theirs, ours) = zip(
            client_async("ws://localhost/feed", near),
            WebSocket::accept(adopt(far), Settings::default()),
        )
        .await;
        converse!(Tungstenite::new(theirs.unwrap().0), ours.unwrap().0);
    });
}

#[test]
fn a_server_is_adopted() {
    smol::block_on(async {
        let (near, far) = pair().await;
        let request = Request::to("ws://localhost/feed").build().unwrap();
        let (ours, theirs) =
            zip(WebSocket::connect(adopt(near), &request, Settings::default()), accept_async(far))
                .await;
        converse!(ours.unwrap(), Tungstenite::new(theirs.unwrap()));
    });
}
