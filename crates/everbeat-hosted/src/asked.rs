//! What a request brings with it through the server: its head, and the handler that its own route has
//! chosen; and the server's one handler, which runs that.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;

use everbeat_core::time::Wheel;
use everbeat_server::handled::Handled;
use everbeat_server::{Accepted, Handler};
use everbeat_tokio::transport::TokioTimer;
use everbeat_ws::accept::Facts;
use everbeat_ws::upgrade::RequestHead;
use everbeat_ws::{Socket, WebSocket};
use tracing::Instrument;

use crate::{Connection, Handle};

pub(crate) type Failure = Box<dyn Error + Send + Sync>;
type Serving = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;
type Job<S, P> = Box<dyn FnOnce(Connection<S>, Handle<P>) -> Serving + Send>;

/// A request that is being upgraded: its head, as [`Server::address`](everbeat_server::Server::address)
/// sees it, and the handler of its route
pub struct Asked<S: Socket + Unpin, P = ()> {
    head: RequestHead,
    job: Job<S, P>,
}

impl<S: Socket + Unpin + 'static, P: 'static> Asked<S, P> {
    /// The handler runs in the span of the request, which so lives as long as the connection
    pub(crate) fn new<F, R, E>(head: RequestHead, handler: F) -> Self
    where
        F: FnOnce(Connection<S>, Handle<P>) -> R + Send + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Failure>,
    {
        let span = tracing::Span::current();
        let job: Job<S, P> = Box::new(move |connection: Connection<S>, handle: Handle<P>| {
            let serving = span.in_scope(|| handler(connection, handle));
            let serving = async move { serving.await.map_err(Into::into) }.instrument(span);
            Box::pin(serving) as Serving
        });
        Self { head, job }
    }
}

impl<S: Socket + Unpin, P> Deref for Asked<S, P> {
    type Target = RequestHead;

    fn deref(&self) -> &RequestHead {
        &self.head
    }
}

impl<S: Socket + Unpin, P> fmt::Debug for Asked<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").field("head", &self.head).finish_non_exhaustive()
    }
}

/// The server's handler: runs the one that each request has brought
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "it has nothing to decide")]
pub struct Run;

impl<S, P> Handler<Handled<WebSocket<S>>, Wheel<TokioTimer>, Accepted<Facts<P>, Asked<S, P>>>
    for Run
where
    S: Socket + Unpin,
{
    type Error = Failure;
    type Future = Serving;

    fn handle(
        &self,
        connection: Connection<S>,
        accepted: Accepted<Facts<P>, Asked<S, P>>,
    ) -> Serving {
        let Accepted { request, handle, .. } = accepted;
        (request.job)(connection, handle)
    }
}
