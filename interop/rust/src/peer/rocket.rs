//! Rocket, by its `rocket_ws`, which has no name for what a piece of a message would need.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use rocket::config::{LogLevel, MutualTls, Shutdown, TlsConfig};
use rocket::fairing::AdHoc;
use rocket::futures::StreamExt;
use rocket::{Config, State, get, routes};
use rocket_ws::frame::{CloseCode, CloseFrame};
use rocket_ws::result::Error;
use rocket_ws::{Channel, Message, WebSocket};
use serde_json::json;

use super::Peer;
use super::converse::{Fault, Manners, converse};
use super::words::{Word, say};

pub(super) async fn serve(at: String, peer: Peer) -> Result<()> {
    let at: SocketAddr = at.parse().context("an address and a port")?;
    let identity = peer.options.identity.as_ref();
    let config = Config {
        address: at.ip(),
        port: at.port(),
        workers: 1,
        tls: identity.map(|(cert, key)| {
            let tls = TlsConfig::from_paths(cert, key);
            match &peer.options.ca {
                Some(ca) => tls.with_mutual(MutualTls::from_path(ca).mandatory(true)),
                None => tls,
            }
        }),
        log_level: LogLevel::Off,
        // Ends with its stdin.
        shutdown: Shutdown { ctrlc: false, signals: Default::default(), ..Default::default() },
        ..Config::release_default()
    };
    let listening = AdHoc::on_liftoff("listening", |rocket| {
        Box::pin(async move {
            let Config { address, port, .. } = rocket.config();
            say(json!({ "listening": SocketAddr::from((*address, *port)).to_string() }));
        })
    });
    let rocket = rocket::custom(config).manage(peer).attach(listening).mount("/", routes![upgrade]);
    // What went wrong is not to be dropped unread: then it panics.
    rocket.launch().await.map(drop).map_err(|error| anyhow::anyhow!("{error}"))
}

#[get("/")]
fn upgrade(socket: WebSocket, peer: &State<Peer>) -> Channel<'static> {
    let peer = peer.inner().clone();
    socket.channel(move |socket| {
        Box::pin(async move {
            let (sink, stream) = socket.split();
            let manners = Manners { answers: true, messages_are_life: true };
            converse(&peer, manners, stream, sink, read, write).await;
            Ok(())
        })
    })
}

fn read(came: Result<Message, Error>) -> Option<Result<Word, Fault>> {
    let Ok(message) = came else { return Some(Err(Fault)) };
    Some(Ok(match message {
        Message::Text(text) => Word::Text(text),
        Message::Binary(bytes) => Word::Binary(bytes.into()),
        Message::Ping(bytes) => Word::Ping(bytes.into()),
        Message::Pong(bytes) => Word::Pong(bytes.into()),
        Message::Close(frame) => {
            Word::Close(frame.map(|frame| (frame.code.into(), frame.reason.to_string())))
        }
        Message::Frame(_) => return None,
    }))
}

fn write(word: Word, _: Option<usize>) -> Vec<Message> {
    vec![match word {
        Word::Text(text) => Message::Text(text),
        Word::Binary(bytes) => Message::Binary(bytes.into()),
        Word::Ping(bytes) => Message::Ping(bytes.into()),
        Word::Pong(bytes) => Message::Pong(bytes.into()),
        Word::Close(end) => {
            let frame = |(code, reason): (u16, String)| CloseFrame {
                code: CloseCode::from(code),
                reason: reason.into(),
            };
            Message::Close(end.map(frame))
        }
    }]
}
