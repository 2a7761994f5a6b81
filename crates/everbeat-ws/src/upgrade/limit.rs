//! Time limits of an upgrade's parts; the whole is the caller's to bound.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// How long a peer that is not let in may keep us busy with being told so, its request included if
/// nothing else is to be done with it
///
/// The answer is a courtesy, and its socket is one that others may be waiting for. A second is
/// several round trips of a bad road; whoever has not taken the answer by then does not wait for it.
pub(crate) const COURTESY: Duration = Duration::from_secs(1);

/// What comes of a future before its limit is over
pub(crate) async fn within<F: Future>(
    limit: impl Future<Output = ()>,
    future: F,
) -> Option<F::Output> {
    let (mut limit, mut future) = (pin!(limit), pin!(future));
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => limit.as_mut().poll(cx).map(|()| None),
    })
    .await
}
