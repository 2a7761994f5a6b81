//! The end of a server: its connections are told, waited for, and at last cut.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use everbeat_core::cause::CloseFrame;
use everbeat_core::time::{Timer, Wheel};

use crate::registry::{ConnectionHandle, Order, Registry};

/// How long handlers have to be dropped once they are cut: they only have to be polled, which a
/// thread that is blocked cannot do, and no shutdown waits for one for ever
const CUT_GRACE: Duration = Duration::from_secs(1);

/// How the connections that were live at the shutdown ended: in time, or cut
pub(crate) struct Drained<X> {
    pub(crate) closed: usize,
    pub(crate) cut: Vec<ConnectionHandle<X>>,
}

/// Closes all connections with this farewell, waits for their handlers, and drops those that are
/// left
pub(crate) async fn drain<X, K: Timer>(
    registry: &Registry<X>,
    wheel: &Wheel<K>,
    farewell: &CloseFrame,
    timeout: Duration,
) -> Drained<X> {
    let live = registry.handles();
    tracing::info!(target: "everbeat", connections = live.len(), "shutting down");
    for handle in &live {
        handle.mailbox().order(Order::shut_down(farewell.clone()));
    }
    emptied_within(registry, wheel, timeout).await;
    let late = registry.handles();
    for handle in &late {
        handle.mailbox().attention().cut();
    }
    if !late.is_empty() {
        emptied_within(registry, wheel, CUT_GRACE).await;
    }
    let in_time = |one: &&ConnectionHandle<X>| !late.iter().any(|late| late.id() == one.id());
    Drained { closed: live.iter().filter(in_time).count(), cut: late }
}

async fn emptied_within<X, K: Timer>(registry: &Registry<X>, wheel: &Wheel<K>, limit: Duration) {
    let mut deadline = wheel.sleep_until(wheel.now() + limit);
    poll_fn(|cx| match registry.poll_emptied(cx) {
        Poll::Ready(()) => Poll::Ready(()),
        Poll::Pending => Pin::new(&mut deadline).poll(cx),
    })
    .await;
}
