//! The service of one connection: the user's handler, fenced in. A panic ends this task and no
//! other, and however the task ends, its place in the registry is freed.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use everbeat_core::time::{Timer, Wheel};
use everbeat_core::transport::{Accept, Transport};
use everbeat_core::{Cause, Connection};
use pin_project::pin_project;

use super::place::Place;
use super::{Shared, report_panic};
use crate::admission::Ticket;
use crate::handled::Handled;
use crate::handler::{Accepted, Handler};

/// The service of one connection
///
/// Three words, and the handler's own future.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct Serving<A, K, H>
where
    A: Accept,
    K: Timer,
    H: Handler<Handled<A::Transport>, Wheel<K>, Accepted<A::Facts, A::Request>>,
{
    #[pin]
    stage: Stage<A::Transport, K, AcceptedBy<A>, H::Future>,
    /// After the stage, so that a connection is gone before it counts as gone
    place: Place<A::Facts, A::Request, K, H>,
}

/// What comes with the connections of an acceptor
type AcceptedBy<A> = Accepted<<A as Accept>::Facts, <A as Accept>::Request>;
/// What a handler is given
type Begun<T, K, X> = (Connection<Handled<T>, Wheel<K>>, X);

/// The handler is called in the task, so that what it does before its future counts as its own
#[pin_project(project = StageProjection, project_replace = StageReplaced)]
enum Stage<T: Transport, K: Timer, X, F> {
    /// Boxed, for it is soon over and would take room for ever
    Accepted(Box<Begun<T, K, X>>),
    Running(#[pin] F),
    Over,
}

impl<A, K, H> Serving<A, K, H>
where
    A: Accept,
    K: Timer,
    H: Handler<Handled<A::Transport>, Wheel<K>, Accepted<A::Facts, A::Request>>,
{
    pub(super) fn new(
        connection: Connection<Handled<A::Transport>, Wheel<K>>,
        accepted: Accepted<A::Facts, A::Request>,
        ticket: Ticket,
        shared: &Arc<Shared<A::Facts, A::Request, K, H>>,
    ) -> Self {
        let place = Place::new(shared.clone(), accepted.handle.clone(), ticket);
        Self { stage: Stage::Accepted(Box::new((connection, accepted))), place }
    }

    fn poll_handler(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), H::Error>> {
        let mut this = self.as_mut().project();
        if matches!(*this.stage, Stage::Accepted(..)) {
            let accepted = this.stage.as_mut().project_replace(Stage::Over);
            if let StageReplaced::Accepted(begun) = accepted {
                let (connection, accepted) = *begun;
                let future = this.place.shared.handler.handle(connection, accepted);
                this.stage.set(Stage::Running(future));
            }
        }
        match this.stage.project() {
            StageProjection::Running(future) => future.poll(cx),
            StageProjection::Accepted(..) | StageProjection::Over => Poll::Ready(Ok(())),
        }
    }
}

impl<A, K, H> Future for Serving<A, K, H>
where
    A: Accept,
    K: Timer,
    H: Handler<Handled<A::Transport>, Wheel<K>, Accepted<A::Facts, A::Request>>,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let span = self.place.span();
        let _entered = span.as_ref().map(tracing::Span::enter);
        let (told, here) = self.place.handle.record().poll_told(cx);
        let result = if told.cut() {
            tracing::warn!(target: "everbeat", "handler outlived the shutdown, cut");
            None
        } else {
            // The future of a handler that panicked is dropped below and not looked at again, and
            // nothing of the server is borrowed by it.
            let polled = catch_unwind(AssertUnwindSafe(|| self.as_mut().poll_handler(cx)));
            match polled {
                Ok(Poll::Pending) => {
                    drop(here);
                    ready!(self.as_mut().project().place.poll_guard(cx, told));
                    tracing::warn!(
                        target: "everbeat", "handler does not look at its connection's end, cut"
                    );
                    None
                }
                Ok(Poll::Ready(result)) => Some(result),
                Err(panic) => {
                    report_panic("handler", &*panic);
                    None
                }
            }
        };
        match result.map(|result| result.map_err(Into::into)) {
            Some(Ok(())) => tracing::debug!(target: "everbeat", "served"),
            Some(Err(error)) => report_error(&*error),
            None => {}
        }
        // What the handler owned may panic when it is dropped, too.
        let mut this = self.project();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| this.stage.set(Stage::Over))) {
            report_panic("handler", &*panic);
        }
        this.place.report();
        Poll::Ready(())
    }
}

fn report_error(error: &(dyn Error + Send + Sync + 'static)) {
    if error.is::<Cause>() {
        tracing::debug!(target: "everbeat", cause = %error, "served");
    } else {
        tracing::warn!(target: "everbeat", %error, "handler failed");
    }
}

impl<A, K, H> fmt::Debug for Serving<A, K, H>
where
    A: Accept,
    K: Timer,
    H: Handler<Handled<A::Transport>, Wheel<K>, Accepted<A::Facts, A::Request>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving").field("id", &self.place.handle.id()).finish_non_exhaustive()
    }
}
