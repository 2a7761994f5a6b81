//! A stream that was read from before it is adopted: what its codec holds in the middle of a frame,
//! of a message, and of what it owes.

use std::task::{Context, Poll, Waker};

use everbeat_tokio::Message;
use everbeat_tokio::config::ConnectionConfig;
use futures_util::{SinkExt, StreamExt};
use tokio::io::AsyncWriteExt;

use crate::support::{PING, PONG, TEXT, adopt, client, frame, next_frame};

#[tokio::test(start_paused = true)]
async fn half_a_frame_and_half_a_message_are_kept() {
    let whole = frame(TEXT, b"a frame in two pieces", false);
    let (first, second) = whole.split_at(9);
    let (mut stream, mut server) = client(b"").await;
    server.write_all(first).await.unwrap();
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(matches!(stream.poll_next_unpin(cx), Poll::Pending));

    let mut connection = adopt(stream, ConnectionConfig::client());
    server.write_all(second).await.unwrap();
    assert_eq!(connection.recv().await.unwrap(), Some(Message::from("a frame in two pieces")));
}

#[tokio::test(start_paused = true)]
async fn a_message_in_two_frames_is_whole() {
    let (mut stream, mut server) = client(b"").await;
    let mut beginning = frame(TEXT, b"one ", false);
    beginning[0] &= 0x7f;
    server.write_all(&beginning).await.unwrap();
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(matches!(stream.poll_next_unpin(cx), Poll::Pending));

    let mut connection = adopt(stream, ConnectionConfig::client());
    server.write_all(&frame(0, b"message", false)).await.unwrap();
    assert_eq!(connection.recv().await.unwrap(), Some(Message::from("one message")));
}

#[tokio::test(start_paused = true)]
async fn a_pong_that_is_owed_goes_out() {
    let (mut stream, mut server) = client(&frame(PING, b"owed", false)).await;
    assert!(stream.next().await.unwrap().unwrap().is_ping());
    let mut connection = adopt(stream, ConnectionConfig::client());
    tokio::select! {
        ended = connection.recv() => panic!("{ended:?}"),
        answered = next_frame(&mut server) => assert_eq!(answered, (PONG, b"owed".to_vec())),
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_not_flushed_goes_out() {
    let (mut stream, mut server) = client(b"").await;
    stream.feed("fed before".into()).await.unwrap();
    let mut connection = adopt(stream, ConnectionConfig::client());
    connection.send("sent behind").await.unwrap();
    assert_eq!(next_frame(&mut server).await, (TEXT, b"fed before".to_vec()));
    assert_eq!(next_frame(&mut server).await, (TEXT, b"sent behind".to_vec()));
}
