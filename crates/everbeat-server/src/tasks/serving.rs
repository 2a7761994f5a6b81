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

use super::guard::Guard;
use super::{Shared, report_panic};
use crate::admission::Ticket;
use crate::handled::Handled;
use crate::handler::{Accepted, Handler};
use crate::registry::Member;

/// The service of one connection
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct Serving<A, K, H>
where
    A: Accept,
    K: Timer,
    H: Handler<Handled<A::Transport>, Wheel<K>, Accepted<A::Facts>>,
{
    #[pin]
    stage: Stage<A::Transport, K, A::Facts, H::Future>,
    shared: Arc<Shared<A::Facts, K, H>>,
    span: tracing::Span,
    guard: Guard,
    /// After the stage, so that a connection is gone before it counts as gone
    member: Member<A::Facts>,
    ticket: Ticket,
}

/// The handler is called in the task, so that what it does before its future counts as its own
#[pin_project(project = StageProjection, project_replace = StageReplaced)]
enum Stage<T: Transport, K: Timer, X, F> {
    Accepted(Connection<Handled<T>, Wheel<K>>, Accepted<X>),
    Running(#[pin] F),
    Over,
}

impl<A, K, H> Serving<A, K, H>
where
    A: Accept,
    K: Timer,
    H: Handler<Handled<A::Transport>, Wheel<K>, Accepted<A::Facts>>,
{
    pub(super) fn new(
        connection: Connection<Handled<A::Transport>, Wheel<K>>,
        accepted: Accepted<A::Facts>,
        member: Member<A::Facts>,
        ticket: Ticket,
        shared: &Arc<Shared<A::Facts, K, H>>,
    ) -> Self {
        let id = member.handle().id();
        let opened = member.handle().mailbox().vitals().opened();
        Self {
            stage: Stage::Accepted(connection, accepted),
            shared: shared.clone(),
            span: tracing::debug_span!(target: "everbeat", "connection", id),
            guard: Guard::new(shared.expiry_of(id, opened)),
            member,
            ticket,
        }
    }

    fn poll_handler(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), H::Error>> {
        let mut this = self.as_mut().project();
        if matches!(*this.stage, Stage::Accepted(..)) {
            let accepted = this.stage.as_mut().project_replace(Stage::Over);
            if let StageReplaced::Accepted(connection, accepted) = accepted {
                let future = this.shared.handler.handle(connection, accepted);
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
    H: Handler<Handled<A::Transport>, Wheel<K>, Accepted<A::Facts>>,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let span = self.span.clone();
        let _entered = span.enter();
        let this = self.as_mut().project();
        let told = this.member.handle().mailbox().attention().poll(cx);
        let result = if told.cut() {
            tracing::warn!(target: "everbeat", "handler outlived the shutdown, cut");
            None
        } else {
            // The future of a handler that panicked is dropped below and not looked at again, and
            // nothing of the server is borrowed by it.
            let polled = catch_unwind(AssertUnwindSafe(|| self.as_mut().poll_handler(cx)));
            match polled {
                Ok(Poll::Pending) => {
                    let this = self.as_mut().project();
                    ready!(this.guard.poll(cx, told, this.member.handle(), this.shared));
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
        this.guard.report(this.member.handle(), this.shared);
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
    H: Handler<Handled<A::Transport>, Wheel<K>, Accepted<A::Facts>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving").field("id", &self.member.handle().id()).finish_non_exhaustive()
    }
}
