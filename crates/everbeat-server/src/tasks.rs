//! The tasks of a server: an upgrade, a connection's service, and the turns of its wheel. They are
//! named, so that a spawner may ask them to be `Send`; users meet them as one bound,
//! [`SpawnServer`].

mod serving;
mod shared;
mod upgrading;

use everbeat_core::Spawn;
use everbeat_core::time::{Timer, Turn, Wheel};
use everbeat_core::transport::Accept;

use crate::handled::Handled;
use crate::handler::{Accepted, Handler};

pub(crate) use shared::Shared;

pub use serving::Serving;
pub use upgrading::Upgrading;

/// A spawner that can run a server: everything that can [`Spawn`] its three kinds of tasks
pub trait SpawnServer<A, K, H>:
    Spawn<Turn<K>> + Spawn<Upgrading<A, K, H, Self>> + Spawn<Serving<A, K, H>> + Sized
where
    A: Accept,
    K: Timer,
    H: Handler<Handled<A::Transport>, Wheel<K>, Accepted<A::Facts>>,
{
}

impl<S, A, K, H> SpawnServer<A, K, H> for S
where
    S: Spawn<Turn<K>> + Spawn<Upgrading<A, K, H, S>> + Spawn<Serving<A, K, H>>,
    A: Accept,
    K: Timer,
    H: Handler<Handled<A::Transport>, Wheel<K>, Accepted<A::Facts>>,
{
}
