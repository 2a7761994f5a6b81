//! Clients of everbeat's: what they say comes back, who they are is known, and everybody is reached.

use everbeat_tokio::client::ConnectError;
use everbeat_tokio::{Cause, Client, Event, Message};

use crate::support::{Inside, soon, start};

async fn connect(inside: &Inside, user: &str) -> Client {
    let client = Client::builder(&format!("ws://{}/echo", inside.address));
    let mut client = client.connector(|it| it.header("X-User", user)).connect().await.unwrap();
    assert_eq!(message(&mut client).await, Message::from(format!("hello, {user}")));
    client
}

async fn message(client: &mut Client) -> Message {
    loop {
        match client.next().await.unwrap() {
            Event::Message(message) => return message,
            Event::Connected { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_comes_back_and_the_close_is_polite() {
    let inside = start();
    soon(async {
        let mut client = connect(&inside, "ann").await;
        for size in [0, 1, 126, 65_536, 1 << 20] {
            client.send(vec![7; size]).await.unwrap();
            assert!(message(&mut client).await == Message::from(vec![7; size]), "{size}");
        }
        let end = client.close().await;
        assert_eq!(end.cause, Cause::ClosedByUs);
        assert_eq!((end.unsent.len(), end.unconfirmed.count), (0, 0), "{end}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_who_is_known_and_everybody_is_reached_whatever_his_worker() {
    let inside = start();
    soon(async {
        let names = ["ann", "ben", "cid", "dee", "eve", "fay"];
        let mut clients = Vec::new();
        for name in names {
            clients.push(connect(&inside, name).await);
        }
        let registry = inside.sockets.registry();
        let mut known: Vec<String> =
            registry.handles().iter().map(|handle| handle.facts().principal.clone()).collect();
        known.sort_unstable();
        assert_eq!(known, names);
        assert!(registry.handles().iter().all(|handle| handle.facts().peer().ip().is_loopback()));
        registry.send_tagged("echo", "to all").unwrap();
        for client in &mut clients {
            assert_eq!(message(client).await, Message::from("to all"));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_says_no_name_is_refused_by_the_route() {
    let inside = start();
    let refused = soon(Client::connect(&format!("ws://{}/echo", inside.address))).await;
    let Err(ConnectError::Failed(cause)) = refused else { panic!("{refused:?}") };
    assert_eq!(cause, Cause::Rejected { status: 401, retry_after: None });
    let refused = soon(Client::connect(&format!("ws://{}/nothing", inside.address))).await;
    assert!(matches!(refused, Err(ConnectError::Failed(Cause::Rejected { status: 200, .. }))));
}
