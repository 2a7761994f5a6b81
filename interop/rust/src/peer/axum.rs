//! axum, whose messages cannot be sent in pieces.

use std::net::SocketAddr;

use anyhow::Result;
use axum::extract::ws::{CloseFrame, Message};
use axum::extract::{State, WebSocketUpgrade};
use axum::routing::get;
use axum::serve::Listener;
use futures_util::StreamExt;

use super::Peer;
use super::converse::{Fault, Manners, converse};
use super::tcp::{Door, Stream};
use super::words::Word;

pub(super) async fn serve(at: String, peer: Peer) -> Result<()> {
    let door = Door::open(&at, &peer.options).await?;
    let upgrade = async |upgrade: WebSocketUpgrade, State(peer): State<Peer>| {
        upgrade.on_upgrade(async move |socket| {
            let (sink, stream) = socket.split();
            let manners = Manners { answers: true, messages_are_life: true };
            converse(&peer, manners, stream, sink, read, write).await;
        })
    };
    Ok(axum::serve(door, axum::Router::new().route("/", get(upgrade)).with_state(peer)).await?)
}

/// One guest at a time: what this peer is asked for needs no more
impl Listener for Door {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Stream, SocketAddr) {
        loop {
            if let Ok(guest) = self.guest().await {
                let from = guest.from;
                if let Ok(stream) = guest.stream().await {
                    return (stream, from);
                }
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Door::local_addr(self)
    }
}

fn read(came: Result<Message, axum::Error>) -> Option<Result<Word, Fault>> {
    let Ok(message) = came else { return Some(Err(Fault)) };
    Some(Ok(match message {
        Message::Text(text) => Word::Text(text.to_string()),
        Message::Binary(bytes) => Word::Binary(bytes),
        Message::Ping(bytes) => Word::Ping(bytes),
        Message::Pong(bytes) => Word::Pong(bytes),
        Message::Close(frame) => {
            Word::Close(frame.map(|frame| (frame.code, frame.reason.to_string())))
        }
    }))
}

fn write(word: Word, _: Option<usize>) -> Vec<Message> {
    vec![match word {
        Word::Text(text) => Message::Text(text.into()),
        Word::Binary(bytes) => Message::Binary(bytes),
        Word::Ping(bytes) => Message::Ping(bytes),
        Word::Pong(bytes) => Message::Pong(bytes),
        Word::Close(end) => {
            Message::Close(end.map(|(code, reason)| CloseFrame { code, reason: reason.into() }))
        }
    }]
}
