//! tokio-tungstenite.

use anyhow::Result;
use bytes::Bytes;
use futures_util::StreamExt;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_async, client_async};

use super::Peer;
use super::converse::{Fault, Manners, converse, pieces};
use super::tcp::{Door, Stream, connect};
use super::words::Word;

pub(super) async fn serve(at: String, peer: Peer) -> Result<()> {
    let door = Door::open(&at, &peer.options).await?;
    loop {
        let (guest, peer) = (door.guest().await?, peer.clone());
        tokio::spawn(async move {
            let Ok(stream) = guest.stream().await else { return };
            if let Ok(socket) = accept_async(stream).await {
                talk(socket, &peer).await;
            }
        });
    }
}

pub(super) async fn dial(url: String, peer: Peer) -> Result<()> {
    let stream = connect(&url.parse()?, &peer.options).await?;
    let (socket, _) = client_async(url, stream).await?;
    talk(socket, &peer).await;
    Ok(())
}

async fn talk(socket: WebSocketStream<Stream>, peer: &Peer) {
    let (sink, stream) = socket.split();
    let manners = Manners { answers: true, messages_are_life: true };
    converse(peer, manners, stream, sink, read, write).await;
}

fn read(came: Result<Message, Error>) -> Option<Result<Word, Fault>> {
    let Ok(message) = came else { return Some(Err(Fault)) };
    Some(Ok(match message {
        Message::Text(text) => Word::Text(text.to_string()),
        Message::Binary(bytes) => Word::Binary(bytes),
        Message::Ping(bytes) => Word::Ping(bytes),
        Message::Pong(bytes) => Word::Pong(bytes),
        Message::Close(frame) => {
            Word::Close(frame.map(|frame| (frame.code.into(), frame.reason.to_string())))
        }
        Message::Frame(_) => return None,
    }))
}

fn write(word: Word, step: Option<usize>) -> Vec<Message> {
    vec![match word {
        Word::Text(text) => return frames(text.into(), Data::Text, step),
        Word::Binary(bytes) => return frames(bytes, Data::Binary, step),
        Word::Ping(bytes) => Message::Ping(bytes),
        Word::Pong(bytes) => Message::Pong(bytes),
        Word::Close(end) => {
            let frame = |(code, reason): (u16, String)| CloseFrame {
                code: code.into(),
                reason: reason.into(),
            };
            Message::Close(end.map(frame))
        }
    }]
}

fn frames(payload: Bytes, kind: Data, step: Option<usize>) -> Vec<Message> {
    let frame = |(piece, first, last): (Bytes, bool, bool)| {
        let kind = if first { kind } else { Data::Continue };
        Message::Frame(Frame::message(piece, OpCode::Data(kind), last))
    };
    pieces(payload, step).map(frame).collect()
}
