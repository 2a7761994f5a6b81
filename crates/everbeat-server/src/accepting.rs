//! The accept loop: takes sockets while there is room for their upgrades, which are begun or given a
//! slot later, and waits a little when the acceptor cannot.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use everbeat_core::time::{Slot, Timer, Wheel};
use everbeat_core::transport::Accept;
use pin_project::pin_project;

use crate::handled::Handled;
use crate::handler::{Accepted, Handler};
use crate::storm::Slots;
use crate::tasks::{Shared, SpawnServer, Upgrading};

/// After an error such as being out of descriptors: long enough not to spin, short enough that a
/// descriptor which is freed meanwhile is used soon
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// As long as errors go on: the kernel's backlog fills within seconds at any rate worth a server
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// Sockets taken in one poll before others have their turn
const PER_POLL: usize = 64;

/// Never ready by itself
#[pin_project]
pub(crate) struct Accepting<A: Accept, K, H, S> {
    #[pin]
    acceptor: A,
    shared: Arc<Shared<A::Facts, A::Request, K, H>>,
    spawner: Arc<S>,
    slots: Option<Slots>,
    pause: Option<Slot>,
    /// Until nobody is told any more to come back, while as many as may be are being told
    relief: Option<Slot>,
    /// How long the next pause is
    delay: Duration,
}

impl<A, K, H, S> Accepting<A, K, H, S>
where
    A: Accept,
    K: Timer + Clone,
    H: Handler<Handled<A::Transport>, Wheel<K>, Accepted<A::Facts, A::Request>>,
    S: SpawnServer<A, K, H>,
{
    pub(crate) fn new(
        acceptor: A,
        shared: Arc<Shared<A::Facts, A::Request, K, H>>,
        spawner: Arc<S>,
        slots: Option<Slots>,
    ) -> Self {
        Self { acceptor, shared, spawner, slots, pause: None, relief: None, delay: PAUSE_MIN }
    }

    pub(crate) fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        for _ in 0..PER_POLL {
            if let Some(pause) = this.pause.as_mut() {
                ready!(Pin::new(pause).poll(cx));
                *this.pause = None;
            }
            let wheel = &this.shared.wheel;
            let full_until = this.slots.as_ref().map(Slots::full_until);
            let full_until = full_until.filter(|until| *until > wheel.now());
            if this.shared.upgrades.poll_room(cx, full_until.is_some()).is_pending() {
                // Those who are being told hold up those who tell for no longer than they are too many
                let Some(until) = full_until else { return Poll::Pending };
                let relief = this.relief.insert(wheel.sleep_until(until));
                ready!(Pin::new(relief).poll(cx));
                *this.relief = None;
                continue;
            }
            *this.relief = None;
            match ready!(this.acceptor.as_mut().poll_accept(cx)) {
                Ok(upgrade) => {
                    *this.delay = PAUSE_MIN;
                    let (shared, spawner) = (this.shared.clone(), this.spawner.clone());
                    let slots = this.slots.as_mut();
                    let upgrading = Upgrading::<A, K, H, S>::new(upgrade, shared, spawner, slots);
                    if let Some(upgrading) = upgrading {
                        this.spawner.spawn(upgrading);
                    }
                }
                Err(error) => {
                    let (delay, cause) = (*this.delay, A::classify(&error));
                    tracing::warn!(target: "everbeat", %cause, ?delay, "cannot accept, waiting");
                    *this.pause = Some(wheel.sleep_until(wheel.now() + delay));
                    *this.delay = (delay * 2).min(PAUSE_MAX);
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
