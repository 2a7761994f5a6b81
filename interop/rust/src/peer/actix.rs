//! actix-ws, with the heartbeat of actix's examples: Pings and Pongs alone are signs of life, and who
//! shows none is sent a Close. It answers neither Pings nor Closes by itself.

use std::net::TcpListener;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use actix_ws::{AggregatedMessage, CloseReason, Item, Message, ProtocolError};
use anyhow::Result;
use bytes::Bytes;
use serde_json::json;

use super::converse::{Fault, Manners, converse, pieces};
use super::words::{Word, say};
use super::{Peer, tls};

/// Of a message in pieces; its default is 1 MiB. Its default for a frame is 64 KiB, as large as ours are
const LARGEST: usize = 2 << 20;

pub(super) fn serve(at: &str, peer: Peer) -> Result<()> {
    let listener = TcpListener::bind(at)?;
    let (at, tls) = (listener.local_addr()?, tls::server(&peer.options)?);
    let server = HttpServer::new(move || {
        App::new().app_data(web::Data::new(peer.clone())).route("/", web::get().to(upgrade))
    });
    let server = server.workers(1).disable_signals();
    actix_web::rt::System::new().block_on(async {
        let server = match tls {
            Some(config) => server.listen_rustls_0_23(listener, config)?,
            None => server.listen(listener)?,
        };
        say(json!({ "listening": at.to_string() }));
        server.run().await
    })?;
    Ok(())
}

async fn upgrade(
    request: HttpRequest,
    body: web::Payload,
    peer: web::Data<Peer>,
) -> actix_web::Result<HttpResponse> {
    let (response, session, stream) = actix_ws::handle(&request, body)?;
    let stream = stream.aggregate_continuations().max_continuation_size(LARGEST);
    actix_web::rt::spawn(async move {
        let manners = Manners { answers: false, messages_are_life: false };
        converse(&peer, manners, stream, session, read, write).await;
    });
    Ok(response)
}

fn read(came: Result<AggregatedMessage, ProtocolError>) -> Option<Result<Word, Fault>> {
    let Ok(message) = came else { return Some(Err(Fault)) };
    Some(Ok(match message {
        AggregatedMessage::Text(text) => Word::Text(text.to_string()),
        AggregatedMessage::Binary(bytes) => Word::Binary(bytes),
        AggregatedMessage::Ping(bytes) => Word::Ping(bytes),
        AggregatedMessage::Pong(bytes) => Word::Pong(bytes),
        AggregatedMessage::Close(reason) => Word::Close(reason.map(end)),
    }))
}

/// Also awc's, which has the same messages
pub(super) fn write(word: Word, step: Option<usize>) -> Vec<Message> {
    vec![match word {
        Word::Text(text) if is_longer(text.len(), step) => {
            return frames(text.into(), Item::FirstText, step);
        }
        Word::Binary(bytes) if is_longer(bytes.len(), step) => {
            return frames(bytes, Item::FirstBinary, step);
        }
        Word::Text(text) => Message::Text(text.into()),
        Word::Binary(bytes) => Message::Binary(bytes),
        Word::Ping(bytes) => Message::Ping(bytes),
        Word::Pong(bytes) => Message::Pong(bytes),
        Word::Close(end) => Message::Close(
            end.map(|(code, reason)| CloseReason { code: code.into(), description: Some(reason) }),
        ),
    }]
}

/// What a Close says
pub(super) fn end(reason: CloseReason) -> (u16, String) {
    (reason.code.into(), reason.description.unwrap_or_default())
}

fn is_longer(length: usize, step: Option<usize>) -> bool {
    step.is_some_and(|step| length > step)
}

fn frames(payload: Bytes, begin: fn(Bytes) -> Item, step: Option<usize>) -> Vec<Message> {
    let frame = |(piece, first, last)| match (first, last) {
        (true, _) => Message::Continuation(begin(piece)),
        (false, false) => Message::Continuation(Item::Continue(piece)),
        (false, true) => Message::Continuation(Item::Last(piece)),
    };
    pieces(payload, step).map(frame).collect()
}
