//! A client's settings: those that many clients have in common, which are shared, and those that few
//! clients have at all.

use core::borrow::Borrow;
use core::time::Duration;

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::{Queue, VerdictFn};
#[cfg(feature = "std")]
use crate::config::Recent;
use crate::config::{ConnectionConfig, OwnBeat};
use crate::hint::Feed;
use crate::reconnect::{Backoff, Endpoints};

/// Settings that have been checked
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Settings {
    pub(super) connection: Arc<ConnectionConfig>,
    pub(super) backoff: Backoff,
    pub(super) connect_timeout: Duration,
    pub(super) queue: Queue,
    pub(super) retry_first: bool,
}

/// Where a client and its reconnect policy find their settings: equal ones are there once
pub(super) struct Shared(Arc<Settings>);

impl Shared {
    /// Shared with every other client of these settings that this thread has built lately
    #[cfg(feature = "std")]
    pub(super) fn new(settings: Settings) -> Self {
        std::thread_local!(static SHARED: Recent<Settings> = const { Recent::new() });
        let shared = SHARED.try_with(|shared| shared.share(&settings));
        Self(shared.unwrap_or_else(|_| Arc::new(settings)))
    }

    /// One's own: there are no threads to remember any
    #[cfg(not(feature = "std"))]
    pub(super) fn new(settings: Settings) -> Self {
        Self(Arc::new(settings))
    }

    #[inline]
    pub(super) fn get(&self) -> &Settings {
        &self.0
    }
}

impl Borrow<Backoff> for Shared {
    fn borrow(&self) -> &Backoff {
        &self.0.backoff
    }
}

/// What few clients have: it is of the client's own, and no two of it are known to be equal
#[derive(Default)]
pub(super) struct Custom {
    /// What is sent in place of Pings
    pub(super) beat: Option<OwnBeat>,
    pub(super) verdict: Option<VerdictFn>,
    /// What is heard from outside
    pub(super) hints: Option<Feed>,
    /// The health of several endpoints
    pub(super) endpoints: Option<Endpoints>,
    /// What tells its log lines from others, if anybody logs; entered at every wake-up
    pub(super) span: Option<Arc<tracing::Span>>,
}

impl Custom {
    /// `None` if there is nothing of it
    pub(super) fn boxed(self) -> Option<Box<Self>> {
        let Self { beat, verdict, hints, endpoints, span } = &self;
        let none = beat.is_none() && verdict.is_none() && hints.is_none();
        let none = none && endpoints.is_none() && span.is_none();
        (!none).then(|| Box::new(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(connect_timeout: Duration) -> Shared {
        Shared::new(Settings {
            connection: ConnectionConfig::client().into(),
            backoff: Backoff::default(),
            connect_timeout,
            queue: Queue::default(),
            retry_first: false,
        })
    }

    #[test]
    #[cfg(feature = "std")]
    fn clients_of_equal_settings_have_them_once_and_others_their_own() {
        let second = Duration::from_secs(1);
        let (one, other) = (of(second), of(second));
        assert!(Arc::ptr_eq(&one.0, &other.0));
        assert_eq!(of(2 * second).get().connect_timeout, 2 * second);
    }

    #[test]
    fn a_client_that_has_nothing_of_its_own_has_no_box_for_it() {
        assert!(Custom::default().boxed().is_none());
        let verdict: VerdictFn = Box::new(|cause| cause.default_verdict());
        assert!(Custom { verdict: Some(verdict), ..Custom::default() }.boxed().is_some());
    }
}
