//! awc, actix's client: it hands out frames, answers nothing by itself, and puts no message together. A
//! frame may have 64 KiB, as ours do.

use std::sync::Arc;

use actix_ws::Item;
use anyhow::{Result, anyhow};
use awc::error::WsProtocolError;
use awc::ws::Frame;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use super::converse::{Fault, Manners, converse};
use super::words::Word;
use super::{Peer, actix, tls};

pub(super) async fn dial(url: String, peer: Peer) -> Result<()> {
    let connector = awc::Connector::new().rustls_0_23(Arc::new(tls::client(&peer.options)?));
    let client = awc::Client::builder().connector(connector).finish();
    let connecting = client.ws(url).connect().await;
    // Its words for a refusal leave out the status, which the error has.
    let (_, socket) = connecting.map_err(|error| anyhow!("{error}: {error:?}"))?;
    let (sink, stream) = socket.split();
    let mut begun = None;
    let read = move |came| read(came, &mut begun);
    let manners = Manners { answers: false, messages_are_life: true };
    converse(&peer, manners, stream, sink, read, actix::write).await;
    Ok(())
}

/// A message of which some frames are here, and whether it is text
type Begun = Option<(bool, BytesMut)>;

fn read(came: Result<Frame, WsProtocolError>, begun: &mut Begun) -> Option<Result<Word, Fault>> {
    let Ok(frame) = came else { return Some(Err(Fault)) };
    Some(Ok(match frame {
        Frame::Text(bytes) => return Some(whole(true, bytes)),
        Frame::Binary(bytes) => Word::Binary(bytes),
        Frame::Ping(bytes) => Word::Ping(bytes),
        Frame::Pong(bytes) => Word::Pong(bytes),
        Frame::Close(reason) => Word::Close(reason.map(actix::end)),
        Frame::Continuation(item) => return collect(item, begun),
    }))
}

fn collect(item: Item, begun: &mut Begun) -> Option<Result<Word, Fault>> {
    match item {
        Item::FirstText(bytes) => *begun = Some((true, bytes.into())),
        Item::FirstBinary(bytes) => *begun = Some((false, bytes.into())),
        Item::Continue(bytes) => begun.as_mut()?.1.extend_from_slice(&bytes),
        Item::Last(bytes) => {
            let (text, mut message) = begun.take()?;
            message.extend_from_slice(&bytes);
            return Some(whole(text, message.freeze()));
        }
    }
    None
}

fn whole(text: bool, bytes: Bytes) -> Result<Word, Fault> {
    if !text {
        return Ok(Word::Binary(bytes));
    }
    String::from_utf8(bytes.into()).map(Word::Text).map_err(|_| Fault)
}
