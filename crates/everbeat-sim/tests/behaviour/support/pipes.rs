//! Bare pipes, polled by hand.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use everbeat_core::Message;
use everbeat_core::time::Instant;
use everbeat_core::transport::{Incoming, Outgoing, Transport};
use everbeat_sim::net::PipeError;
use everbeat_sim::{Link, Pipe, Sim};

use super::MS;

/// What was heard this very instant is so old
pub(crate) const NOW: Duration = Duration::ZERO;

/// A pair of pipes over a road of this delay
pub(crate) fn setup(delay: Duration) -> (Sim, Link, Pipe, Pipe) {
    let sim = Sim::seed(0);
    let link = sim.link("client", "server");
    link.delay(delay);
    let (client, server) = sim.pipe("client", "server");
    (sim, link, client, server)
}

pub(crate) fn at(ms: u32) -> Instant {
    Instant::ORIGIN + MS * ms
}

pub(crate) fn text(text: &'static str) -> Message {
    text.into()
}

pub(crate) fn big(bytes: usize) -> Message {
    vec![7; bytes].into()
}

/// Gives the pipe something to send, and writes as much of it as goes
pub(crate) fn give(pipe: &mut Pipe, outgoing: Outgoing) -> Poll<Result<(), PipeError>> {
    Pin::new(&mut *pipe).start_send(outgoing).unwrap();
    flush(pipe)
}

pub(crate) fn flush(pipe: &mut Pipe) -> Poll<Result<(), PipeError>> {
    Pin::new(pipe).poll_flush(&mut Context::from_waker(Waker::noop()))
}

pub(crate) fn ready(pipe: &mut Pipe) -> Poll<Result<(), PipeError>> {
    Pin::new(pipe).poll_ready(&mut Context::from_waker(Waker::noop()))
}

pub(crate) fn recv(pipe: &mut Pipe) -> Poll<Option<Result<Incoming, PipeError>>> {
    Pin::new(pipe).poll_recv(&mut Context::from_waker(Waker::noop()))
}

/// All that can be read now
pub(crate) fn read(pipe: &mut Pipe) -> Vec<Incoming> {
    let mut all = Vec::new();
    while let Poll::Ready(Some(Ok(incoming))) = recv(pipe) {
        all.push(incoming);
    }
    all
}

pub(crate) fn said(message: Message) -> Incoming {
    Incoming::Message(message)
}

/// Gives the pipe a message that its kernel takes whole
pub(crate) fn say(pipe: &mut Pipe, message: impl Into<Message>) {
    assert!(give(pipe, Outgoing::Message(message.into())).is_ready());
}

/// What the pipe's kernel knows of the road: bytes acknowledged and held, and how old that is
pub(crate) fn path(pipe: &Pipe) -> (u64, u64, Duration) {
    let path = pipe.path().unwrap();
    (path.acknowledged, path.unsent, path.last_acknowledged)
}

/// How many lines of the trace end so, as far as it goes back
pub(crate) fn count(sim: &Sim, end: &str) -> usize {
    sim.trace().to_string().lines().filter(|line| line.ends_with(end)).count()
}
