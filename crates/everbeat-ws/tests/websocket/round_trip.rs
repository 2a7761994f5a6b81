//! Contents and order through random cuts, stalls and partial writes, against ourselves and against
//! async-tungstenite in both roles.

use std::future::poll_fn;
use std::pin::Pin;

use async_tungstenite::WebSocketStream;
use async_tungstenite::tungstenite;
use async_tungstenite::tungstenite::protocol::Role as TheirRole;
use everbeat_core::Message;
use everbeat_core::transport::{Incoming, Outgoing, Transport};
use everbeat_ws::connect::Request;
use everbeat_ws::{Role, Settings, WebSocket};
use futures_util::StreamExt;
use futures_util::future::join;
use proptest::prelude::*;

use crate::support::{close, duplex, flush, message, recv, run, send, start};

/// What one side says, in order
#[derive(Clone, Debug)]
enum Say {
    Text(String),
    Binary(Vec<u8>),
    Ping([u8; 8]),
}

fn say() -> impl Strategy<Value = Say> {
    let size = prop_oneof![4 => 0..300usize, 2 => 60_000..70_000usize, 1 => 0..200_000usize];
    prop_oneof![
        "\\PC{0,80}".prop_map(Say::Text),
        (size, any::<u8>()).prop_map(|(size, salt)| {
            Say::Binary((0..size).map(|i| (i as u8).wrapping_mul(31) ^ salt).collect())
        }),
        any::<[u8; 8]>().prop_map(Say::Ping),
    ]
}

fn messages(says: &[Say]) -> Vec<Message> {
    says.iter()
        .filter_map(|say| match say {
            Say::Text(text) => Some(text.clone().into()),
            Say::Binary(bytes) => Some(bytes.clone().into()),
            Say::Ping(_) => None,
        })
        .collect()
}

