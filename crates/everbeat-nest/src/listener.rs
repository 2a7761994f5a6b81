//! A listening socket, and the nest of those whom it takes.

use std::io;
use std::net::TcpStream;

use crate::{Nest, Tcp};

/// A runtime's listening socket `L`, with a nest for those whom it takes, where there can be one
#[derive(Debug)]
pub struct Listener<L> {
    /// The runtime's
    pub socket: L,
    nest: Option<Nest>,
}

impl<L> Listener<L> {
    /// Without a nest, connections are the runtime's own: larger, and otherwise the same
    pub fn new(socket: L, nest: io::Result<Nest>) -> Self {
        let nest = nest.inspect_err(|why| tracing::debug!(target: "everbeat", %why, "no nest"));
        Self { socket, nest: nest.ok() }
    }

    /// Whether connections live in a nest, unless it has no place for one
    pub const fn has_nest(&self) -> bool {
        self.nest.is_some()
    }

    /// Where a connection lives that was taken: in the nest, or on the reactor of the runtime, to which
    /// it is given by `alone`
    ///
    /// # Errors
    ///
    /// The reactor cannot have it, and the nest could not.
    pub fn settle<S>(
        &self,
        stream: TcpStream,
        alone: impl FnOnce(TcpStream) -> io::Result<S>,
    ) -> io::Result<Tcp<S>> {
        match &self.nest {
            Some(nest) => nest.settle(stream, alone),
            None => alone(stream).map(Tcp::new),
        }
    }
}
