//! One upgrade: bounded in time, given up when the server stops, and then a connection.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use everbeat_core::time::{Slot, Timer, Wheel};
use everbeat_core::transport::Accept;
use everbeat_core::{Connection, Spawn};
use pin_project::pin_project;

use super::{Serving, Shared};
use crate::handled::Handled;
use crate::handler::{Accepted, Handler};
use crate::registry::Order;
use crate::upgrades::Permit;

/// One upgrade, on the server's wheel; then spawns the connection's [`Serving`]
///
/// A task of its own, so that a slow peer blocks nobody, and another one than the connection's, so
/// that what the upgrade needed is freed.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct Upgrading<A, K, H, S>
where
    A: Accept,
    K: Timer,
    H: Handler<Handled<A::Transport>, Wheel<K>, Accepted<A::Facts>>,
{
    #[pin]
    upgrade: A::Upgrade,
    deadline: Slot,
    permit: Permit,
    shared: Arc<Shared<A::Facts, K, H>>,
    spawner: Arc<S>,
}

impl<A, K, H, S> Upgrading<A, K, H, S>
where
    A: Accept,
    K: Timer,
    H: Handler<Handled<A::Transport>, Wheel<K>, Accepted<A::Facts>>,
{
    pub(crate) fn new(
        upgrade: A::Upgrade,
        shared: Arc<Shared<A::Facts, K, H>>,
        spawner: Arc<S>,
    ) -> Self {
        let deadline = shared.wheel.now() + shared.handshake_timeout;
        Self {
            upgrade,
            deadline: shared.wheel.sleep_until(deadline),
            permit: shared.upgrades.begin(),
            shared,
            spawner,
        }
    }
}

impl<A, K, H, S> Future for Upgrading<A, K, H, S>
where
    A: Accept,
    K: Timer + Clone,
    H: Handler<Handled<A::Transport>, Wheel<K>, Accepted<A::Facts>>,
    S: Spawn<Serving<A, K, H>>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if this.permit.poll_closed(cx) {
            return Poll::Ready(());
        }
        match this.upgrade.poll(cx) {
            Poll::Ready(Ok((transport, facts))) => {
                let serving = begin(this.shared, transport, Arc::new(facts));
                this.spawner.spawn(serving);
                Poll::Ready(())
            }
            Poll::Ready(Err(error)) => {
                let cause = A::classify(&error);
                tracing::debug!(target: "everbeat", %cause, "upgrade failed");
                Poll::Ready(())
            }
            Poll::Pending if Pin::new(this.deadline).poll(cx).is_ready() => {
                let limit = this.shared.handshake_timeout;
                tracing::debug!(target: "everbeat", ?limit, "upgrade took too long");
                Poll::Ready(())
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

/// A connection of the upgraded transport, in the registry
fn begin<A, K, H>(
    shared: &Arc<Shared<A::Facts, K, H>>,
    transport: A::Transport,
    facts: Arc<A::Facts>,
) -> Serving<A, K, H>
where
    A: Accept,
    K: Timer + Clone,
    H: Handler<Handled<A::Transport>, Wheel<K>, Accepted<A::Facts>>,
{
    let member = shared.registry.join(facts.clone());
    let handle = member.handle().clone();
    // Either the shutdown counts this connection among the live ones, or it is seen here.
    if shared.upgrades.is_closed() {
        handle.mailbox().order(Order::ShutDown);
    }
    let transport = Handled::new(transport, handle.mailbox().clone());
    let (timer, config) = (shared.wheel.clone(), shared.connection);
    let seed = shared.seed_of(handle.id());
    let connection = match shared.beat.clone() {
        Some(beat) => Connection::with_beat(transport, timer, config, beat, seed),
        None => Connection::new(transport, timer, config, seed),
    };
    Serving::new(connection, Accepted::new(facts, handle), member, shared)
}

impl<A, K, H, S> fmt::Debug for Upgrading<A, K, H, S>
where
    A: Accept,
    K: Timer,
    H: Handler<Handled<A::Transport>, Wheel<K>, Accepted<A::Facts>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrading").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
