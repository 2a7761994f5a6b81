//! A conversation through any library whose connection is a stream and a sink of messages: what comes in
//! is told, what is commanded is sent, and if asked for it Pings and hangs up, as the library's examples do.

use std::future::pending;
use std::time::Instant;

use futures_util::{Sink, SinkExt, Stream, StreamExt};
use serde_json::json;

use super::Peer;
use super::words::{Word, say, say_closed};

/// What differs between libraries
#[derive(Clone, Copy, Debug)]
pub(super) struct Manners {
    /// The library answers Pings and Closes by itself, and has nothing to say once it has
    pub(super) answers: bool,
    /// Its examples take messages for a sign of life, not only Pings and Pongs
    pub(super) messages_are_life: bool,
}

/// What has to be done next
enum Next<M> {
    Tick,
    Command(Word),
    Came(Option<M>),
}

/// From the upgrade to the end; `read` makes of what came in what it says, if it is whole, and `write`
/// of what is to be said the frames that say it, none longer than told if the library can
pub(super) async fn converse<I, O>(
    peer: &Peer,
    manners: Manners,
    mut stream: impl Stream<Item = I> + Unpin,
    mut sink: impl Sink<O> + Unpin,
    mut read: impl FnMut(I) -> Option<Result<Word, Fault>>,
    mut write: impl FnMut(Word, Option<usize>) -> Vec<O>,
) {
    let mut commands = peer.commands.of_newest();
    say(json!({ "connected": true }));
    let mut interval = peer.options.beat.map(tokio::time::interval);
    let (mut alive, mut closed, mut said_close) = (Instant::now(), None, false);
    loop {
        let tick = async {
            match &mut interval {
                Some(interval) => interval.tick().await,
                None => pending().await,
            }
        };
        let next = tokio::select! {
            came = stream.next() => Next::Came(came),
            Some(command) = commands.recv() => Next::Command(command),
            _ = tick => Next::Tick,
        };
        let mut last = false;
        let said = match next {
            Next::Tick if peer.options.timeout.is_some_and(|timeout| alive.elapsed() > timeout) => {
                last = true;
                // Whoever answers Closes would also wait for the answer to this one.
                (!manners.answers).then_some(Word::Close(None))
            }
            Next::Tick => Some(Word::Ping(Default::default())),
            Next::Command(word) => Some(word),
            Next::Came(None) => break,
            Next::Came(Some(came)) => match read(came) {
                None => continue,
                Some(Err(Fault)) => break,
                Some(Ok(word)) => {
                    word.tell();
                    if manners.messages_are_life || matches!(word, Word::Ping(_) | Word::Pong(_)) {
                        alive = Instant::now();
                    }
                    if let Word::Close(end) = &word {
                        closed.get_or_insert_with(|| end.clone());
                        last = !manners.answers;
                    }
                    answer(word, peer, manners)
                }
            },
        };
        let said = match said {
            // Nobody says it twice.
            Some(Word::Close(_)) if said_close => None,
            said => said,
        };
        said_close |= matches!(said, Some(Word::Close(_)));
        for frame in said.into_iter().flat_map(|word| write(word, peer.options.fragment)) {
            last |= sink.send(frame).await.is_err();
        }
        if last {
            break;
        }
    }
    say_closed(closed);
}

/// The connection cannot be used any more
pub(super) struct Fault;

/// What is to be said to it
fn answer(word: Word, peer: &Peer, manners: Manners) -> Option<Word> {
    match word {
        Word::Text(_) | Word::Binary(_) => peer.is_server().then_some(word),
        Word::Ping(bytes) => (!manners.answers).then_some(Word::Pong(bytes)),
        Word::Close(_) => (!manners.answers).then_some(word),
        Word::Pong(_) => None,
    }
}

/// Pieces of this size, and whether each is the first and the last
pub(super) fn pieces(
    payload: bytes::Bytes,
    step: Option<usize>,
) -> impl Iterator<Item = (bytes::Bytes, bool, bool)> {
    let step = step.unwrap_or(usize::MAX).max(1);
    let count = payload.len().div_ceil(step).max(1);
    (0..count).map(move |at| {
        let piece = payload.slice(at * step..payload.len().min((at + 1).saturating_mul(step)));
        (piece, at == 0, at + 1 == count)
    })
}
