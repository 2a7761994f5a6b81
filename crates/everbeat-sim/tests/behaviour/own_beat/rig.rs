//! A peer that knows the beat `ping` and answers no Ping, and a transport that holds everybody to
//! the contract and has little room.

use std::cell::Cell;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use everbeat_core::config::{ConnectionConfig, OwnBeat};
use everbeat_core::time::Instant;
use everbeat_core::transport::{Incoming, Outgoing, Transport};
use everbeat_core::{Connection, Message};
use everbeat_sim::net::PipeError;
use everbeat_sim::time::SimSleep;
use everbeat_sim::{Pipe, Sim, SimHandle, SimTimer};

use crate::support::Heard;

pub(super) const INTERVAL: Duration = Duration::from_secs(10);
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn ping() -> OwnBeat {
    OwnBeat::new("ping", |message| message.as_text() == Some("pong"))
}

pub(super) fn beating<T: Transport>(
    sim: &Sim,
    transport: T,
    config: ConnectionConfig,
) -> Connection<T, SimTimer> {
    Connection::with_beat(transport, sim.timer(), config, ping(), sim.random())
}

/// Whether the peer still answers, and what it heard, and when
#[derive(Clone, Default)]
pub(super) struct Api {
    answers: Rc<Cell<bool>>,
    heard: Heard,
}

impl Api {
    /// At this end; Pings it must not answer, so the link to it is to be muted
    pub(super) fn at(sim: &SimHandle, mut pipe: Pipe) -> Self {
        let api = Self::default();
        api.answer(true);
        let (log, handle) = (api.clone(), sim.clone());
        sim.spawn(async move {
            while let Some(Ok(incoming)) = pipe.next().await {
                let asked = incoming == Incoming::Message("ping".into());
                log.heard.borrow_mut().push((handle.now(), incoming));
                if asked && log.answers.get() {
                    pipe.send(Outgoing::Message("pong".into())).await?;
                }
            }
            std::future::pending::<()>().await;
            Ok::<_, PipeError>(())
        });
        api
    }

    pub(super) fn answer(&self, answers: bool) {
        self.answers.set(answers);
    }

    pub(super) fn heard(&self) -> Vec<(Instant, Incoming)> {
        self.heard.borrow().clone()
    }

    /// All messages in their order, what is no text by its size
    pub(super) fn words(&self) -> Vec<String> {
        let word = |(_, incoming): (_, Incoming)| match incoming {
            Incoming::Message(message) => Some(message.to_string()),
            Incoming::Close(_) => Some("Close".to_owned()),
            Incoming::Ping(_) => Some("Ping".to_owned()),
            _ => None,
        };
        self.heard().into_iter().filter_map(word).collect()
    }

    /// When beats arrived
    pub(super) fn beats(&self) -> Vec<Instant> {
        let beat = Incoming::Message("ping".into());
        self.heard().into_iter().filter(|(_, heard)| *heard == beat).map(|(at, _)| at).collect()
    }
}

/// A transport that cannot ping, has room for one message at a time and for the next only after a
/// while, and panics if it is given a message without having been asked for room
pub(super) struct Narrow {
    pipe: Pipe,
    timer: SimHandle,
    /// How long a message takes its room, drawn from these
    pause: RangeInclusive<Duration>,
    full: Option<Pin<Box<SimSleep>>>,
    ready: bool,
}

impl Narrow {
    pub(super) fn new(sim: &Sim, pipe: Pipe, pause: RangeInclusive<Duration>) -> Self {
        Self { pipe, timer: sim.handle(), pause, full: None, ready: false }
    }

    fn pipe(&mut self) -> Pin<&mut Pipe> {
        Pin::new(&mut self.pipe)
    }

    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(full) = &mut self.full {
            ready!(full.as_mut().poll(cx));
            self.full = None;
        }
        Poll::Ready(())
    }
}

impl Transport for Narrow {
    type Error = PipeError;

    fn poll_recv(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Incoming, PipeError>>> {
        self.pipe().poll_recv(cx)
    }

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), PipeError>> {
        ready!(self.poll_pause(cx));
        ready!(self.pipe().poll_ready(cx))?;
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn start_send(mut self: Pin<&mut Self>, outgoing: Outgoing) -> Result<(), PipeError> {
        assert!(!matches!(outgoing, Outgoing::Ping(_)), "it cannot ping");
        if matches!(outgoing, Outgoing::Message(_)) {
            assert!(std::mem::take(&mut self.ready), "nobody asked for room for {outgoing:?}");
            let (least, most) = (*self.pause.start(), *self.pause.end());
            let share = (self.timer.random() % 1_001) as u32;
            self.full = Some(Box::pin(self.timer.sleep(least + (most - least) / 1_000 * share)));
        }
        self.pipe().start_send(outgoing)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), PipeError>> {
        self.pipe().poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), PipeError>> {
        self.pipe().poll_close(cx)
    }

    fn abort(mut self: Pin<&mut Self>) {
        self.pipe().abort();
    }

    fn received(&self) -> u64 {
        self.pipe.received()
    }

    fn sent(&self) -> u64 {
        self.pipe.sent()
    }

    fn can_ping(&self) -> bool {
        false
    }
}

pub(super) fn text(text: &'static str) -> Outgoing {
    Outgoing::Message(Message::from(text))
}

/// How many words are the beat
pub(super) fn beats(words: &[String]) -> usize {
    words.iter().filter(|word| *word == "ping").count()
}

/// A muted wire: nothing answers a Ping, nor a Close
pub(super) fn pipes(sim: &Sim) -> (Pipe, Pipe) {
    let link = sim.link("client", "server");
    link.delay(30 * Duration::from_millis(1));
    link.mute();
    sim.pipe("client", "server")
}
