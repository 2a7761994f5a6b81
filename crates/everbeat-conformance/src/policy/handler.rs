//! The handler of these servers: what it does, its peer's name says.

use std::fmt;
use std::future::{Future, pending};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use everbeat_core::time::{Timer, Wheel};
use everbeat_core::{Cause, Connection};
use everbeat_server::handled::Handled;
use everbeat_server::{Accepted, Handler};
use everbeat_ws::Runtime;
use everbeat_ws::upgrade::RequestHead;

use super::house::Known;
use crate::peer::pause;
use crate::server_side::Socket;

/// For how long a handler blocks its thread: longer than any beat and timeout beside it
pub(super) const BLOCKED: Duration = Duration::from_secs(1);

/// Sends every message back, unless its peer's name says otherwise
pub struct Act<R> {
    /// Messages that a handler has had
    pub(super) had: Arc<AtomicUsize>,
    runtime: PhantomData<fn() -> R>,
}

impl<R> Default for Act<R> {
    fn default() -> Self {
        Self { had: Arc::default(), runtime: PhantomData }
    }
}

impl<R: Runtime> Handler<Handled<Socket<R>>, Wheel<R::Timer>, Accepted<Known, RequestHead>>
    for Act<R>
{
    type Error = Cause;
    type Future = Pin<Box<dyn Future<Output = Result<(), Cause>> + Send>>;

    fn handle(
        &self,
        mut connection: Connection<Handled<Socket<R>>, Wheel<R::Timer>>,
        peer: Accepted<Known, RequestHead>,
    ) -> Self::Future {
        let had = self.had.clone();
        Box::pin(async move {
            let name = peer.facts().principal.as_str();
            match name {
                name if name.starts_with("deaf") => pending().await,
                "chat" => {
                    let token = peer.request.header("X-Token").unwrap_or("none");
                    let spoken = peer.facts().subprotocol().unwrap_or("none");
                    connection.send(format!("{name} {spoken} {token}")).await?;
                }
                "fed" => loop {
                    connection.send("x".repeat(1_000)).await?;
                },
                name if name.starts_with("good") => peer.handle.authenticated(),
                _ => {}
            }
            let timer = R::default().timer();
            while let Some(message) = connection.recv().await? {
                match (name, message.as_text()) {
                    (_, Some("my new token")) => peer.handle.authenticated(),
                    (_, Some("panic")) => panic!("as it was asked to"),
                    (_, Some("block")) => pause(BLOCKED),
                    // It does not keep up
                    ("busy", _) => {
                        timer.sleep_until(timer.now() + Duration::from_millis(1)).await;
                    }
                    _ => {}
                }
                had.fetch_add(1, Ordering::SeqCst);
                connection.send(message).await?;
            }
            Ok(())
        })
    }
}

impl<R> fmt::Debug for Act<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Act").field("had", &self.had).finish_non_exhaustive()
    }
}
