//! The client's side of an upgrade: a connector to a host, and an attempt at it.

use std::pin::Pin;
use std::task::{Context, Poll};

use everbeat_core::Cause;
use everbeat_core::transport::{Attempt, Connect};

use super::end::Holder;
use super::error::{ConnectError, PipeError};
use super::host::Reply;
use super::pipe::Pipe;
use super::tcp::Cargo;
use super::wire::Side;
use crate::world::Shared;

/// Connects to a host of the simulation
///
/// An attempt takes one round trip of the link; it is refused if nobody listens there, and the
/// host's [`Answer`](super::Answer) can be worse. An attempt that is dropped before its request has
/// arrived leaves no trace at the server.
#[derive(Clone, Debug)]
pub struct SimConnector {
    world: Shared,
    client: String,
    servers: Vec<String>,
}

impl SimConnector {
    pub(crate) fn new(world: Shared, server: &str) -> Self {
        Self { world, client: "client".to_owned(), servers: vec![server.to_owned()] }
    }

    /// Connects from this host; from `client` by default
    #[must_use]
    pub fn on_host(self, client: &str) -> Self {
        Self { client: client.to_owned(), ..self }
    }

    /// One more host to connect to, less preferred than those before it: a client chooses among them
    #[must_use]
    pub fn and(mut self, server: &str) -> Self {
        self.servers.push(server.to_owned());
        self
    }
}

impl Connect for SimConnector {
    type Transport = Pipe;
    type Error = ConnectError;
    type Future = Connecting;

    /// # Panics
    ///
    /// There is no such endpoint.
    fn connect(&mut self, attempt: Attempt) -> Connecting {
        let server = &self.servers[attempt.endpoint];
        let holders = [Holder::Pipe, Holder::Nobody];
        let wire = self.world.with(|world| {
            let wire = world.lay_wire(&self.client, server, holders);
            world.send_cargo(wire, Side::Server, Cargo::Request);
            wire
        });
        Connecting { world: self.world.clone(), wire: Some(wire) }
    }

    fn endpoints(&self) -> usize {
        self.servers.len()
    }

    fn classify(error: &ConnectError) -> Cause {
        error.cause()
    }
}

/// One attempt to connect
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Connecting {
    world: Shared,
    /// Until it has become a pipe, or has failed
    wire: Option<u64>,
}

impl Future for Connecting {
    type Output = Result<Pipe, ConnectError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(id) = self.wire else {
            return Poll::Pending;
        };
        let broken = |error| Poll::Ready(Err(ConnectError::Broken(error)));
        let result = self.world.with(|world| {
            let Some(wire) = world.net.wire(id) else {
                return broken(PipeError::Ended);
            };
            let (end, way) = wire.at(Side::Client);
            match (end.reply.take(), end.failed.clone()) {
                (Some(Reply::Upgraded), _) => Poll::Ready(Ok(())),
                (Some(Reply::Failed(error)), _) => Poll::Ready(Err(error)),
                (None, Some(error)) => broken(error),
                (None, None) if way.receiver.is_readable() => broken(PipeError::Ended),
                (None, None) => {
                    end.reader = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        });
        result.map(|upgraded| match upgraded {
            Ok(()) => {
                self.wire = None;
                Ok(Pipe::new(self.world.clone(), id, Side::Client))
            }
            Err(error) => Err(error),
        })
    }
}

impl Drop for Connecting {
    fn drop(&mut self) {
        let Some(id) = self.wire else { return };
        self.world.with(|world| match world.net.wire(id) {
            Some(wire) if !wire.asked => world.lift_wire(id),
            Some(_) => world.leave(id, Side::Client),
            None => {}
        });
    }
}
