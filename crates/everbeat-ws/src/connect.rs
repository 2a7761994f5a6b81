//! Making connections: [`Connector`] resolves, dials and upgrades, with a fresh request for every
//! attempt if it is told how to make one.

mod error;
mod request;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use everbeat_core::Cause;
use everbeat_core::config::ConfigError;
use everbeat_core::transport::{Attempt, Connect, Endpoint};

use crate::runtime::Runtime;
use crate::settings::Settings;
use crate::socket::{Counted, Socket, tune};
use crate::websocket::WebSocket;

pub use error::ConnectError;
use request::Headers;
pub use request::{Request, RequestBuilder};

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type MakeRequest = Box<dyn FnMut(Attempt) -> Boxed<Result<Request, BoxError>> + Send>;

/// Connects to a URL on a runtime: name, address, TCP, upgrade
///
/// Its `Debug` shows no header's value: they may be secrets.
pub struct Connector<R: Runtime> {
    runtime: R,
    timer: R::Timer,
    request: Request,
    make: Option<MakeRequest>,
    headers: Headers,
    settings: Settings,
    /// The first setting that cannot be; told by `check` and by every attempt
    problem: Option<ConfigError>,
}

impl<R: Runtime> Connector<R> {
    /// A connector to `url`, such as `ws://example.com/feed`
    ///
    /// # Errors
    ///
    /// The URL has another scheme, no host, a fragment, a password or a character that is not ASCII,
    /// or is none; `wss` needs TLS, which this version does not have.
    pub fn new(url: &str) -> Result<Self, ConfigError> {
        let runtime = R::default();
        Ok(Self {
            timer: runtime.timer(),
            runtime,
            request: Request::parse(url)?,
            make: None,
            headers: Headers::default(),
            settings: Settings::default(),
            problem: None,
        })
    }

    /// The longest message taken from the server, in bytes; 16 MiB by default
    ///
    /// A longer one ends the connection with 1009.
    #[must_use]
    pub const fn max_message(mut self, bytes: usize) -> Self {
        self.settings = self.settings.max_message(bytes);
        self
    }

    /// The longest frame taken from the server, in bytes of payload; 16 MiB by default
    ///
    /// A longer one ends the connection with 1009 before its payload is read.
    #[must_use]
    pub const fn max_frame(mut self, bytes: usize) -> Self {
        self.settings = self.settings.max_frame(bytes);
        self
    }

    /// The longest head of the server's answer, in bytes; 16 KiB by default, 512 bytes to 64 KiB
    #[must_use]
    pub const fn max_head(mut self, bytes: usize) -> Self {
        self.settings = self.settings.max_head(bytes);
        self
    }

    /// The longest frame sent, in bytes of payload; 64 KiB by default
    ///
    /// `None` sends every message as one frame, for servers that cannot take fragments.
    #[must_use]
    pub const fn fragment(mut self, bytes: Option<usize>) -> Self {
        self.settings = self.settings.fragment(bytes);
        self
    }

    /// How long sent bytes may wait for an acknowledgement before the kernel ends the connection;
    /// 30 s by default, 1 s to 24 hours; `None` leaves the system's
    ///
    /// With data in flight this may come before the heartbeat's verdict: see
    /// [`Settings::user_timeout`].
    #[must_use]
    pub const fn user_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.settings = self.settings.user_timeout(timeout);
        self
    }

    /// A header of every request, unless the request has it already
    ///
    /// A name or value that cannot be is reported when the client is built.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Err(problem) = self.headers.add(name, value) {
            self.problem.get_or_insert(problem);
        }
        self
    }

    /// The subprotocols asked for, in order of preference (RFC 6455, section 1.9), unless the
    /// request has its own
    ///
    /// A server that chooses none of them does not get the connection. A name that cannot be is
    /// reported when the client is built.
    #[must_use]
    pub fn subprotocols<P: AsRef<str>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        for protocol in protocols {
            if let Err(problem) = self.headers.add_subprotocol(protocol.as_ref()) {
                self.problem.get_or_insert(problem);
            }
        }
        self
    }

    /// How to make each attempt's request: another host, a fresh token
    ///
    /// Called anew for every attempt, inside its time limit. The URL that this connector was made
    /// with is then not used.
    #[must_use]
    pub fn request<F, Fut, E>(mut self, mut make: F) -> Self
    where
        F: FnMut(Attempt) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Request, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        self.make = Some(Box::new(move |attempt| {
            let made = make(attempt);
            Box::pin(async move { made.await.map_err(Into::into) })
        }));
        self
    }
}

impl<R: Runtime> Connect for Connector<R> {
    type Transport = WebSocket<R::Stream>;
    type Error = ConnectError;
    type Future = Boxed<Result<WebSocket<R::Stream>, ConnectError>>;

    fn connect(&mut self, attempt: Attempt) -> Self::Future {
        if let Err(problem) = self.check() {
            return Box::pin(async { Err(ConnectError::Config(problem)) });
        }
        let made = match &mut self.make {
            Some(make) => make(attempt),
            None => {
                let request = self.request.clone();
                Box::pin(async { Ok(request) })
            }
        };
        let (runtime, settings) = (self.runtime.clone(), self.settings);
        let headers = self.headers.clone();
        Box::pin(async move {
            let mut request = made.await.map_err(ConnectError::Request)?;
            request.add_missing(&headers);
            let stream = dial(&runtime, &request).await?;
            if let Some(Err(error)) = stream.tcp().map(|tcp| tune(&tcp, &settings)) {
                tracing::debug!(target: "everbeat", %error, "TCP options were refused");
            }
            Ok(crate::upgrade::client(Counted::new(stream), &request, &settings).await?)
        })
    }

    fn check(&self) -> Result<(), ConfigError> {
        match &self.problem {
            Some(problem) => Err(problem.clone()),
            None => self.settings.check(),
        }
    }

    fn classify(error: &ConnectError) -> Cause {
        error.classify()
    }
}

/// Tries each address of the request's host in turn
async fn dial<R: Runtime>(runtime: &R, request: &Request) -> Result<R::Stream, ConnectError> {
    let (host, port) = (request.host(), request.port());
    let resolved = match host.parse() {
        Ok(address) => Ok(vec![SocketAddr::new(address, port)]),
        Err(_) => runtime.resolve(host, port).await,
    };
    let addresses =
        resolved.map_err(|error| ConnectError::Resolve { host: host.to_owned(), error })?;
    let mut last = None;
    for address in addresses {
        match runtime.dial(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => {
                tracing::debug!(target: "everbeat", %address, %error, "no connection");
                last = Some(ConnectError::Dial { address, error });
            }
        }
    }
    Err(last.unwrap_or_else(|| {
        let error = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        ConnectError::Resolve { host: host.to_owned(), error }
    }))
}

impl<R: Runtime> Endpoint for Connector<R> {
    type Timer = R::Timer;

    fn from_url(url: &str) -> Result<Self, ConfigError> {
        Self::new(url)
    }

    fn timer(&self) -> R::Timer {
        self.timer.clone()
    }

    fn seed(&self) -> u64 {
        self.runtime.seed()
    }
}

impl<R: Runtime> fmt::Debug for Connector<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("request", &self.request)
            .field("fresh_requests", &self.make.is_some())
            .field("headers", &self.headers)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
