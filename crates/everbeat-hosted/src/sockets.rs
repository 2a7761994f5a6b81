//! [`Sockets`]: the server behind an application's routes, for all of them to share.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use everbeat_core::config::ConfigError;
use everbeat_core::time::Wheel;
use everbeat_server::handled::Handled;
use everbeat_server::{Accepted, Handler, Registry, Served, Server};
use everbeat_tokio::Tokio;
use everbeat_tokio::transport::TokioTimer;
use everbeat_ws::accept::Facts;
use everbeat_ws::{Socket, WebSocket};
use http::Response;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::asked::{Asked, Run};
use crate::requests::Door;
use crate::upgrading::Asking;
use crate::{Connection, Rejection, Requests, Upgrade};

/// The server behind an application's routes: it supervises the connections of all of them
///
/// A clone is a handle to the same one, to be kept in the application's state. It serves in a task of
/// its own, from the start; when the last handle is dropped nothing is accepted any more, and the
/// connections go on. `P` is who a peer is, as [`Upgrade::on_connection_as`] is told.
///
/// Stopping is in two steps, for HTTP and WebSockets end apart: the HTTP server takes no new requests
/// and ends those that it has. hyper and axum wait for no connection that was upgraded:
/// [`stop_on`](Self::stop_on) has both begin at one signal, and [`closed`](Self::closed) waits for the
/// connections. actix waits for them and tells them nothing: there both stand in its own signal, so
/// that the connections are over before it stops.
pub struct Sockets<S: Socket + Unpin, P = ()>(Arc<Inner<S, P>>);

struct Inner<S: Socket + Unpin, P> {
    door: Door<S, P>,
    registry: Registry<Facts<P>>,
    handle: everbeat_server::ServerHandle,
    served: watch::Receiver<Option<Arc<Served<Facts<P>>>>>,
    serving: AbortHandle,
}

impl<S, P> Sockets<S, P>
where
    S: Socket + Send + Unpin + 'static,
    P: Send + Sync + 'static,
{
    /// One with the defaults: silent peers are expired by Ping within 45 s
    ///
    /// # Errors
    ///
    /// The caller is outside of a tokio runtime.
    pub fn new() -> Result<Self, ConfigError> {
        Self::over(Requests::new().server()?.build()?)
    }

    /// One with settings of its own: see [`Requests::server`]
    ///
    /// # Errors
    ///
    /// The caller is outside of a tokio runtime.
    pub fn over(server: Server<Requests<S, P>, TokioTimer, Tokio>) -> Result<Self, ConfigError> {
        Self::over_with(server, |run| run)
    }

    /// [`over`](Self::over), with something around what serves each connection, such as metrics
    ///
    /// `around` is given the server's one handler, which runs the handler that each route has chosen,
    /// and returns one that calls it, for every connection:
    /// `Sockets::over_with(server, |run| metrics.observe(run))`. What is to be read of the server
    /// itself, such as its wheel's clock, is taken from it before.
    ///
    /// # Errors
    ///
    /// The caller is outside of a tokio runtime.
    pub fn over_with<H>(
        server: Server<Requests<S, P>, TokioTimer, Tokio>,
        around: impl FnOnce(Run) -> H,
    ) -> Result<Self, ConfigError>
    where
        H: Handler<
                Handled<WebSocket<S>>,
                Wheel<TokioTimer>,
                Accepted<Facts<P>, Asked<S, P>>,
                Future: Send + 'static,
            > + Send
            + Sync
            + 'static,
    {
        let runtime = Handle::try_current()
            .map_err(|error| ConfigError::new("runtime", format_args!("is none: {error}")))?;
        let door = server.acceptor().door();
        let (registry, handle) = (server.registry(), server.handle());
        let (tell, served) = watch::channel(None);
        let handler = around(Run);
        let serving = runtime.spawn(async move {
            let served = server.serve_with(handler).await;
            tracing::info!(target: "everbeat", %served, "stopped");
            // Nobody may be left to hear it
            _ = tell.send(Some(Arc::new(served)));
        });
        let serving = serving.abort_handle();
        Ok(Self(Arc::new(Inner { door, registry, handle, served, serving })))
    }

    /// Judges a request for an upgrade
    ///
    /// The peer's address is what the request says, or is asked of the socket once that is ours
    /// ([`Upgrade::peer`]).
    ///
    /// # Errors
    ///
    /// The request is not a good one, its page may not connect, or its connection cannot be upgraded.
    pub fn upgrade(&self, request: impl Asking<S>) -> Result<Upgrade<S, P>, Rejection> {
        Upgrade::of(self.clone(), request)
    }

    /// Stops the server when `signal` is ready: a future to be given to the HTTP server as its own
    /// signal, so that both stop at once; actix's is [`closed`](Self::closed) behind it
    ///
    /// From then on upgrades are answered 503, and connections are told 1001, or what
    /// [`shutdown_with`](everbeat_server::ServerBuilder::shutdown_with) or
    /// [`restart`](everbeat_server::ServerBuilder::restart) say.
    pub fn stop_on<F>(&self, signal: F) -> impl Future<Output = ()> + Send + 'static + use<F, P, S>
    where
        F: Future + Send + 'static,
    {
        let handle = self.0.handle.clone();
        async move {
            signal.await;
            handle.shutdown();
        }
    }

    /// Waits until the server has stopped and its connections are over; how they ended
    ///
    /// It takes as long as their Close handshakes and handlers do, at most
    /// [`shutdown_timeout`](everbeat_server::ServerBuilder::shutdown_timeout) and a second. It stops
    /// nothing.
    ///
    /// If the server's own task is gone, because it panicked or the runtime that it was made on is
    /// shut down, that is logged, and it is over: connections that are live still were not told, and
    /// are among those that were [cut](Served::cut).
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, nothing is lost.
    pub async fn closed(&self) -> Arc<Served<Facts<P>>> {
        let mut served = self.0.served.clone();
        let served = served.wait_for(Option::is_some).await.ok().and_then(|it| it.clone());
        match served {
            Some(served) => served,
            None => {
                tracing::error!(target: "everbeat", "the server's task is gone");
                Arc::new(Served::abandoned(&self.0.registry))
            }
        }
    }
}

impl<S: Socket + Send + Unpin + 'static> Sockets<S> {
    /// Upgrades a request and serves its connection, or says why not
    ///
    /// [`upgrade`](Self::upgrade) and [`on_connection`](Upgrade::on_connection) in one.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, there is no upgrade.
    pub async fn accept<F, R>(&self, request: impl Asking<S>, handler: F) -> Response<String>
    where
        F: FnOnce(Connection<S>) -> R + Send + 'static,
        R: Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        match self.upgrade(request) {
            Ok(upgrade) => upgrade.on_connection(handler).await,
            Err(rejection) => rejection.into_response(),
        }
    }
}

impl<S: Socket + Unpin, P> Sockets<S, P> {
    /// The live connections, for use from anywhere
    #[must_use]
    pub fn registry(&self) -> &Registry<Facts<P>> {
        &self.0.registry
    }

    /// A handle that stops the server
    #[must_use]
    pub fn handle(&self) -> &everbeat_server::ServerHandle {
        &self.0.handle
    }

    pub(crate) fn door(&self) -> &Door<S, P> {
        &self.0.door
    }
}

impl<S: Socket + Unpin, P> Drop for Inner<S, P> {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl<S: Socket + Unpin, P> Clone for Sockets<S, P> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: Socket + Unpin, P> fmt::Debug for Sockets<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sockets")
            .field("registry", &self.0.registry)
            .field("handle", &self.0.handle)
            .finish_non_exhaustive()
    }
}
