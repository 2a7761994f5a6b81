//! A client that is adopted: what came with the answer of its upgrade, its beat, its end.

use std::time::Duration;

use everbeat_tokio::config::ConnectionConfig;
use everbeat_tokio::core::cause::{CloseCode, Verdict};
use everbeat_tokio::transport::{Role, Settings, WebSocket, adopt as socket};
use everbeat_tokio::{Cause, Message};
use everbeat_tungstenite::Tungstenite;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout};

use crate::support::{CLOSE, PING, PONG, TEXT, adopt, client, frame, next_frame};

#[tokio::test(start_paused = true)]
async fn what_came_with_the_answer_is_there() {
    let (stream, mut server) = client(&frame(TEXT, b"with the answer", false)).await;
    let mut connection = adopt(stream, ConnectionConfig::client());
    assert_eq!(connection.recv().await.unwrap(), Some(Message::from("with the answer")));
    server.write_all(&frame(TEXT, b"behind it", false)).await.unwrap();
    assert_eq!(connection.recv().await.unwrap(), Some(Message::from("behind it")));
}

/// Why the codec is kept: this is what the documentation warns of
#[tokio::test(start_paused = true)]
async fn without_the_codec_what_came_with_the_answer_is_lost() {
    let (stream, mut server) = client(&frame(TEXT, b"with the answer", false)).await;
    let bare = socket(stream.into_inner());
    let websocket = WebSocket::from_upgraded(bare, Role::Client, Settings::default(), Vec::new());
    server.write_all(&frame(TEXT, b"behind it", false)).await.unwrap();
    let timer = everbeat_tokio::transport::TokioTimer::new();
    let config = ConnectionConfig::client();
    let mut connection = everbeat_tokio::Connection::new(websocket, timer, config, 1);
    assert_eq!(connection.recv().await.unwrap(), Some(Message::from("behind it")));
}

#[tokio::test(start_paused = true)]
async fn it_beats_and_a_peer_that_is_silent_is_dead_in_time() {
    let (stream, mut server) = client(b"").await;
    let mut connection = adopt(stream, ConnectionConfig::client());
    let began = Instant::now();
    let answering = async {
        let (opcode, payload) = next_frame(&mut server).await;
        assert_eq!(opcode, PING);
        server.write_all(&frame(PONG, &payload, false)).await.unwrap();
        let answered = Instant::now();
        assert_eq!(next_frame(&mut server).await.0, PING);
        answered
    };
    let (ended, answered) = tokio::join!(connection.recv(), answering);
    let Err(Cause::Dead { verdict, .. }) = ended else { panic!("{ended:?}") };
    // There is nothing to tell a road that is gone from a program that hangs
    assert_eq!(verdict, Verdict::Silent);
    assert!(answered.duration_since(began) <= Duration::from_secs(10));
    let noticed = answered.elapsed();
    assert!(
        noticed >= Duration::from_secs(14) && noticed <= Duration::from_secs(15),
        "{noticed:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_ping_is_answered_while_nobody_speaks() {
    let (stream, mut server) = client(&frame(PING, b"early", false)).await;
    let mut connection = adopt(stream, ConnectionConfig::client());
    let asking = async {
        assert_eq!(next_frame(&mut server).await, (PONG, b"early".to_vec()));
        server.write_all(&frame(PING, b"late", false)).await.unwrap();
        assert_eq!(next_frame(&mut server).await, (PONG, b"late".to_vec()));
    };
    tokio::select! {
        ended = connection.recv() => panic!("{ended:?}"),
        () = asking => {}
    }
}

#[tokio::test(start_paused = true)]
async fn it_says_close_and_waits_for_the_server_to_end_the_stream() {
    let (stream, mut server) = client(b"").await;
    let mut connection = adopt(stream, ConnectionConfig::client());
    let wait = Duration::from_millis(1500);
    let answering = async {
        let (opcode, payload) = next_frame(&mut server).await;
        assert_eq!((opcode, &*payload), (CLOSE, &1000_u16.to_be_bytes()[..]));
        server.write_all(&frame(CLOSE, &payload, false)).await.unwrap();
        tokio::time::sleep(wait).await;
        drop(server);
    };
    let began = Instant::now();
    let (end, ()) = tokio::join!(connection.close(), answering);
    assert_eq!(end.cause, Cause::ClosedByUs);
    assert_eq!(began.elapsed(), wait);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_ends_the_stream_is_not_waited_for_longer_than_a_close_may_take() {
    let (stream, mut server) = client(b"").await;
    let mut connection = adopt(stream, ConnectionConfig::client());
    server.write_all(&frame(CLOSE, &4000_u16.to_be_bytes(), false)).await.unwrap();
    let began = Instant::now();
    let ended = timeout(Duration::from_secs(60), connection.recv()).await.unwrap();
    let Err(Cause::Closed { code, .. }) = ended else { panic!("{ended:?}") };
    assert_eq!((code, began.elapsed()), (CloseCode(4000), Duration::from_secs(5)));
    assert_eq!(next_frame(&mut server).await.0, CLOSE);
}

#[tokio::test(start_paused = true)]
async fn it_can_be_moved_to_a_task() {
    let (stream, _server) = client(b"").await;
    fn is_send<T: Send>(_: &T) {}
    is_send(&Tungstenite::new(stream));
}
