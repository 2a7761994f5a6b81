//! What all tasks of a server share.

use std::sync::Arc;
use std::time::Duration;

use everbeat_core::config::{ConnectionConfig, OwnBeat};
use everbeat_core::time::{Instant, Wheel};

use crate::admission::Admission;
use crate::expire::{Expire, Expiry};
use crate::registry::Registry;
use crate::server::{AddressOf, OnExpire};
use crate::upgrades::Upgrades;

pub(crate) struct Shared<X, R, K, H> {
    pub(crate) handler: H,
    pub(crate) wheel: Wheel<K>,
    pub(crate) registry: Registry<X>,
    pub(crate) upgrades: Arc<Upgrades>,
    pub(crate) admission: Arc<Admission>,
    pub(crate) address: Option<AddressOf<X, R>>,
    pub(crate) on_expire: Option<OnExpire<X>>,
    pub(crate) connection: Arc<ConnectionConfig>,
    pub(crate) beat: Option<OwnBeat>,
    pub(crate) expire: Expire,
    pub(crate) handshake_timeout: Duration,
    pub(crate) seed: u64,
}

impl<X, R, K, H> Shared<X, R, K, H> {
    /// The rules for one connection
    pub(crate) fn expiry_of(&self, id: u64, opened: Instant) -> Expiry {
        // Another draw than the beat's
        Expiry::new(self.expire, self.seed_of(!id), opened)
    }

    /// The seed of one connection's beat, so that connections do not beat in step
    ///
    /// The finalizer of splitmix64: neighbouring numbers become unrelated ones.
    pub(crate) const fn seed_of(&self, id: u64) -> u64 {
        let mut z = self.seed.wrapping_add(id.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
