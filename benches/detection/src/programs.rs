//! The programs at the two ends of a connection: everbeat's, a peer that only answers, and other
//! libraries' rules; all over the same tap.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use everbeat_core::config::ConnectionConfig;
use everbeat_core::time::{Instant, Sleep, Timer};
use everbeat_core::transport::{Incoming, Outgoing, PathEvidence, Transport};
use everbeat_core::{Cause, Connection, Event, Message};
use everbeat_museum::rules::{
    Actix, JavaWebSocket, Libwebsockets, Peer, Rule, SocketIo, Watch, Websockets, Ws, run,
};
use everbeat_sim::{Pipe, SimTimer};
use futures_util::Stream;

use crate::contenders::Player;
use crate::stage::Call;
use crate::traffic::Messages;

/// What a program is given
pub(crate) struct Seat {
    pub(crate) tap: Tap,
    pub(crate) timer: SimTimer,
    pub(crate) seed: u64,
    pub(crate) messages: Messages,
    /// Its application's call for a probe
    pub(crate) call: Call,
}

/// Plays until the connection is given up
pub(crate) async fn play(player: Player, seat: Seat) {
    // One timer serves all connections of these two, so that a connection begins anywhere in it.
    let phase = |interval: u64| Duration::from_millis(seat.seed % (interval * 1_000));
    match player {
        Player::Everbeat(config) => everbeat(*config, seat).await,
        Player::Plain => live_by(Peer::default(), seat).await,
        Player::SocketIo => live_by(SocketIo::default(), seat).await,
        Player::SocketIoForgiving => live_by(SocketIo::default().forgiving(), seat).await,
        Player::Websockets => live_by(Websockets::default(), seat).await,
        Player::Ws => live_by(Ws::default().phase(phase(30)), seat).await,
        Player::JavaWebSocket => live_by(JavaWebSocket::default().phase(phase(60)), seat).await,
        Player::Actix => live_by(Actix::default(), seat).await,
        Player::Libwebsockets => live_by(Libwebsockets::default(), seat).await,
    }
}

async fn live_by(rule: impl Rule, seat: Seat) {
    run(rule, seat.tap, seat.timer, seat.messages, Watch::default()).await;
}

/// Everbeat's own connection, as an application uses it
async fn everbeat(config: ConnectionConfig, seat: Seat) {
    enum Step {
        Event(Option<Event>),
        Say(usize),
        Probe,
    }
    let Seat { tap, timer, seed, mut messages, call } = seat;
    let mut connection = Connection::new(tap, timer.clone(), config, seed);
    let mut next = messages.next();
    let mut alarm = next.map(|sending| timer.sleep_until(sending.at));
    loop {
        let step = poll_fn(|cx| {
            if let Poll::Ready(event) = Pin::new(&mut connection).poll_next(cx) {
                return Poll::Ready(Step::Event(event));
            }
            if call.poll(cx).is_ready() {
                return Poll::Ready(Step::Probe);
            }
            let (Some(alarm), Some(sending)) = (&mut alarm, next) else {
                return Poll::Pending;
            };
            Pin::new(alarm).poll(cx).map(|()| Step::Say(sending.bytes))
        });
        match step.await {
            Step::Event(Some(Event::Disconnected(_)) | None) => return,
            Step::Event(Some(_)) => {}
            Step::Probe => connection.probe(),
            Step::Say(bytes) => {
                next = messages.next();
                if let (Some(alarm), Some(sending)) = (&mut alarm, next) {
                    Pin::new(alarm).reset(sending.at);
                }
                if connection.send(zeros(bytes)).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// A message that nobody looks at; all of a process share the same bytes
fn zeros(bytes: usize) -> Message {
    const MOST: usize = 16 << 20;
    static ZEROS: [u8; MOST] = [0; MOST];
    Bytes::from_static(&ZEROS[..bytes.min(MOST)]).into()
}

/// What passed at one end
#[derive(Clone, Debug)]
pub(crate) struct Seen(Rc<Cells>);

#[derive(Debug)]
struct Cells {
    pings: Cell<u64>,
    /// Since when the first thing that is heard is looked for, and when it was
    since: Cell<Instant>,
    heard: Cell<Option<Instant>>,
}

impl Default for Seen {
    fn default() -> Self {
        let (pings, since, heard) = (Cell::new(0), Cell::new(Instant::ORIGIN), Cell::new(None));
        Self(Rc::new(Cells { pings, since, heard }))
    }
}

impl Seen {
    /// How many Pings were sent
    pub(crate) fn pings(&self) -> u64 {
        self.0.pings.get()
    }

    /// From now on the first thing that is heard is looked for
    pub(crate) fn listen(&self, now: Instant) {
        self.0.since.set(now);
        self.0.heard.set(None);
    }

    /// How long that took
    pub(crate) fn heard_after(&self) -> Option<Duration> {
        Some(self.0.heard.get()?.saturating_duration_since(self.0.since.get()))
    }
}

/// A pipe at which is counted what passes
pub(crate) struct Tap {
    pub(crate) pipe: Pipe,
    pub(crate) timer: SimTimer,
    pub(crate) seen: Seen,
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
        if let Poll::Ready(Some(Ok(_))) = &polled {
            let heard = &self.seen.0.heard;
            heard.set(heard.get().or_else(|| Some(self.timer.now())));
        }
        polled
    }

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.pipe().poll_ready(cx)
    }

    fn start_send(self: Pin<&mut Self>, outgoing: Outgoing) -> Result<(), Self::Error> {
        if let Outgoing::Ping(_) = outgoing {
            self.seen.0.pings.set(self.seen.pings() + 1);
        }
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
