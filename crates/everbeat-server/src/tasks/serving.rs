//! The service of one connection: the user's handler, fenced in. A panic ends this task and no
//! other, and however the task ends, its place in the registry is freed.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use everbeat_core::time::{Timer, Wheel};
use everbeat_core::transport::Accept;
use everbeat_core::{Cause, Connection};
use pin_project::pin_project;

use super::extras::Extras;
use super::place::Place;
use super::report_panic;
use crate::admission::Counted;
use crate::handled::Handled;
use crate::handler::{Accepted, Handler};

/// The service of one connection
///
/// Three words, which tokio's task has room for, and a box: a word, and the handler's own future.
#[must_use = "futures do nothing unless polled"]
pub struct Serving<A, K, H>
where
    A: Accept,
    K: Timer,
    H: Handler<Handled<A::Transport>, Wheel<K>, Accepted<A::Facts, A::Request>>,
{
    /// `None` once the handler is over
    handling: Option<Pin<Box<Handling<H::Future>>>>,
    /// Dropped behind it, so that a connection is gone before it counts as gone
    place: Place<A::Facts, A::Request, K, H>,
}

#[pin_project]
struct Handling<F> {
    #[pin]
    future: F,
    extras: Extras,
}

impl<A, K, H> Serving<A, K, H>
where
    A: Accept,
    K: Timer,
    H: Handler<Handled<A::Transport>, Wheel<K>, Accepted<A::Facts, A::Request>>,
{
    /// Begins to serve; `None` if the handler panicked at once
    ///
    /// The handler is called before there is a task, which so has no room for what it was given.
    pub(super) fn begin(
        connection: Connection<Handled<A::Transport>, Wheel<K>>,
        accepted: Accepted<A::Facts, A::Request>,
        place: Place<A::Facts, A::Request, K, H>,
        counted: Option<Counted>,
    ) -> Option<Self> {
        let extras = Extras::new(&place, counted);
        let span = extras.span();
        let _entered = span.as_ref().map(tracing::Span::enter);
        // What it has made of its own until then is dropped with it
        let handled = AssertUnwindSafe(|| place.shared.handler.handle(connection, accepted));
        match catch_unwind(handled) {
            Ok(future) => {
                let handling = Some(Box::pin(Handling { future, extras }));
                Some(Self { handling, place })
            }
            Err(panic) => {
                report_panic("handler", &*panic);
                place.report();
                None
            }
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

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { handling: slot, place } = self.get_mut();
        let Some(handling) = slot.as_mut().map(|handling| handling.as_mut().project()) else {
            return Poll::Ready(());
        };
        let span = handling.extras.span();
        let _entered = span.as_ref().map(tracing::Span::enter);
        let (told, here) = place.handle.record().poll_told(cx);
        let result = if told.cut() {
            tracing::warn!(target: "everbeat", "handler outlived the shutdown, cut");
            None
        } else {
            // The future of a handler that panicked is dropped below and not looked at again, and
            // nothing of the server is borrowed by it.
            match catch_unwind(AssertUnwindSafe(|| handling.future.poll(cx))) {
                Ok(Poll::Pending) => {
                    drop(here);
                    ready!(handling.extras.poll_guard(cx, told, place));
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
        let over = slot.take();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(over))) {
            report_panic("handler", &*panic);
        }
        place.report();
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

#[test]
fn handling_is_a_word_beside_the_handlers_own() {
    assert_eq!(size_of::<Handling<[usize; 3]>>(), size_of::<[usize; 4]>());
}
