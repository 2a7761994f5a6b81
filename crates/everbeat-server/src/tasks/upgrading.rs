//! One upgrade: bounded in time, given up when the server stops, and then a connection.

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use everbeat_core::cause::{CloseCode, CloseFrame};
use everbeat_core::time::{Slot, Timer, Wheel};
use everbeat_core::transport::{Accept, Busy, Transport};
use everbeat_core::{Connection, Spawn};
use futures_util::Stream;
use pin_project::pin_project;

use super::place::Place;
use super::{Serving, Shared, report_panic};
use crate::admission::Ticket;
use crate::handled::Handled;
use crate::handler::{Accepted, Handler};
use crate::registry::Order;
use crate::storm::{Slots, Turn};
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
    H: Handler<Handled<A::Transport>, Wheel<K>, Accepted<A::Facts, A::Request>>,
{
    #[pin]
    stage: Stage<A::Upgrade, A::Transport, K>,
    deadline: Slot,
    permit: Permit,
    /// `None` once it has gone to the connection, and if there is to be none
    ticket: Option<Ticket>,
    shared: Arc<Shared<A::Facts, A::Request, K, H>>,
    spawner: Arc<S>,
}

#[pin_project(project = StageProjection)]
enum Stage<U, T: Transport, K: Timer> {
    Upgrading(#[pin] U),
    /// Upgraded, and found to be one too many: it only says so
    Refusing(Pin<Box<Connection<Handled<T>, Wheel<K>>>>),
}

impl<A, K, H, S> Upgrading<A, K, H, S>
where
    A: Accept,
    K: Timer,
    H: Handler<Handled<A::Transport>, Wheel<K>, Accepted<A::Facts, A::Request>>,
{
    /// `None` if the server is too busy for another connection and the acceptor has no words for it,
    /// or has said them
    pub(crate) fn new(
        upgrade: A::Upgrade,
        shared: Arc<Shared<A::Facts, A::Request, K, H>>,
        spawner: Arc<S>,
        slots: Option<&mut Slots>,
    ) -> Option<Self> {
        // An address that is found later is counted then
        let address = A::address(&upgrade).filter(|_| shared.address.is_none());
        // Who is refused takes nobody's turn
        let admitted = shared.admission.admit(address).and_then(|ticket| match slots {
            Some(slots) => match slots.handle_arrival(shared.wheel.now()) {
                Turn::Now => Ok(ticket),
                Turn::After { seconds } => Err(Busy::Upgrades { seconds }),
            },
            None => Ok(ticket),
        });
        let (upgrade, ticket, permit) = match admitted {
            Ok(ticket) => (upgrade, Some(ticket), shared.upgrades.begin()),
            Err(busy) => {
                tracing::debug!(target: "everbeat", %busy, ?address, "refused");
                let upgrade = A::refuse_now(upgrade, busy)?;
                let permit = shared.upgrades.begin_refusal()?;
                (A::refuse(upgrade, busy)?, None, permit)
            }
        };
        let deadline = shared.wheel.now() + shared.handshake_timeout;
        Some(Self {
            stage: Stage::Upgrading(upgrade),
            deadline: shared.wheel.sleep_until(deadline),
            permit,
            ticket,
            shared,
            spawner,
        })
    }
}

impl<A, K, H, S> Upgrading<A, K, H, S>
where
    A: Accept<Facts: Send + Sync + 'static>,
    K: Timer + Clone,
    H: Handler<Handled<A::Transport>, Wheel<K>, Accepted<A::Facts, A::Request>>,
    S: Spawn<Serving<A, K, H>>,
{
    /// Upgraded: a connection of the transport, in the registry, or one too many
    fn begin(
        self: Pin<&mut Self>,
        transport: A::Transport,
        facts: A::Facts,
        request: A::Request,
    ) -> Result<(), (A::Transport, Busy)> {
        let this = self.project();
        // One that was refused has no words for success
        let Some(mut ticket) = this.ticket.take() else {
            return Ok(());
        };
        let counted = match &this.shared.address {
            Some(of) => address(&**of, &facts, &request).and_then(|of| ticket.reassign(of)),
            None => ticket.assign(A::address_of(&facts)),
        };
        if let Err(busy) = counted {
            return Err((transport, busy));
        }
        let shared = &*this.shared;
        let now = shared.wheel.now();
        // The shutdown finds it among the live ones, or its upgrade is given up
        let join = || shared.registry.join(facts, now, transport.hatch());
        let Some(handle) = shared.upgrades.unless_closed(join) else {
            return Ok(());
        };
        let (place, counted) = Place::new(this.shared.clone(), handle.clone(), ticket);
        let transport = Handled::new(transport, handle.record().clone().any());
        let (timer, config) = (shared.wheel.clone(), shared.connection.clone());
        let seed = shared.seed_of(handle.id());
        let connection = match shared.beat.clone() {
            Some(beat) => Connection::with_beat(transport, timer, config, beat, seed),
            None => Connection::new(transport, timer, config, seed),
        };
        let accepted = Accepted::new(request, handle);
        if let Some(serving) = Serving::begin(connection, accepted, place, counted) {
            this.spawner.spawn(serving);
        }
        Ok(())
    }

    /// A connection that only says that it is one too many
    fn refuse(self: Pin<&mut Self>, transport: A::Transport, busy: Busy) {
        let mut this = self.project();
        tracing::debug!(target: "everbeat", %busy, "refused");
        let stranger = this.shared.registry.stranger(this.shared.wheel.now());
        stranger.order(Order::close(CloseFrame::new(CloseCode::TRY_AGAIN, busy.to_string())));
        let connection = Connection::new(
            Handled::new(transport, stranger.any()),
            this.shared.wheel.clone(),
            this.shared.connection.clone(),
            0,
        );
        this.stage.set(Stage::Refusing(Box::pin(connection)));
    }
}

impl<A, K, H, S> Future for Upgrading<A, K, H, S>
where
    A: Accept<Facts: Send + Sync + 'static>,
    K: Timer + Clone,
    H: Handler<Handled<A::Transport>, Wheel<K>, Accepted<A::Facts, A::Request>>,
    S: Spawn<Serving<A, K, H>>,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let mut this = self.as_mut().project();
            if this.permit.poll_closed(cx) {
                return Poll::Ready(());
            }
            let upgraded = match this.stage.as_mut().project() {
                StageProjection::Upgrading(upgrade) => upgrade.poll(cx),
                StageProjection::Refusing(connection) => {
                    while ready!(connection.as_mut().poll_next(cx)).is_some() {}
                    return Poll::Ready(());
                }
            };
            match upgraded {
                Poll::Ready(Ok((transport, facts, request))) => {
                    match self.as_mut().begin(transport, facts, request) {
                        Ok(()) => return Poll::Ready(()),
                        Err((transport, busy)) => self.as_mut().refuse(transport, busy),
                    }
                }
                Poll::Ready(Err(error)) => {
                    let cause = A::classify(&error);
                    tracing::debug!(target: "everbeat", %cause, "upgrade failed");
                    return Poll::Ready(());
                }
                Poll::Pending if Pin::new(this.deadline).poll(cx).is_ready() => {
                    let limit = this.shared.handshake_timeout;
                    tracing::debug!(target: "everbeat", ?limit, "upgrade took too long");
                    return Poll::Ready(());
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// Whom a connection counts as; after a panic nobody knows, and a limit that lets everybody in then
/// is none
fn address<X, R>(
    of: &dyn Fn(&X, &R) -> Option<IpAddr>,
    facts: &X,
    request: &R,
) -> Result<Option<IpAddr>, Busy> {
    catch_unwind(AssertUnwindSafe(|| of(facts, request))).map_err(|panic| {
        report_panic("address", &*panic);
        Busy::PerAddress
    })
}

impl<A, K, H, S> fmt::Debug for Upgrading<A, K, H, S>
where
    A: Accept,
    K: Timer,
    H: Handler<Handled<A::Transport>, Wheel<K>, Accepted<A::Facts, A::Request>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrading").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
