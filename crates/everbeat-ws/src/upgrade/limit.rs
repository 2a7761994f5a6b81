//! Time limits of an upgrade's parts; the whole is the caller's to bound.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

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
