//! How many may wait to be taken is what was asked for.

use std::net::TcpStream;
use std::time::Duration;

use everbeat_tokio::server::{AcceptSettings, Acceptor};

/// Nobody takes anybody: of so many who connect, as many are connected as may wait
async fn waiting(settings: AcceptSettings) -> usize {
    const PEERS: usize = 8;
    let acceptor: Acceptor = Acceptor::bind("127.0.0.1:0", settings).await.unwrap();
    let address = acceptor.local_address().unwrap();
    let peers = tokio::task::spawn_blocking(move || {
        // Whoever finds no room is not answered: however long this is, it is too short for him
        let patience = Duration::from_millis(200);
        (0..PEERS).filter_map(|_| TcpStream::connect_timeout(&address, patience).ok()).collect()
    });
    let peers: Vec<_> = peers.await.unwrap();
    drop(acceptor);
    peers.len()
}

#[tokio::test]
async fn as_many_wait_as_the_backlog_has_room_for() {
    assert_eq!(waiting(AcceptSettings::default()).await, 8);
    // Linux lets one more wait than it was told
    assert_eq!(waiting(AcceptSettings::default().backlog(3)).await, 4);
}
