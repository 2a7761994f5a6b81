//! What a server says when it has stopped.

use std::fmt;

use crate::registry::{ConnectionHandle, Registry};

/// What a server did, said when it has stopped
#[derive(Debug)]
#[non_exhaustive]
pub struct Served<X> {
    /// Connections whose upgrade was finished, over the server's life
    pub served: u64,
    /// Connections that were live at the shutdown and whose handlers returned in time
    pub closed: usize,
    /// Connections whose handlers were dropped at the end of `shutdown_timeout`; what others had
    /// left for them and was not written is [`unsent`](ConnectionHandle::unsent)
    pub cut: Vec<ConnectionHandle<X>>,
}

impl<X> Served<X> {
    /// What is known of a server that ended without saying so: its task was aborted, it panicked, or
    /// its runtime is gone
    ///
    /// Nobody was told of a shutdown. Those that are live still count as cut.
    #[must_use]
    pub fn abandoned(registry: &Registry<X>) -> Self {
        Self { served: registry.served(), closed: 0, cut: registry.handles() }
    }
}

/// `served 3 connections; at the shutdown 2 closed in time, 1 was cut`
impl<X> fmt::Display for Served<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.served {
            1 => f.write_str("served 1 connection")?,
            many => write!(f, "served {many} connections")?,
        }
        match (self.closed, self.cut.len()) {
            (0, 0) => Ok(()),
            (closed, 0) => write!(f, "; at the shutdown {closed} closed in time"),
            (closed, 1) => write!(f, "; at the shutdown {closed} closed in time, 1 was cut"),
            (closed, cut) => {
                write!(f, "; at the shutdown {closed} closed in time, {cut} were cut")
            }
        }
    }
}
