//! A request before its hook: the origin is checked, the hook is called, its time is bounded and its
//! panic caught.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use super::{Hook, Origins, Refusal, RequestHead, Upgrade, UpgradeRequest};
use crate::upgrade::UpgradeError;

/// What stands between a request and its upgrade
pub(crate) struct Gate<'a, H, L> {
    pub(crate) hook: &'a H,
    pub(crate) origins: Option<&'a Origins>,
    /// Whether cookies are shown to the hook
    pub(crate) cookies: bool,
    /// Whether TLS is ours
    pub(crate) secure: bool,
    pub(crate) peer: SocketAddr,
    /// Ready when the hook has had its time, and how long that is
    pub(crate) limit: (L, Duration),
}

/// The hook's decision, or the error for which there is none
pub(crate) async fn decide<H: Hook, L: Future<Output = ()>>(
    gate: Gate<'_, H, L>,
    head: &RequestHead,
) -> Result<Upgrade<H::Principal>, UpgradeError> {
    if gate.origins.is_some_and(|origins| !origins.allow(head, gate.secure)) {
        return Err(UpgradeError::Origin);
    }
    let request = UpgradeRequest::new(gate.peer, head.clone());
    let (limit, time) = gate.limit;
    let mut limit = pin!(limit);
    // What panicked is dropped and not looked at again, and nothing of ours is borrowed by it.
    let called = catch_unwind(AssertUnwindSafe(|| gate.hook.call(request)));
    let Ok(future) = called else {
        return Err(UpgradeError::HookPanicked);
    };
    let mut future = pin!(future);
    let decided = poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(Poll::Ready(decided)) => Poll::Ready(Ok(decided)),
        Ok(Poll::Pending) if limit.as_mut().poll(cx).is_ready() => {
            Poll::Ready(Err(UpgradeError::HookTimeout { limit: time }))
        }
        Ok(Poll::Pending) => Poll::Pending,
        Err(_) => Poll::Ready(Err(UpgradeError::HookPanicked)),
    });
    decided.await?.map_err(|reject| match Refusal::by_hook(&reject) {
        Err(what) if reject.error.is_none() => UpgradeError::Answer { what },
        _ => UpgradeError::Rejected(Box::new(reject)),
    })
}
