//! What a user's code is to the server: a [`Handler`], which every fitting closure is.

use std::error::Error;
use std::future::Future;

use everbeat_core::Connection;
use everbeat_core::time::Timer;
use everbeat_core::transport::Transport;

use crate::ConnectionHandle;

/// Serves one connection
///
/// Its future owns the connection and is a task of its own: it ends when the connection's work is
/// done. Returned or panicked, its connection is gone and its place in the registry is free. An
/// error is logged; a [`Cause`](everbeat_core::Cause) is how a connection ends that did not end
/// politely.
///
/// Other connections are unharmed by what a handler does, with one exception: it must not block its
/// thread. Whatever shares the thread waits with it, and on a runtime of one thread that is the whole
/// server. So may a server on several threads of tokio, for the one that is blocked may be the one
/// that waits for sockets; where they have a thread of their own, as async-std's and smol's, tasks on
/// other threads go on. Nobody is judged dead for it: what came in meanwhile is read first. A handler
/// that never looks at its connection costs nobody else anything; a rule or an order that ends the
/// connection drops it `close_timeout` and a second later.
///
/// Every `Fn(Connection, Accepted) -> Future` is one. Closures that are passed as a `Handler` have
/// to name their arguments' types; those passed to [`Server::serve`](crate::Server::serve) do not.
///
/// ```
/// use everbeat_core::time::Timer;
/// use everbeat_core::transport::Transport;
/// use everbeat_core::{Cause, Connection};
/// use everbeat_server::{Accepted, Handler};
///
/// async fn greet<T, K>(mut connection: Connection<T, K>, peer: Accepted<String>) -> Result<(), Cause>
/// where
///     T: Transport,
///     K: Timer,
/// {
///     connection.send(format!("hello, {}", peer.facts())).await?;
///     connection.close().await;
///     Ok(())
/// }
///
/// fn is_a_handler<T, K>() -> impl Handler<T, K, Accepted<String>>
/// where
///     T: Transport,
///     K: Timer,
/// {
///     greet::<T, K>
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "this is no handler of these connections",
    note = "a handler is an `async fn(server::Connection, Accepted<P>) -> Result<(), E>`, with \
            the hook's principal as `P` and an error that is `Send + Sync`; a closure for `serve` is \
            given the connection alone"
)]
pub trait Handler<T: Transport, K: Timer, X> {
    /// What it may fail with: a cause, a boxed error, any error
    type Error: Into<Box<dyn Error + Send + Sync>>;
    /// The task
    type Future: Future<Output = Result<(), Self::Error>>;

    /// Begins to serve a connection
    ///
    /// It is called at the end of the upgrade, whose place it still has
    /// ([`Limits::upgrades`](crate::Limits::upgrades)): what takes long belongs into the future.
    ///
    /// Returning without [`Connection::close`] drops the connection, and its peer sees a cut
    /// without a Close. A connection that is over, as one that has failed to send is, has said it.
    fn handle(&self, connection: Connection<T, K>, accepted: X) -> Self::Future;
}

impl<F, R, E, T, K, X> Handler<T, K, X> for F
where
    F: Fn(Connection<T, K>, X) -> R,
    R: Future<Output = Result<(), E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
    T: Transport,
    K: Timer,
{
    type Error = E;
    type Future = R;

    fn handle(&self, connection: Connection<T, K>, accepted: X) -> R {
        self(connection, accepted)
    }
}

/// A closure over the connection alone, as [`Handler`]
#[derive(Clone, Copy, Debug)]
pub struct WithoutFacts<F>(pub(crate) F);

impl<F, R, E, T, K, X> Handler<T, K, X> for WithoutFacts<F>
where
    F: Fn(Connection<T, K>) -> R,
    R: Future<Output = Result<(), E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
    T: Transport,
    K: Timer,
{
    type Error = E;
    type Future = R;

    fn handle(&self, connection: Connection<T, K>, _accepted: X) -> R {
        self.0(connection)
    }
}

/// What comes with a connection: `X` is known for as long as it lives, `R` is handed over here and
/// held by nobody else
///
/// The hook and [`Server::address`](crate::Server::address) have seen the request before; handles, and
/// with them [`Server::on_expire`](crate::Server::on_expire), see the facts only. A handler that keeps
/// the request keeps its headers in memory, a kilobyte or more from a browser.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Accepted<X, R = ()> {
    /// What the peer asked for: the handler's own, which drops it when it needs it no more
    pub request: R,
    /// The connection's own handle, to give away
    pub handle: ConnectionHandle<X>,
}

impl<X, R> Accepted<X, R> {
    pub(crate) const fn new(request: R, handle: ConnectionHandle<X>) -> Self {
        Self { request, handle }
    }

    /// What the acceptor knows of the peer: its address, who it is
    #[must_use]
    pub fn facts(&self) -> &X {
        self.handle.facts()
    }
}
