//! Where a connection lives is no promise, and seen in nothing but what it costs: so it is looked at.

use std::fmt::Debug;
use std::future::poll_fn;

use everbeat_core::Spawn;
use everbeat_ws::Runtime;

use super::sockets::listening;
use super::tools::soon;
use super::{Host, Job, Native};

/// Who is accepted by this runtime lives in a nest, and who dials does not
///
/// # Panics
///
/// It is otherwise.
pub fn nests<R: Runtime<Stream: Debug> + Spawn<Job>>(native: &Native<R>) {
    native.run(|subject| {
        Box::pin(async move {
            let (runtime, mut listener, address) = listening::<R>();
            let dialed = soon(&subject, "a dial", runtime.dial(address)).await.unwrap();
            let accepting = poll_fn(|cx| runtime.poll_accept(&mut listener, cx));
            let (accepted, _) = soon(&subject, "an accept", accepting).await.unwrap();
            assert!(format!("{accepted:?}").starts_with("Tcp(Nested("), "{accepted:?}");
            assert!(format!("{dialed:?}").starts_with("Tcp(Alone("), "{dialed:?}");
        })
    });
}
