//! The [`Server`]: accepts, upgrades, serves, and stops in order.

use std::error::Error;
use std::fmt;
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use everbeat_core::Connection;
use everbeat_core::time::{Timer, Wheel};
use everbeat_core::transport::{Accept, Listen};

use crate::accepting::Accepting;
use crate::builder::{BindError, Checked, Parts, ServerBuilder, ToBind};
use crate::draining::drain;
use crate::handled::Handled;
use crate::handler::{Accepted, Handler, WithoutFacts};
use crate::registry::Registry;
use crate::stop::ServerHandle;
use crate::tasks::{Shared, SpawnServer};
use crate::upgrades::Upgrades;

/// A WebSocket server
///
/// Silent peers are expired by Ping: every 25 s of silence by default, dead 20 s after a Ping that
/// was not answered. Every connection is a [`Connection`] on the server's [`Wheel`], and serves
/// itself in a task of its own; a handler that panics ends its own connection only.
///
/// A runtime crate's `Server` is this one with its acceptor, timer and spawner filled in, and
/// [`bind`](Self::bind) is all that it takes. Over parts of one's own:
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/runtime.in"));
/// use std::time::Duration;
/// use everbeat_server::Server;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use runtime::{Nobody, Runtime, Stopped, block_on};
/// # let (acceptor, timer, spawner, seed) = (Nobody, Stopped, Runtime, 7);
/// let server = Server::over(acceptor, timer, spawner, seed)
///     .interval(Duration::from_secs(10))
///     .build()?;
/// let (registry, handle) = (server.registry(), server.handle());
/// let serving = server.serve(|mut connection| async move {
///     while let Some(message) = connection.recv().await? {
///         connection.send(message).await?;
///     }
///     Ok(())
/// });
///
/// handle.shutdown(); // from anywhere
/// assert_eq!(block_on(serving).to_string(), "served 0 connections");
/// assert!(registry.is_empty());
/// # Ok(())
/// # }
/// ```
pub struct Server<A: Accept, K, S> {
    acceptor: A,
    spawner: S,
    seed: u64,
    wheel: Wheel<K>,
    registry: Registry<A::Facts>,
    handle: ServerHandle,
    settings: Checked,
}

impl<A: Listen> Server<A, A::Timer, A::Spawner> {
    /// Listens at `address` with the defaults
    ///
    /// # Errors
    ///
    /// The address cannot be listened at.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, nothing listens.
    pub async fn bind(address: &str) -> Result<Self, BindError<A::Error>> {
        Self::builder().bind(address).await
    }

    /// A builder that ends in [`bind`](ServerBuilder::bind)
    pub fn builder() -> ServerBuilder<ToBind<A>> {
        ServerBuilder::to_bind()
    }
}

impl<A: Accept, K: Timer + Clone, S> Server<A, K, S> {
    /// A builder over any acceptor, timer and spawner, which ends in
    /// [`build`](ServerBuilder::build)
    ///
    /// `seed` draws the phases of the beats: take it from the operating system.
    pub const fn over(
        acceptor: A,
        timer: K,
        spawner: S,
        seed: u64,
    ) -> ServerBuilder<Parts<A, K, S>> {
        ServerBuilder::over(acceptor, timer, spawner, seed)
    }

    pub(crate) fn new(parts: Parts<A, K, S>, settings: Checked) -> Self {
        Self {
            acceptor: parts.acceptor,
            spawner: parts.spawner,
            seed: parts.seed,
            wheel: Wheel::new(parts.timer),
            registry: Registry::new(settings.mailbox),
            handle: ServerHandle::new(),
            settings,
        }
    }

    /// Serves every connection with `handler`, until [`ServerHandle::shutdown`] is called
    ///
    /// The handler's `?` takes a [`Cause`](everbeat_core::Cause) and every other error that can be
    /// boxed. It should return when its connection has ended, or [close](Connection::close) it.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, nothing is accepted any more; the connections go on.
    pub async fn serve<F, R>(self, handler: F) -> Served
    where
        F: Fn(Connection<Handled<A::Transport>, Wheel<K>>) -> R,
        R: Future<Output = Result<(), Box<dyn Error + Send + Sync>>>,
        S: SpawnServer<A, K, WithoutFacts<F>>,
    {
        self.serve_until(WithoutFacts(handler), pending()).await
    }

