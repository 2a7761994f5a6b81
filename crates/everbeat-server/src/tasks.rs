//! The tasks of a server: an upgrade, a connection's service, and the turns of its wheel. They are
//! named, so that a spawner may ask them to be `Send`; users meet them as one bound,
//! [`SpawnServer`].

mod extras;
mod guard;
mod place;
mod serving;
mod shared;
mod upgrading;

use std::any::Any;

use everbeat_core::Spawn;
use everbeat_core::time::{Timer, Turn, Wheel};
use everbeat_core::transport::Accept;

use crate::handled::Handled;
use crate::handler::{Accepted, Handler};

pub(crate) use shared::Shared;

pub use crate::handler::WithoutFacts;
pub use serving::Serving;
pub use upgrading::Upgrading;

/// A spawner that can run a server: everything that can [`Spawn`] its three kinds of tasks
pub trait SpawnServer<A, K, H>:
    Spawn<Turn<K>> + Spawn<Upgrading<A, K, H, Self>> + Spawn<Serving<A, K, H>> + Sized
where
    A: Accept,
    K: Timer,
    H: Handler<Handled<A::Transport>, Wheel<K>, Accepted<A::Facts, A::Request>>,
{
}

impl<S, A, K, H> SpawnServer<A, K, H> for S
where
    S: Spawn<Turn<K>> + Spawn<Upgrading<A, K, H, S>> + Spawn<Serving<A, K, H>>,
    A: Accept,
    K: Timer,
    H: Handler<Handled<A::Transport>, Wheel<K>, Accepted<A::Facts, A::Request>>,
{
}

/// Says that code of the user's panicked
fn report_panic(what: &'static str, panic: &(dyn Any + Send)) {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let panic = text.unwrap_or("with something that is no text");
    tracing::error!(target: "everbeat", panic, "{what} panicked");
}
