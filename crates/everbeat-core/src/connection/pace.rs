//! A connection's settings, which all of a server share, and its heartbeat, if they ask for one.

use core::borrow::Borrow;

use alloc::sync::Arc;

use crate::config::{ConnectionConfig, HeartbeatConfig, OwnBeat};
use crate::heartbeat::Heartbeat;
use crate::time::Instant;

/// Settings that beat, or do not: the pointer to them is here once
#[derive(Debug)]
pub(super) enum Pace {
    Beating(Heartbeat<Shared>),
    Still(Arc<ConnectionConfig>),
}

/// Where a heartbeat finds its settings
#[derive(Debug)]
pub(super) struct Shared(Arc<ConnectionConfig>);

impl Borrow<HeartbeatConfig> for Shared {
    #[inline]
    fn borrow(&self) -> &HeartbeatConfig {
        self.0.beat()
    }
}

impl Pace {
    /// `can_ping` is whether a Ping can be sent, if no beat of one's own is
    pub(super) fn new(
        config: Arc<ConnectionConfig>,
        own: Option<&OwnBeat>,
        can_ping: bool,
        seed: u64,
        now: Instant,
    ) -> Self {
        if config.heartbeat().is_none() || (own.is_none() && !can_ping) {
            return Self::Still(config);
        }
        let heartbeat = Heartbeat::new(Shared(config), seed, now);
        Self::Beating(if own.is_some() { heartbeat.with_own_beat() } else { heartbeat })
    }

    #[inline]
    pub(super) fn config(&self) -> &ConnectionConfig {
        match self {
            Self::Beating(heartbeat) => &heartbeat.settings().0,
            Self::Still(config) => config,
        }
    }

    #[inline]
    pub(super) const fn heartbeat(&self) -> Option<&Heartbeat<Shared>> {
        match self {
            Self::Beating(heartbeat) => Some(heartbeat),
            Self::Still(_) => None,
        }
    }

    #[inline]
    pub(super) const fn heartbeat_mut(&mut self) -> Option<&mut Heartbeat<Shared>> {
        match self {
            Self::Beating(heartbeat) => Some(heartbeat),
            Self::Still(_) => None,
        }
    }
}
