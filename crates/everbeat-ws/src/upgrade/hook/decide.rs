//! A request before its hook: the origin is checked, the hook is called, its time is bounded and its
//! panic caught, wherever it comes.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use super::{Hook, Origins, Refusal, RequestHead, Upgrade, UpgradeRequest};
use crate::upgrade::UpgradeError;
use crate::upgrade::within;

/// What stands between a request and its upgrade
pub(crate) struct Gate<'a, H, Z> {
    pub(crate) hook: &'a H,
    pub(crate) hook_timeout: Duration,
    pub(crate) origins: Option<&'a Origins>,
    /// Whether cookies are shown to the hook
    pub(crate) cookies: bool,
    /// Whether TLS is ours
    pub(crate) secure: bool,
    pub(crate) peer: SocketAddr,
    /// Begins to wait this long
    pub(crate) sleep: Z,
}

/// The hook's decision, or the error for which there is none
pub(crate) async fn decide<H: Hook, Z: Fn(Duration) -> L, L: Future<Output = ()>>(
    gate: &Gate<'_, H, Z>,
    head: &RequestHead,
) -> Result<Upgrade<H::Principal>, UpgradeError> {
    if gate.origins.is_some_and(|origins| !origins.allow(head, gate.secure)) {
        return Err(UpgradeError::Origin);
    }
    let request = UpgradeRequest::new(gate.peer, head.clone());
    let future = fenced(|| gate.hook.call(request))?;
    let mut future = pin!(Some(future));
    let mut deciding = Deciding(future.as_mut());
    let limit = gate.hook_timeout;
    let decided = within((gate.sleep)(limit), deciding.decided()).await;
    // Who panics now panics in this request, too
    deciding.end()?;
    let Some(decided) = decided else {
        tracing::warn!(target: "everbeat", ?limit, "the upgrade hook took too long");
        return Err(UpgradeError::HookTimeout { limit });
    };
    decided?.map_err(|reject| match Refusal::by_hook(&reject) {
        Err(what) if reject.error.is_none() => UpgradeError::answer(what),
        _ => {
            if let Some(error) = &reject.error {
                tracing::error!(target: "everbeat", %error, "the upgrade hook failed");
            }
            UpgradeError::Rejected(Box::new(reject))
        }
    })
}

/// A decision in the making. It owns what is its user's, and that may panic when it is dropped: at
/// its limit, or with the whole upgrade
struct Deciding<'a, F>(Pin<&'a mut Option<F>>);

impl<F: Future> Deciding<'_, F> {
    async fn decided(&mut self) -> Result<F::Output, UpgradeError> {
        poll_fn(|cx| match self.0.as_mut().as_pin_mut() {
            Some(future) => match fenced(|| future.poll(cx)) {
                Ok(polled) => polled.map(Ok),
                Err(error) => Poll::Ready(Err(error)),
            },
            None => Poll::Pending,
        })
        .await
    }
}

impl<F> Deciding<'_, F> {
    fn end(&mut self) -> Result<(), UpgradeError> {
        fenced(|| self.0.set(None))
    }
}

impl<F> Drop for Deciding<'_, F> {
    fn drop(&mut self) {
        // It was logged, and nobody waits for the decision
        _ = self.end();
    }
}

/// Runs code of the user's. What panicked is dropped and not looked at again, nothing of ours is
/// borrowed by it, and what a hook's other calls share with it is for the hook to keep whole.
fn fenced<T>(run: impl FnOnce() -> T) -> Result<T, UpgradeError> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let panic = text(&*panic).unwrap_or("with something that is no text");
        tracing::error!(target: "everbeat", panic, "the upgrade hook panicked");
        UpgradeError::HookPanicked
    })
}

fn text(panic: &(dyn Any + Send)) -> Option<&str> {
    let literal = panic.downcast_ref::<&str>().copied();
    literal.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
}
