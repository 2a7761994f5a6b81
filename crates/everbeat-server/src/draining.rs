//! The end of a server: its connections are told, all at once or each in its turn, waited for, and at
//! last cut.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use everbeat_core::cause::CloseFrame;
use everbeat_core::time::{Instant, Sleep, Slot, Timer, Wheel};

use crate::builder::{Farewell, SHUTDOWN_TIMEOUT};
use crate::registry::{ConnectionHandle, Order, Registry};
use crate::storm::Plan;

/// How long handlers have to be dropped once they are cut: they only have to be polled, which a
/// thread that is blocked cannot do, and no shutdown waits for one for ever
const CUT_GRACE: Duration = Duration::from_secs(1);

/// How the connections that were live at the shutdown ended: in time, or cut
pub(crate) struct Drained<X> {
    pub(crate) closed: usize,
    pub(crate) cut: Vec<ConnectionHandle<X>>,
}

/// Closes all connections with this farewell, waits for their handlers, and drops those that are
/// left at the limit; the last to be told has as long for its Close as any other
pub(crate) async fn drain<X, K: Timer>(
    registry: &Registry<X>,
    wheel: &Wheel<K>,
    farewell: &Farewell,
    close_timeout: Duration,
    limit: Duration,
) -> Drained<X> {
    let live = registry.handles();
    tracing::info!(target: "everbeat", connections = live.len(), "shutting down");
    let (words, limit) = match farewell {
        Farewell::Together(frame) => (Words::Together(frame), limit),
        Farewell::InTurn(restart) => {
            let plan = restart.plan(live.len(), limit.saturating_sub(close_timeout));
            // Those who were told have what they have at any shutdown: a handler that does not look
            // makes no deploy last as long as it may
            let enough = plan.told_by() + close_timeout.max(SHUTDOWN_TIMEOUT);
            (Words::InTurn(plan), limit.min(enough))
        }
    };
    let mut leaving = Leaving { live: &live, told: 0, words, since: wheel.now() };
    let mut wait = Wait::until(wheel.now() + limit, wheel);
    poll_fn(|cx| {
        loop {
            let next = leaving.tell(wheel.now());
            ready!(wait.poll(cx, registry, next));
            let now = wheel.now();
            // A sleep that is over early has nobody any more who turns the wheel
            if registry.is_empty() || now >= wait.deadline || now < next {
                return Poll::Ready(());
            }
        }
    })
    .await;
    let late = registry.handles();
    for handle in &late {
        handle.record().cut();
    }
    if !late.is_empty() {
        let mut wait = Wait::until(wheel.now() + CUT_GRACE, wheel);
        poll_fn(|cx| wait.poll(cx, registry, Instant::NEVER)).await;
    }
    let in_time = |one: &&ConnectionHandle<X>| !one.record().is_cut();
    Drained { closed: live.iter().filter(in_time).count(), cut: late }
}

/// Those who are to leave, in their order
struct Leaving<'a, X> {
    live: &'a [ConnectionHandle<X>],
    /// How many of them were told
    told: usize,
    words: Words<'a>,
    since: Instant,
}

enum Words<'a> {
    Together(&'a CloseFrame),
    InTurn(Plan),
}

impl<X> Leaving<'_, X> {
    /// Tells everybody whose turn it is; when it is the next one's
    ///
    /// Who has left by himself leaves his turn unused: nobody goes earlier for it.
    fn tell(&mut self, now: Instant) -> Instant {
        while let Some(handle) = self.live.get(self.told) {
            let frame = match &self.words {
                Words::Together(frame) => (*frame).clone(),
                Words::InTurn(plan) => {
                    let leave = plan.leave(self.told);
                    let turn = self.since + leave.at;
                    if turn > now {
                        return turn;
                    }
                    leave.window.into()
                }
            };
            handle.record().order(Order::shut_down(frame));
            self.told += 1;
        }
        Instant::NEVER
    }
}

/// Waits for the registry to empty, with one sleep
struct Wait {
    sleep: Slot,
    /// When the sleep ends
    armed: Instant,
    deadline: Instant,
}

impl Wait {
    fn until<K: Timer>(deadline: Instant, wheel: &Wheel<K>) -> Self {
        Self { sleep: wheel.sleep_until(deadline), armed: deadline, deadline }
    }

    /// Ready when nobody is left, at the deadline, and at this moment if it is earlier
    fn poll<X>(
        &mut self,
        cx: &mut Context<'_>,
        registry: &Registry<X>,
        early: Instant,
    ) -> Poll<()> {
        let end = early.min(self.deadline);
        if self.armed != end {
            Pin::new(&mut self.sleep).reset(end);
            self.armed = end;
        }
        if registry.poll_emptied(cx).is_ready() {
            return Poll::Ready(());
        }
        Pin::new(&mut self.sleep).poll(cx)
    }
}