/// Says everything, hears everything until the peer's Close, then closes
async fn talk<T: Transport + Unpin>(ws: &mut T, says: Vec<Say>) -> Vec<Message> {
    let mut heard = Vec::new();
    let mut says = says.into_iter().peekable();
    let mut said_close = false;
    loop {
        // Sending and hearing go on side by side, or two peers that only send would block
        let incoming = poll_fn(|cx| {
            while says.peek().is_some() {
                if !matches!(says.peek(), Some(Say::Ping(_)))
                    && Pin::new(&mut *ws).poll_ready(cx).is_pending()
                {
                    break;
                }
                let outgoing = match says.next() {
                    Some(Say::Text(text)) => Outgoing::Message(text.into()),
                    Some(Say::Binary(bytes)) => Outgoing::Message(bytes.into()),
                    Some(Say::Ping(payload)) => Outgoing::Ping(payload),
                    None => break,
                };
                Pin::new(&mut *ws).start_send(outgoing).unwrap();
            }
            if Pin::new(&mut *ws).poll_flush(cx).is_ready() && says.peek().is_none() && !said_close
            {
                said_close = true;
                Pin::new(&mut *ws).start_send(Outgoing::Close(None)).unwrap();
                _ = Pin::new(&mut *ws).poll_flush(cx);
            }
            Pin::new(&mut *ws).poll_recv(cx)
        })
        .await;
        match incoming {
            Some(Ok(Incoming::Message(message))) => heard.push(message),
            Some(Ok(Incoming::Close(_))) => break,
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    // The answer to the Close, or the peer would wait for it
    flush(ws).await.unwrap();
    heard
}

/// A close needs both directions empty, so each side says all before the other's Close is seen
fn pair(seed: u64, fragment: Option<usize>, ours: Vec<Say>, theirs: Vec<Say>) {
    let (one, other) = duplex(1 + seed as usize % 5_000, Some(seed));
    let settings = Settings::default().fragment(fragment);
    let request = Request::to("ws://test/path?query").build().unwrap();
    run(async {
        let (client, server) =
            join(WebSocket::connect(one, &request, settings), WebSocket::accept(other, settings))
                .await;
        let (mut client, (mut server, head)) = (client.unwrap(), server.unwrap());
        assert_eq!((head.path(), head.query()), ("/path", Some("query")));
        assert_eq!(head.header("HOST"), Some("test"));
        let (a, b) = (ours.clone(), theirs.clone());
        // The client closes last word first: it only says Close once the server has
        let (heard_by_client, heard_by_server) = join(
            async {
                let mut heard = Vec::new();
                for said in a {
                    match said {
                        Say::Text(text) => send(&mut client, text.into()).await.unwrap(),
                        Say::Binary(bytes) => send(&mut client, bytes.into()).await.unwrap(),
                        Say::Ping(payload) => {
                            start(&mut client, Outgoing::Ping(payload)).unwrap();
                        }
                    }
                }
                flush(&mut client).await.unwrap();
                send(&mut client, "over".into()).await.unwrap();
                loop {
                    match recv(&mut client).await {
                        Some(Ok(Incoming::Message(message))) => heard.push(message),
                        Some(Ok(Incoming::Close(_))) => break,
                        Some(Ok(_)) => {}
                        other => panic!("{other:?}"),
                    }
                }
                close(&mut client).await.unwrap();
                heard
            },
            async {
                let mut heard = Vec::new();
                loop {
                    match recv(&mut server).await {
                        Some(Ok(Incoming::Message(message))) if message == "over".into() => break,
                        Some(Ok(Incoming::Message(message))) => heard.push(message),
                        Some(Ok(_)) => {}
                        other => panic!("{other:?}"),
                    }
                }
                for said in messages(&b) {
                    send(&mut server, said).await.unwrap();
                }
                flush(&mut server).await.unwrap();
                assert!(Pin::new(&mut server).release(), "nothing is owed");
                start(&mut server, Outgoing::Close(None)).unwrap();
                flush(&mut server).await.unwrap();
                loop {
                    match recv(&mut server).await {
                        Some(Ok(Incoming::Close(_))) => break,
                        Some(Ok(_)) => {}
                        other => panic!("{other:?}"),
                    }
                }
                close(&mut server).await.unwrap();
                heard
            },
        )
        .await;
        assert_eq!(heard_by_server, messages(&ours));
        assert_eq!(heard_by_client, messages(&theirs));
        assert_eq!((client.sent(), client.received()), (server.received(), server.sent()));
    });
}

/// Against async-tungstenite's own stream, which echoes
fn echo(seed: u64, role: Role, fragment: Option<usize>, says: Vec<Say>) {
    let (one, other) = duplex(1 + seed as usize % 5_000, Some(seed));
    let settings = Settings::default().fragment(fragment);
    run(async {
        let their_role = match role {
            Role::Client => TheirRole::Server,
            Role::Server => TheirRole::Client,
        };
        let mut ours = WebSocket::from_upgraded(one, role, settings, Vec::new());
        let mut theirs = WebSocketStream::from_raw_socket(other, their_role, None).await;
        let expected = messages(&says);
        let (heard, ()) = join(
            async {
                let mut heard = Vec::new();
                for said in says {
                    let said = match said {
                        Say::Text(text) => text.into(),
                        Say::Binary(bytes) => bytes.into(),
                        Say::Ping(payload) => {
                            start(&mut ours, Outgoing::Ping(payload)).unwrap();
                            flush(&mut ours).await.unwrap();
                            continue;
                        }
                    };
                    send(&mut ours, said).await.unwrap();
                    heard.push(message(&mut ours).await);
                }
                start(&mut ours, Outgoing::Close(None)).unwrap();
                flush(&mut ours).await.unwrap();
                loop {
                    match recv(&mut ours).await {
                        Some(Ok(Incoming::Close(None))) => break,
                        Some(Ok(Incoming::Pong(_))) => {}
                        other => panic!("{other:?}"),
                    }
                }
                close(&mut ours).await.unwrap();
                heard
            },
            async {
                while let Some(message) = theirs.next().await {
                    match message {
                        Ok(message) if message.is_text() || message.is_binary() => {
                            theirs.send(message).await.unwrap();
                        }
                        Ok(_) => {}
                        Err(tungstenite::Error::ConnectionClosed) => break,
                        Err(error) => panic!("{error}"),
                    }
                }
                drop(theirs);
            },
        )
        .await;
        assert_eq!(heard, expected);
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn between_two_of_us(
        seed: u64,
        fragment in prop_oneof![Just(None), Just(Some(64 << 10)), (1..3_000usize).prop_map(Some)],
        ours in proptest::collection::vec(say(), 0..6),
        theirs in proptest::collection::vec(say(), 0..6),
    ) {
        // Tiny frames of large messages only test patience
        let fragment = fragment.map(|bytes| bytes.max(50));
        pair(seed, fragment, ours, theirs);
    }

    #[test]
    fn with_tungstenite_as_server(
        seed: u64, says in proptest::collection::vec(say(), 0..8), fragment in 50..100_000usize,
    ) {
        echo(seed, Role::Client, Some(fragment), says);
    }

    #[test]
    fn with_tungstenite_as_client(
        seed: u64, says in proptest::collection::vec(say(), 0..8), fragment in 50..100_000usize,
    ) {
        echo(seed, Role::Server, Some(fragment), says);
    }

    /// Both talk at once, over a stream that holds little: nobody waits for ever
    #[test]
    fn both_at_once(
        seed: u64,
        ours in proptest::collection::vec(say(), 0..6),
        theirs in proptest::collection::vec(say(), 0..6),
    ) {
        let (one, other) = duplex(1 + seed as usize % 5_000, Some(seed));
        let settings = Settings::default();
        let mut client = WebSocket::from_upgraded(one, Role::Client, settings, Vec::new());
        let mut server = WebSocket::from_upgraded(other, Role::Server, settings, Vec::new());
        let (by_client, by_server) = run(join(
            talk(&mut client, ours.clone()),
            talk(&mut server, theirs.clone()),
        ));
        // A Close may overtake the rest of what the other was still saying, never its order
        let (ours, theirs) = (messages(&ours), messages(&theirs));
        prop_assert!(ours.starts_with(&by_server));
        prop_assert!(theirs.starts_with(&by_client));
    }
}
