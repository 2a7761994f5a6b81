//! A proxy in between that forgets a connection on which nothing has moved for a while, as seen from
//! our end: a transport that cuts its own road.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use everbeat_core::time::Instant;
use everbeat_core::transport::{Incoming, Outgoing, PathEvidence, Transport};
use everbeat_sim::net::PipeError;
use everbeat_sim::{Pipe, Sim, SimHandle};

/// A pipe through a proxy
pub(crate) struct Proxy {
    pipe: Pipe,
    sim: SimHandle,
    /// When bytes last moved
    moved: Rc<Cell<Instant>>,
    bytes: Cell<u64>,
}

impl Proxy {
    /// A proxy before `pipe` that forgets it when nothing has moved for `idle`
    pub(crate) fn before(sim: &Sim, pipe: Pipe, idle: Duration) -> Self {
        let (sim, moved) = (sim.handle(), Rc::new(Cell::new(sim.now())));
        let (road, seen, handle) = (pipe.link(), moved.clone(), sim.clone());
        sim.spawn(async move {
            while handle.now() < seen.get() + idle {
                let left = (seen.get() + idle).saturating_duration_since(handle.now());
                handle.sleep(left).await;
            }
            road.cut();
        });
        Self { pipe, sim, moved, bytes: Cell::new(0) }
    }

    fn look(&self) {
        let bytes = self.pipe.received() + self.pipe.sent();
        if self.bytes.replace(bytes) != bytes {
            self.moved.set(self.sim.now());
        }
    }

    fn through<R>(&mut self, work: impl FnOnce(Pin<&mut Pipe>) -> R) -> R {
        let result = work(Pin::new(&mut self.pipe));
        self.look();
        result
    }
}

impl Transport for Proxy {
    type Error = PipeError;

    fn poll_recv(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Incoming, PipeError>>> {
        self.through(|pipe| pipe.poll_recv(cx))
    }

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), PipeError>> {
        self.through(|pipe| pipe.poll_ready(cx))
    }

    fn start_send(mut self: Pin<&mut Self>, outgoing: Outgoing) -> Result<(), PipeError> {
        self.through(|pipe| pipe.start_send(outgoing))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), PipeError>> {
        self.through(|pipe| pipe.poll_flush(cx))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), PipeError>> {
        self.through(|pipe| pipe.poll_close(cx))
    }

    fn abort(mut self: Pin<&mut Self>) {
        self.through(|pipe| pipe.abort());
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
}
