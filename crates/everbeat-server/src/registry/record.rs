//! What is shared of one connection, by its handles, its transport and its task: one allocation, of
//! which an idle connection holds nothing else. What only some have is made when it is first used,
//! in its [`Corner`].

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU32};

use everbeat_core::time::Instant;
use everbeat_core::transport::Hatch;
use futures_util::task::AtomicWaker;

use super::aside::Corner;
use super::attention::Flags;
use super::lent::Lent;
use super::marks::Marks;
use super::vitals::Vitals;
use super::{Registry, Rules};

/// One connection's record
///
/// What its parts are for is said where their methods are: `attention`, `mailbox`, `vitals`. The small
/// ones lie here, and not in groups of their own, so that they fill one word.
///
/// What somebody touches who says something to many comes first, behind the counts that his handle is
/// in, so that it is on one line of the processor's cache or two.
#[repr(C)]
pub(crate) struct Record<P: ?Sized> {
    /// Its socket, while its task does not need it
    pub(super) lent: Lent,
    pub(super) corner: Corner,
    pub(super) vitals: Vitals,
    pub(super) id: u64,
    /// The handler's task, whoever else may poll the connection
    pub(super) waker: AtomicWaker,
    /// Smoothed, in microseconds; 0 before the first
    pub(super) round_trip: AtomicU32,
    /// How often a write was tried and found blocked
    pub(super) tries: AtomicU16,
    pub(super) flags: Flags,
    /// What its transport remembers from poll to poll
    pub(crate) marks: Marks,
    pub(super) whose: P,
}

/// A record, to those who need not know what is known of its peer
pub(crate) type AnyRecord = Record<dyn Ruled + Send + Sync>;

/// Whose a record is: somebody of a server, whose rules bound him
pub(crate) trait Ruled {
    fn rules(&self) -> &Rules;
}

/// Somebody who is in the registry
pub(crate) struct Peer<X> {
    pub(super) registry: Registry<X>,
    /// What the acceptor knows of him
    pub(super) facts: X,
}

/// Somebody who never joins
pub(crate) struct Stranger<X>(pub(super) Registry<X>);

impl<X> Ruled for Peer<X> {
    fn rules(&self) -> &Rules {
        &self.registry.inner.rules
    }
}

impl<X> Ruled for Stranger<X> {
    fn rules(&self) -> &Rules {
        &self.0.inner.rules
    }
}

impl<P> Record<P> {
    pub(crate) fn new(id: u64, opened: Instant, hatch: Option<Hatch>, whose: P) -> Self {
        Self {
            lent: Lent::new(hatch),
            corner: Corner::default(),
            vitals: Vitals::new(opened),
            id,
            waker: AtomicWaker::new(),
            round_trip: AtomicU32::new(0),
            tries: AtomicU16::new(0),
            flags: Flags::default(),
            marks: Marks::default(),
            whose,
        }
    }

    /// The record, to whom it does not matter whose it is
    pub(crate) fn any(self: Arc<Self>) -> Arc<AnyRecord>
    where
        P: Ruled + Send + Sync + 'static,
    {
        self
    }
}

impl<P: ?Sized> fmt::Debug for Record<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(all(target_pointer_width = "64", any(target_os = "linux", target_os = "windows")))]
mod tests {
    use super::*;

    /// 24 of them are what is lent, 24 the corner, 32 the vitals, 24 the waker, 16 the allocation's
    /// counts; the facts come on top
    #[test]
    fn an_idle_connections_share_of_the_server_is_144_bytes() {
        let counts = 2 * size_of::<usize>();
        assert_eq!(counts + size_of::<Record<Peer<()>>>(), 144);
        assert_eq!(size_of::<Record<Peer<[u64; 3]>>>() - size_of::<Record<Peer<()>>>(), 24);
    }
}
