//! What a transport with a mailbox ends with: its own error, or an order from a handle or the server.

use std::error::Error;
use std::fmt;

use everbeat_core::Cause;

/// Why a [`Handled`](super::Handled) transport ends: the transport's own error, or an order
#[derive(Clone, Debug, PartialEq)]
pub struct HandledError<E>(pub(super) Kind<E>);

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind<E> {
    Transport(E),
    Ordered(Cause),
}

impl<E> HandledError<E> {
    /// The transport's error; `None` if a handle or the server ended the connection
    #[must_use]
    pub fn into_transport(self) -> Option<E> {
        match self.0 {
            Kind::Transport(error) => Some(error),
            Kind::Ordered(_) => None,
        }
    }
}

impl<E> From<E> for HandledError<E> {
    fn from(error: E) -> Self {
        Self(Kind::Transport(error))
    }
}

impl<E: fmt::Display> fmt::Display for HandledError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Transport(error) => error.fmt(f),
            Kind::Ordered(cause) => cause.fmt(f),
        }
    }
}

impl<E: Error> Error for HandledError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            Kind::Transport(error) => error.source(),
            Kind::Ordered(cause) => cause.source(),
        }
    }
}
