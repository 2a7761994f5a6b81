//! The server's side of an upgrade: a host's listener, and an upgrade that it yields.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use everbeat_core::Cause;
use everbeat_core::transport::{Accept, Busy};

use super::end::Holder;
use super::error::{ConnectError, PipeError};
use super::host::Reply;
use super::pipe::Pipe;
use super::wire::Side;
use crate::world::Shared;

/// Listens as one host of the simulation
///
/// Clients whose request has arrived wait in a backlog of 1,024; further ones are refused. Dropped,
/// the host listens no more, and those in the backlog see their stream end.
#[derive(Debug)]
pub struct SimListener {
    world: Shared,
    name: String,
    number: u64,
}

impl SimListener {
    pub(crate) fn new(world: Shared, name: &str) -> Self {
        let number = world.with(|world| world.listen(name));
        Self { world, name: name.to_owned(), number }
    }

    /// The next connection, upgraded, and the name of the client's host
    ///
    /// Upgrades whose clients have gone are passed over.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if the future is dropped.
    pub async fn accept(&mut self) -> (Pipe, String) {
        loop {
            let upgrade = std::future::poll_fn(|cx| Pin::new(&mut *self).poll_accept(cx)).await;
            if let Ok(upgrade) = upgrade {
                if let Ok((pipe, peer, ())) = upgrade.await {
                    return (pipe, peer);
                }
            }
        }
    }
}

impl Accept for SimListener {
    type Transport = Pipe;
    /// The name of the client's host
    type Facts = String;
    type Request = ();
    type Error = PipeError;
    type Upgrade = Upgrading;

    fn poll_accept(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Upgrading, PipeError>> {
        self.world.with(|world| match world.accept(&self.name, self.number, cx.waker()) {
            Some(wire) => {
                let world = self.world.clone();
                Poll::Ready(Ok(Upgrading { world, wire: Some(wire), busy: None }))
            }
            None => Poll::Pending,
        })
    }

    /// The client is answered 503, or 429 if its host has too many, and told after how long to
    /// try again
    fn refuse(mut upgrade: Upgrading, busy: Busy) -> Option<Upgrading> {
        upgrade.busy = Some(busy);
        Some(upgrade)
    }

    fn classify(error: &PipeError) -> Cause {
        error.cause()
    }
}

impl Drop for SimListener {
    fn drop(&mut self) {
        self.world.with(|world| world.stop_listening(&self.name, self.number));
    }
}

/// One upgrade: ready when first polled, unless the client has gone
///
/// Dropped unpolled, it ends the client's stream.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Upgrading {
    world: Shared,
    /// Until it has become a pipe
    wire: Option<u64>,
    /// Why it is to be refused
    busy: Option<Busy>,
}

impl Future for Upgrading {
    type Output = Result<(Pipe, String, ()), PipeError>;

    fn poll(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(id) = self.wire else {
            return Poll::Pending;
        };
        let busy = self.busy;
        let peer = self.world.with(|world| {
            let wire = world.net.wire(id).ok_or(PipeError::Ended)?;
            let peer = wire.host(Side::Client).to_owned();
            let (end, way) = wire.at(Side::Server);
            if let Some(error) = end.failed.clone() {
                return Err(error);
            }
            if way.receiver.is_readable() {
                // A client has nothing to say before its upgrade but that it has gone.
                return Err(PipeError::Ended);
            }
            if let Some(busy) = busy {
                let status = if busy == Busy::PerAddress { 429 } else { 503 };
                let retry_after = Some(Duration::from_secs(busy.retry_after().into()));
                world.turn_away(id, ConnectError::Rejected { status, retry_after });
                return Err(PipeError::Closed);
            }
            end.holder = Holder::Pipe;
            world.reply(id, Reply::Upgraded);
            Ok(peer)
        });
        Poll::Ready(peer.map(|peer| {
            self.wire = None;
            (Pipe::new(self.world.clone(), id, Side::Server), peer, ())
        }))
    }
}

impl Drop for Upgrading {
    fn drop(&mut self) {
        if let Some(id) = self.wire {
            self.world.with(|world| world.leave(id, Side::Server));
        }
    }
}
