//! The acceptor: requests that routes bring, one after the other, where a listener has sockets.

use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use everbeat_core::Cause;
use everbeat_core::config::ConfigError;
use everbeat_core::transport::{Accept, Busy};
use everbeat_server::builder::Parts;
use everbeat_server::{Server, ServerBuilder};
use everbeat_tokio::Tokio;
use everbeat_tokio::transport::TokioTimer;
use everbeat_ws::accept::{AcceptSettings, Facts};
use everbeat_ws::upgrade::{AcceptAll, Origins, UpgradeError};
use everbeat_ws::{Settings, Socket, WebSocket};

use crate::Rejection;
use crate::asked::Asked;
use crate::queue::{Place, Queue, Taker, Unwanted, queue};
use crate::upgrading::{Ask, Upgrading};

/// Where a server's connections come from: requests that an HTTP server has read
pub struct Requests<S: Socket + Unpin, P = ()> {
    settings: Settings,
    origins: Option<Origins>,
    secure: bool,
    backlog: u16,
    door: Queue<Ask<S, P>>,
    waiting: Taker<Ask<S, P>>,
}

/// What a route needs of an acceptor
pub(crate) struct Door<S: Socket + Unpin, P> {
    asks: Queue<Ask<S, P>>,
    pub(crate) origins: Option<Origins>,
    pub(crate) secure: bool,
}

impl<S: Socket + Unpin, P> Requests<S, P> {
    /// The default of [`backlog`](Self::backlog): as a listener's
    pub const BACKLOG: u16 = AcceptSettings::<AcceptAll>::BACKLOG;

    /// Those of the defaults
    #[must_use]
    pub fn new() -> Self {
        let (door, waiting) = queue(usize::from(Self::BACKLOG));
        let settings = Settings::default();
        Self { settings, origins: None, secure: false, backlog: Self::BACKLOG, door, waiting }
    }

    /// Limits of the WebSockets, and options of their sockets
    ///
    /// `max_head` is the HTTP server's to keep.
    #[must_use]
    pub fn websocket(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Whose web pages may connect (RFC 6455, section 10.2); others are answered 403
    ///
    /// By default a page may connect if its request carries no cookies, or if it is of the host that
    /// the request is to ([`Origins::same_host`]): cookies authenticate whoever's page it is, and a
    /// framework shows them to every route. Behind TLS say [`secure`](Self::secure) as
    /// well. Behind a proxy that rewrites `Host`, say
    /// [`Origins::only`]. It needs saying too where something else authenticates that a browser sends
    /// by itself: a cached password, a client certificate.
    #[must_use]
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = Some(origins);
        self
    }

    /// Whether the HTTP server is behind TLS of its own, that is, whether its pages are `https`; by
    /// default it is not
    ///
    /// Nobody else can say it: a request of HTTP/1.1 does not, and what reaches a route is a stream
    /// already. An origin is scheme, host and port (RFC 6454, section 4). With it a page of
    /// `http://` is not of the [same host](Origins::same_host), for anybody on its road may have
    /// changed it; without it such a page passes, with the cookies of its visitor. Say it also behind
    /// a proxy that ends TLS, if all of the server's pages are `https`.
    #[must_use]
    pub const fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// How many requests may wait for the server to take them up; 4,096 by default, 1 or more; beyond
    /// it they are answered 503
    ///
    /// They wait while as many [upgrades](everbeat_server::Limits::upgrades) go on as may, or for a
    /// moment if there is room. Whose client is gone waits no longer.
    #[must_use]
    pub fn backlog(mut self, most: u16) -> Self {
        self.backlog = most;
        (self.door, self.waiting) = queue(usize::from(most));
        self
    }

    pub(crate) fn door(&self) -> Door<S, P> {
        Door { asks: self.door.clone(), origins: self.origins.clone(), secure: self.secure }
    }
}

impl<S, P> Requests<S, P>
where
    S: Socket + Send + Unpin + 'static,
    P: Send + Sync + 'static,
{
    /// The server of these requests, to be set up like any other and given to
    /// [`Sockets::over`](crate::Sockets::over)
    ///
    /// # Errors
    ///
    /// A setting cannot be; the error names it.
    pub fn server(self) -> Result<ServerBuilder<Parts<Self, TokioTimer, Tokio>>, ConfigError> {
        self.settings.check()?;
        if self.backlog == 0 {
            return Err(ConfigError::new("backlog", "is 0: no request could wait to be taken"));
        }
        Ok(Server::over(self, TokioTimer::new(), Tokio, Tokio.seed()))
    }
}

impl<S: Socket + Unpin, P> Default for Requests<S, P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Socket + Unpin, P> Door<S, P> {
    /// Brings a request before the server, where it waits for as long as its place is kept
    pub(crate) fn bring(&self, ask: Ask<S, P>) -> Result<Place<Ask<S, P>>, Rejection> {
        self.asks.wait(ask).map_err(|unwanted| match unwanted {
            // A moment: what is before it are upgrades that end by themselves
            Unwanted::Full => UpgradeError::Busy(Busy::Upgrades { seconds: 1 }).into(),
            Unwanted::Over => Rejection::Stopping,
        })
    }
}

impl<S, P> Accept for Requests<S, P>
where
    S: Socket + Send + Unpin + 'static,
    P: Send + Sync + 'static,
{
    type Transport = WebSocket<S>;
    type Facts = Facts<P>;
    type Request = Asked<S, P>;
    type Error = UpgradeError;
    type Upgrade = Upgrading<S, P>;

    fn poll_accept(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Upgrading<S, P>, UpgradeError>> {
        let this = self.get_mut();
        this.waiting.poll_take(cx).map(|ask| Ok(Upgrading::new(ask, this.settings)))
    }

    fn address(upgrade: &Upgrading<S, P>) -> Option<IpAddr> {
        upgrade.peer().map(|peer| peer.ip())
    }

    fn address_of(facts: &Facts<P>) -> Option<IpAddr> {
        Some(facts.peer().ip()).filter(|address| !address.is_unspecified())
    }

    fn refuse_now(upgrade: Upgrading<S, P>, busy: Busy) -> Option<Upgrading<S, P>> {
        upgrade.refuse(busy);
        None
    }

    fn classify(error: &UpgradeError) -> Cause {
        error.classify()
    }
}

impl<S: Socket + Unpin, P> fmt::Debug for Requests<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requests")
            .field("settings", &self.settings)
            .field("origins", &self.origins)
            .field("secure", &self.secure)
            .field("backlog", &self.backlog)
            .finish_non_exhaustive()
    }
}
