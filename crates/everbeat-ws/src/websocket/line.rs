//! The socket, or what is remembered of it.

use crate::tls::Layered;

/// What a WebSocket runs on
#[derive(Debug)]
pub(super) enum Line<S> {
    Open(Layered<S>),
    /// It is closed; its totals stay
    Gone {
        received: u64,
        sent: u64,
    },
}

impl<S> Line<S> {
    pub(super) const fn open(&self) -> Option<&Layered<S>> {
        match self {
            Self::Open(socket) => Some(socket),
            Self::Gone { .. } => None,
        }
    }

    pub(super) fn received(&self) -> u64 {
        match self {
            Self::Open(socket) => socket.received(),
            Self::Gone { received, .. } => *received,
        }
    }

    pub(super) fn sent(&self) -> u64 {
        match self {
            Self::Open(socket) => socket.sent(),
            Self::Gone { sent, .. } => *sent,
        }
    }

    /// Drops the socket
    pub(super) fn cut(&mut self) {
        *self = Self::Gone { received: self.received(), sent: self.sent() };
    }
}
