//! What refused peers cost those who are not refused.

use std::net::SocketAddr;
use std::time::Duration;

use everbeat_tokio::server::{Connection, Limits};
use everbeat_tokio::{Client, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::peer::{ASK, soon};

async fn from(source: [u8; 4], to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((source, 0).into()).unwrap();
    socket.connect(to).await.unwrap()
}

async fn start(limits: Limits) -> SocketAddr {
    let server = Server::builder().limits(limits).bind("127.0.0.1:0").await.unwrap();
    let address = server.acceptor().local_address().unwrap();
    tokio::spawn(server.serve(|mut connection: Connection| async move {
        while let Some(message) = connection.recv().await? {
            connection.send(message).await?;
        }
        Ok(())
    }));
    address
}

/// One address that has all that it may have opens sockets and says nothing
#[cfg(target_os = "linux")]
#[tokio::test]
async fn who_is_refused_for_its_address_keeps_nobody_else_waiting() {
    let address = start(Limits::default().per_address(1).upgrades(16)).await;
    let mut taken = from([127, 0, 0, 2], address).await;
    taken.write_all(ASK.as_bytes()).await.unwrap();
    assert_ne!(soon(taken.read_u8()).await.unwrap(), 0);
    let mut refused = Vec::new();
    for _ in 0..16 {
        refused.push(from([127, 0, 0, 2], address).await);
    }
    let url = format!("ws://{address}/");
    let client = Client::builder(&url).connect_timeout(Duration::from_secs(9)).connect();
    let client = soon(client).await;
    assert!(client.is_ok(), "another address waited for nothing");
}

/// "upgrades are given up": one that is being finished on another thread becomes a connection of a
/// server that has returned, and whose handler nobody cuts
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn no_connection_begins_behind_the_end_of_its_server() {
    use std::sync::{Mutex, mpsc};
    let (inside, is_inside) = mpsc::channel();
    let (go, goes) = mpsc::channel::<()>();
    let (inside, goes) = (Mutex::new(inside), Mutex::new(goes));
    let server = Server::builder().bind("127.0.0.1:0").await.unwrap().address(move |_, _| {
        _ = inside.lock().unwrap().send(());
        _ = goes.lock().unwrap().recv();
        None
    });
    let address = server.acceptor().local_address().unwrap();
    let (registry, handle) = (server.registry(), server.handle());
    let serving = tokio::spawn(server.serve(|_connection: Connection| async {
        std::future::pending::<()>().await;
        Ok(())
    }));
    let mut peer = TcpStream::connect(address).await.unwrap();
    peer.write_all(ASK.as_bytes()).await.unwrap();
    tokio::task::spawn_blocking(move || is_inside.recv()).await.unwrap().unwrap();
    handle.shutdown();
    let served = soon(serving).await.unwrap();
    assert!(served.cut.is_empty() && served.served == 0, "{served}");
    go.send(()).unwrap();
    // It is given up: nobody is there any more to serve it
    let mut rest = Vec::new();
    soon(peer.read_to_end(&mut rest)).await.unwrap();
    // Its socket is gone before its place is
    let emptied = async {
        while !registry.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    soon(emptied).await;
}
