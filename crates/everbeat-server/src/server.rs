//! The [`Server`]: accepts, upgrades, serves, and stops in order.

use std::error::Error;
use std::fmt;
use std::future::{Future, pending, poll_fn};
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::task::Poll;

use everbeat_core::Connection;
use everbeat_core::cause::Expired;
use everbeat_core::time::{Timer, Wheel};
use everbeat_core::transport::{Accept, Listen};

use crate::accepting::Accepting;
use crate::admission::Admission;
use crate::builder::{BindError, Checked, Parts, ServerBuilder, ToBind};
use crate::draining::drain;
use crate::handled::Handled;
use crate::handler::{Accepted, Handler, WithoutFacts};
use crate::registry::{ConnectionHandle, Registry, Rules};
use crate::served::Served;
use crate::stop::ServerHandle;
use crate::storm::Slots;
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
    on_expire: Option<OnExpire<A::Facts>>,
    address: Option<AddressOf<A::Facts, A::Request>>,
    settings: Checked,
}

/// Whom a connection counts as, by what is known of it after its upgrade
pub(crate) type AddressOf<X, R> = Arc<dyn Fn(&X, &R) -> Option<IpAddr> + Send + Sync>;

/// Who wants to know of connections that a rule has ended
pub(crate) type OnExpire<X> = Arc<dyn Fn(&ConnectionHandle<X>, Expired) + Send + Sync>;

impl<A: Listen<Settings: Default>> Server<A, A::Timer, A::Spawner> {
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
    pub fn over(acceptor: A, timer: K, spawner: S, seed: u64) -> ServerBuilder<Parts<A, K, S>> {
        ServerBuilder::over(acceptor, timer, spawner, seed)
    }

    pub(crate) fn new(parts: Parts<A, K, S>, settings: Checked) -> Self {
        let rules = Rules {
            room: settings.limits.room,
            slow: settings.expire.behind,
            in_all: settings.limits.queued_in_all,
            used: Arc::default(),
            live: AtomicUsize::new(0),
        };
        Self {
            acceptor: parts.acceptor,
            spawner: parts.spawner,
            seed: parts.seed,
            wheel: Wheel::new(parts.timer),
            registry: Registry::new(rules),
            handle: ServerHandle::new(),
            on_expire: None,
            address: None,
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
    pub async fn serve<F, R>(self, handler: F) -> Served<A::Facts>
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
    pub async fn serve_with<H>(self, handler: H) -> Served<A::Facts>
    where
        H: Handler<Handled<A::Transport>, Wheel<K>, Accepted<A::Facts, A::Request>>,
        S: SpawnServer<A, K, H>,
    {
        self.serve_until(handler, pending()).await
    }

    /// [`serve_with`](Self::serve_with), until `shutdown` is ready or
    /// [`ServerHandle::shutdown`] is called
    ///
    /// Then the listening socket is closed, upgrades are given up, and every connection says 1001, or
    /// what [`shutdown_with`](ServerBuilder::shutdown_with) says, and closes; or each says 1012 and
    /// closes when its turn has come, with [`restart`](ServerBuilder::restart). Handlers that have not
    /// returned after `shutdown_timeout`, or 10 s behind the last turn if that is first, are dropped, and with them
    /// their connections.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, nothing is accepted any more; the connections go on, but for those
    /// that were told to close already.
    pub async fn serve_until<H, D>(self, handler: H, shutdown: D) -> Served<A::Facts>
    where
        H: Handler<Handled<A::Transport>, Wheel<K>, Accepted<A::Facts, A::Request>>,
        D: Future<Output = ()>,
        S: SpawnServer<A, K, H>,
    {
        let Self { acceptor, spawner, seed, wheel, registry, handle, on_expire, address, settings } =
            self;
        for turn in wheel.turns() {
            spawner.spawn(turn);
        }
        let slots = settings.limits.upgrades_per_second.map(Slots::new);
        let upgrades = Arc::new(Upgrades::new(settings.limits.upgrades, slots.is_some()));
        let shared = Arc::new(Shared {
            handler,
            wheel: wheel.clone(),
            registry: registry.clone(),
            upgrades: upgrades.clone(),
            admission: Arc::new(Admission::new(&settings.limits)),
            address,
            on_expire,
            connection: settings.connection.into(),
            beat: settings.beat,
            expire: settings.expire,
            handshake_timeout: settings.handshake_timeout,
            seed,
        });
        {
            let spawner = Arc::new(spawner);
            let mut accepting = pin!(Accepting::new(acceptor, shared, spawner, slots));
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
        let (limit, closing) = (settings.shutdown_timeout, settings.connection.close_timeout());
        let drained = drain(&registry, &wheel, &settings.farewell, closing, limit).await;
        Served { served: registry.served(), closed: drained.closed, cut: drained.cut }
    }
}

impl<A: Accept, K, S> Server<A, K, S> {
    /// Tells `report` of each connection that one of the server's rules has ended, and which it was:
    /// the silent too, those that were told of a shutdown, and those that were evicted
    ///
    /// It sees the handle, and by that the [facts](ConnectionHandle::facts) of the peer, but not its
    /// request, which is the handler's. What the kernel knows of the end, such as whether it was the
    /// road or the program, is in the handle's [cause](ConnectionHandle::cause). It is called once for each, in the connection's own task (in
    /// its upgrade's, if the handler panics when it is called), when the connection is over. Should
    /// it panic, that is logged and nothing else.
    #[must_use]
    pub fn on_expire(
        mut self,
        report: impl Fn(&ConnectionHandle<A::Facts>, Expired) + Send + Sync + 'static,
    ) -> Self {
        self.on_expire = Some(Arc::new(report));
        self
    }

    /// Takes the address by which [`Limits::per_address`](crate::Limits::per_address) counts a
    /// connection from what is known of it and what it asked for, such as a header that one's own
    /// proxy sets, in place of the socket's; `None` is not counted
    ///
    /// The request is seen here, by the hook, and by the handler, which is given it; handles know only
    /// the facts. What is to be known of a peer later, its address behind the proxy too, is the
    /// hook's to put into its principal.
    ///
    /// It is known once the request has been read: a connection too many is told 1013 behind its
    /// upgrade, where one that the socket's address tells is answered 429.
    ///
    /// A panic in it is logged, and refuses that connection.
    #[must_use]
    pub fn address(
        mut self,
        of: impl Fn(&A::Facts, &A::Request) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        self.address = Some(Arc::new(of));
        self
    }

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