    /// [`serve`](Self::serve) with a [`Handler`], which is also told who the peer is
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, nothing is accepted any more; the connections go on.
    pub async fn serve_with<H>(self, handler: H) -> Served
    where
        H: Handler<Handled<A::Transport>, Wheel<K>, Accepted<A::Facts>>,
        S: SpawnServer<A, K, H>,
    {
        self.serve_until(handler, pending()).await
    }

    /// [`serve_with`](Self::serve_with), until `shutdown` is ready or
    /// [`ServerHandle::shutdown`] is called
    ///
    /// Then nothing is accepted any more, upgrades are given up, and every connection says 1001 and
    /// closes. Handlers that have not returned after `shutdown_timeout` are dropped, and with them
    /// their connections.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, nothing is accepted any more; the connections go on.
    pub async fn serve_until<H, D>(self, handler: H, shutdown: D) -> Served
    where
        H: Handler<Handled<A::Transport>, Wheel<K>, Accepted<A::Facts>>,
        D: Future<Output = ()>,
        S: SpawnServer<A, K, H>,
    {
        let Self { acceptor, spawner, seed, wheel, registry, handle, settings } = self;
        for turn in wheel.turns() {
            spawner.spawn(turn);
        }
        let upgrades = Arc::new(Upgrades::new(settings.upgrades));
        let shared = Arc::new(Shared {
            handler,
            wheel: wheel.clone(),
            registry: registry.clone(),
            upgrades: upgrades.clone(),
            connection: settings.connection,
            beat: settings.beat,
            handshake_timeout: settings.handshake_timeout,
            seed,
        });
        {
            let mut accepting = pin!(Accepting::new(acceptor, shared, Arc::new(spawner)));
            let mut shutdown = pin!(shutdown);
            poll_fn(|cx| {
                if shutdown.as_mut().poll(cx).is_ready() || handle.poll_stop(cx).is_ready() {
                    return Poll::Ready(());
                }
                accepting.as_mut().poll(cx)
            })
            .await;
        }
        upgrades.close();
        let drained = drain(&registry, &wheel, settings.shutdown_timeout).await;
        Served { served: registry.served(), closed: drained.closed, cut: drained.cut }
    }
}

impl<A: Accept, K, S> Server<A, K, S> {
    /// The live connections, for use from anywhere
    #[must_use]
    pub fn registry(&self) -> Registry<A::Facts> {
        self.registry.clone()
    }

    /// A handle that stops the server, for use from anywhere
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }

    /// The acceptor: it knows the address that was bound
    #[must_use]
    pub const fn acceptor(&self) -> &A {
        &self.acceptor
    }

    /// The wheel on which all connections sleep; it turns while the server serves
    #[must_use]
    pub const fn wheel(&self) -> &Wheel<K> {
        &self.wheel
    }
}

impl<A: Accept, K, S> fmt::Debug for Server<A, K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("registry", &self.registry)
            .field("handle", &self.handle)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// What a server did, said when it has stopped
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Served {
    /// Connections whose upgrade was finished, over the server's life
    pub served: u64,
    /// Connections that were live at the shutdown and whose handlers returned in time
    pub closed: usize,
    /// Connections whose handlers were dropped at the end of `shutdown_timeout`
    pub cut: usize,
}

/// `served 3 connections; at the shutdown 2 closed in time, 1 was cut`
impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.served {
            1 => f.write_str("served 1 connection")?,
            many => write!(f, "served {many} connections")?,
        }
        match (self.closed, self.cut) {
            (0, 0) => Ok(()),
            (closed, 0) => write!(f, "; at the shutdown {closed} closed in time"),
            (closed, 1) => write!(f, "; at the shutdown {closed} closed in time, 1 was cut"),
            (closed, cut) => {
                write!(f, "; at the shutdown {closed} closed in time, {cut} were cut")
            }
        }
    }
}
