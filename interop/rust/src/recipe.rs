//! The heartbeat that the documentation of Rust's WebSocket libraries recommends: an interval beside the
//! stream, a Ping at each tick, and an end for who was not heard for long.

use std::future::{Future, pending};
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};
use futures_util::{Sink, SinkExt, Stream, StreamExt};

/// Where ticks come from
pub(crate) trait Ticks {
    fn tick(&mut self) -> impl Future<Output = ()>;
}

impl Ticks for Option<tokio::time::Interval> {
    async fn tick(&mut self) {
        match self {
            Some(interval) => _ = interval.tick().await,
            None => pending().await,
        }
    }
}

impl Ticks for Option<async_io::Timer> {
    async fn tick(&mut self) {
        match self {
            Some(timer) => _ = timer.next().await,
            None => pending().await,
        }
    }
}

/// What differs between the libraries' messages
pub(crate) trait Message: Sized {
    fn ping() -> Self;
    /// What is said back
    fn is_data(&self) -> bool;
    fn is_close(&self) -> bool;
}

pub(crate) async fn echo<S, M, E>(mut socket: S, mut ticks: impl Ticks, beat: Option<Duration>)
where
    S: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Unpin,
    M: Message,
{
    let patience = patience(beat.unwrap_or_default());
    let mut heard = Instant::now();
    loop {
        let next = {
            let tick = pin!(ticks.tick());
            match select(tick, socket.next()).await {
                Either::Left(_) => None,
                Either::Right((message, _)) => Some(message),
            }
        };
        let told = match next {
            None if heard.elapsed() > patience => return,
            None => socket.send(M::ping()).await,
            Some(Some(Ok(message))) => {
                heard = Instant::now();
                match message {
                    message if message.is_data() => socket.send(message).await,
                    message if message.is_close() => return,
                    _ => Ok(()),
                }
            }
            Some(_) => return,
        };
        if told.is_err() {
            return;
        }
    }
}

/// How long who is not heard is waited for. The documentation has two or three of its own beats, which
/// are of 5 s to a minute. Of a benchmark's, which may be of 1 s, they would be shorter than a burst of
/// messages takes, and would cut off who waits behind it and is well.
pub(crate) fn patience(beat: Duration) -> Duration {
    (beat * 3).max(Duration::from_secs(20))
}

/// tokio's ticks, the first one after a beat
pub(crate) fn on_tokio(beat: Option<Duration>) -> Option<tokio::time::Interval> {
    beat.map(|beat| tokio::time::interval_at(tokio::time::Instant::now() + beat, beat))
}
