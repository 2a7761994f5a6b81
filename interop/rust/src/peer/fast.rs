//! fastwebsockets. A frame that is half read is lost with the future that read it, so that reading is one
//! future, all else another, and both share the half that writes.

use std::cell::Cell;
use std::future::pending;
use std::pin::pin;
use std::time::Instant;

use anyhow::Result;
use bytes::{Bytes, BytesMut};
use fastwebsockets::{
    FragmentCollectorRead, Frame, OpCode, Payload, WebSocket, WebSocketError, WebSocketWrite,
    handshake, upgrade,
};
use futures_util::future::select;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HOST, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use hyper::rt::Executor;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::Upgraded;
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::io::WriteHalf;
use tokio::sync::Mutex;

use super::Peer;
use super::converse::pieces;
use super::tcp::{Door, connect};
use super::words::{Word, say, say_closed};

type Socket = WebSocket<TokioIo<Upgraded>>;
type Writer = Mutex<WebSocketWrite<WriteHalf<TokioIo<Upgraded>>>>;

pub(super) async fn serve(at: String, peer: Peer) -> Result<()> {
    let door = Door::open(&at, &peer.options).await?;
    let local = tokio::task::LocalSet::new();
    let serving = async {
        loop {
            let (guest, peer) = (door.guest().await?, peer.clone());
            tokio::task::spawn_local(async move {
                let Ok(stream) = guest.stream().await else { return };
                let service = service_fn(move |request| grant(request, peer.clone()));
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                _ = connection.with_upgrades().await;
            });
        }
    };
    local.run_until(serving).await
}

async fn grant(
    mut request: Request<Incoming>,
    peer: Peer,
) -> Result<Response<Empty<Bytes>>, WebSocketError> {
    let (response, upgraded) = upgrade::upgrade(&mut request)?;
    tokio::task::spawn_local(async move {
        if let Ok(socket) = upgraded.await {
            converse(socket, &peer).await;
        }
    });
    Ok(response)
}

pub(super) async fn dial(url: String, peer: Peer) -> Result<()> {
    let url: Uri = url.parse()?;
    let stream = connect(&url, &peer.options).await?;
    let host = url.authority().map_or_else(String::new, ToString::to_string);
    let request = Request::get(url.path())
        .header(HOST, host)
        .header(UPGRADE, "websocket")
        .header(CONNECTION, "upgrade")
        .header(SEC_WEBSOCKET_KEY, handshake::generate_key())
        .header(SEC_WEBSOCKET_VERSION, "13")
        .body(Empty::<Bytes>::new())?;
    let (socket, _) = handshake::client(&OnTokio, request, stream).await?;
    converse(socket, &peer).await;
    Ok(())
}

/// Where hyper's client spawns what drives it
struct OnTokio;

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for OnTokio {
    fn execute(&self, future: F) {
        tokio::spawn(future);
    }
}

async fn converse(socket: Socket, peer: &Peer) {
    let mut commands = peer.commands.of_newest();
    say(json!({ "connected": true }));
    let (mut reader, writer) = socket.split(tokio::io::split);
    // What it answers by itself it does not tell of.
    reader.set_auto_pong(false);
    let (mut reader, writer) = (FragmentCollectorRead::new(reader), Mutex::new(writer));
    let (alive, closed) = (Cell::new(Instant::now()), Cell::new(None));
    let reading = async {
        loop {
            let mut obliged = async |frame: Frame<'_>| send(&writer, frame).await;
            let word = read(reader.read_frame(&mut obliged).await?)?;
            alive.set(Instant::now());
            word.tell();
            match word {
                Word::Text(_) | Word::Binary(_) if peer.is_server() => {
                    say_to(&writer, word, peer).await?
                }
                Word::Ping(bytes) => say_to(&writer, Word::Pong(bytes), peer).await?,
                Word::Close(end) => {
                    closed.set(Some(end));
                    return Ok::<_, WebSocketError>(());
                }
                _ => {}
            }
        }
    };
    let acting = async {
        let mut interval = peer.options.beat.map(tokio::time::interval);
        loop {
            let tick = async {
                match &mut interval {
                    Some(interval) => interval.tick().await,
                    None => pending().await,
                }
            };
            let word = tokio::select! {
                Some(command) = commands.recv() => command,
                _ = tick => Word::Ping(Bytes::new()),
            };
            if peer.options.timeout.is_some_and(|timeout| alive.get().elapsed() > timeout) {
                return Ok::<_, WebSocketError>(());
            }
            say_to(&writer, word, peer).await?;
        }
    };
    _ = select(pin!(reading), pin!(acting)).await;
    say_closed(closed.take());
}

async fn say_to(writer: &Writer, word: Word, peer: &Peer) -> Result<(), WebSocketError> {
    let (payload, kind) = match word {
        Word::Text(text) => (Bytes::from(text), OpCode::Text),
        Word::Binary(bytes) => (bytes, OpCode::Binary),
        Word::Ping(bytes) => return send(writer, control(OpCode::Ping, bytes)).await,
        Word::Pong(bytes) => return send(writer, control(OpCode::Pong, bytes)).await,
        Word::Close(end) => {
            let (code, reason) = end.unwrap_or((1000, String::new()));
            return send(writer, Frame::close(code, reason.as_bytes())).await;
        }
    };
    for (piece, first, last) in pieces(payload, peer.options.fragment) {
        let kind = if first { kind } else { OpCode::Continuation };
        send(writer, Frame::new(last, kind, None, Payload::Bytes(BytesMut::from(piece)))).await?;
    }
    Ok(())
}

fn control(kind: OpCode, payload: Bytes) -> Frame<'static> {
    Frame::new(true, kind, None, Payload::Bytes(BytesMut::from(payload)))
}

/// Flushed, as its documentation asks where the stream keeps what it is given
async fn send(writer: &Writer, frame: Frame<'_>) -> Result<(), WebSocketError> {
    let mut writer = writer.lock().await;
    if frame.opcode == OpCode::Close && writer.is_closed() {
        // Split in two, it answers the answer to its own Close unless it is stopped.
        return Ok(());
    }
    writer.write_frame(frame).await?;
    writer.flush().await
}

fn read(frame: Frame<'_>) -> Result<Word, WebSocketError> {
    let payload = Bytes::from(frame.payload.to_vec());
    Ok(match frame.opcode {
        OpCode::Text => {
            Word::Text(String::from_utf8(payload.into()).map_err(|_| WebSocketError::InvalidUTF8)?)
        }
        OpCode::Ping => Word::Ping(payload),
        OpCode::Pong => Word::Pong(payload),
        OpCode::Close => Word::Close(payload.split_first_chunk().map(|(code, reason)| {
            (u16::from_be_bytes(*code), String::from_utf8_lossy(reason).into_owned())
        })),
        OpCode::Binary | OpCode::Continuation => Word::Binary(payload),
    })
}
