//! The programs at the two ends of a connection: everbeat's, a peer that only answers, and other
//! libraries' rules.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use everbeat_core::config::ConnectionConfig;
use everbeat_core::time::{Instant, Timer};
use everbeat_core::transport::{Incoming, Outgoing, PathEvidence, Transport};
use everbeat_core::{Cause, Connection, Event};
use everbeat_sim::{Pipe, SimTimer};
use futures_util::Stream;

use crate::contenders::Player;
use crate::stage::{Counts, Wish, Wishes};

/// What a program is given
pub(crate) struct Seat {
    pub(crate) pipe: Pipe,
    pub(crate) timer: SimTimer,
    pub(crate) seed: u64,
    pub(crate) wishes: Wishes,
    pub(crate) counts: Counts,
    /// Whether this is the end that is looked at
    pub(crate) ours: bool,
}

/// Plays until the connection is given up
pub(crate) async fn play(player: Player, seat: Seat) {
    match player {
        Player::Everbeat(config) => everbeat(*config, seat).await,
        Player::Plain => plain(seat).await,
    }
}

/// Everbeat's own connection, as an application uses it
async fn everbeat(config: ConnectionConfig, seat: Seat) {
    let Seat { pipe, timer, seed, wishes, counts, ours } = seat;
    let tap = Tap { pipe, timer: timer.clone(), counts, ours };
    let mut connection = Connection::new(tap, timer, config, seed);
    loop {
        let step = poll_fn(|cx| match Pin::new(&mut connection).poll_next(cx) {
            Poll::Ready(event) => Poll::Ready(Err(event)),
            Poll::Pending => wishes.poll_next(cx).map(Ok),
        });
        match step.await {
            Ok(Wish::Say(message)) => {
                if connection.send(message).await.is_err() {
                    return;
                }
            }
            Ok(Wish::Probe) => {}
            Err(Some(Event::Disconnected(_)) | None) => return,
            Err(Some(_)) => {}
        }
    }
}

/// A peer that reads, answers Pings as every WebSocket does, and says what its application wants:
/// while it writes a message it does not read, so that a Pong waits behind it as it does in a
/// program that sends a message as one frame
async fn plain(seat: Seat) {
    let Seat { mut pipe, wishes, counts, .. } = seat;
    loop {
        let step = poll_fn(|cx| match Pin::new(&mut pipe).poll_recv(cx) {
            Poll::Ready(incoming) => Poll::Ready(Err(incoming)),
            Poll::Pending => wishes.poll_next(cx).map(Ok),
        });
        match step.await {
            Ok(Wish::Say(message)) => {
                if pipe.send(Outgoing::Message(message)).await.is_err() {
                    return;
                }
            }
            Ok(Wish::Probe) => {}
            Err(Some(Ok(Incoming::Ping(_)))) => counts.ping(),
            Err(Some(Ok(_))) => {}
            Err(Some(Err(_)) | None) => return,
        }
    }
}

/// A pipe that counts the Pings that arrive, and knows when something did
struct Tap {
    pipe: Pipe,
    timer: SimTimer,
    counts: Counts,
    ours: bool,
}

impl Tap {
    fn pipe(self: Pin<&mut Self>) -> Pin<&mut Pipe> {
        Pin::new(&mut self.get_mut().pipe)
    }
}

impl Transport for Tap {
    type Error = <Pipe as Transport>::Error;

    fn poll_recv(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Incoming, Self::Error>>> {
        let polled = self.as_mut().pipe().poll_recv(cx);
        if let Poll::Ready(Some(Ok(incoming))) = &polled {
            if let Incoming::Ping(_) = incoming {
                self.counts.ping();
            }
            if self.ours {
                self.counts.hear(self.timer.now());
            }
        }
        polled
    }

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.pipe().poll_ready(cx)
    }

    fn start_send(self: Pin<&mut Self>, outgoing: Outgoing) -> Result<(), Self::Error> {
        self.pipe().start_send(outgoing)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.pipe().poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.pipe().poll_close(cx)
    }

    fn abort(self: Pin<&mut Self>) {
        self.pipe().abort();
    }

    fn received(&self) -> u64 {
        self.pipe.received()
    }

    fn sent(&self) -> u64 {
        self.pipe.sent()
    }

    fn path(&self) -> Option<PathEvidence> {
        self.pipe.path()
    }

    fn classify(error: &Self::Error) -> Cause {
        Pipe::classify(error)
    }
}
