//! Making connections: [`Connector`] resolves, dials and upgrades, with a fresh request for every
//! attempt if it is told how to make one.

mod custom;
mod dial;
mod error;
mod hook;
mod race;
mod request;

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use everbeat_core::Cause;
use everbeat_core::config::ConfigError;
use everbeat_core::reconnect::Endpoints;
use everbeat_core::transport::{Attempt, Connect, Endpoint, Several};

use crate::runtime::Runtime;
use crate::settings::{Settings, forward_limits};
use crate::socket::{Counted, Socket, tune_stream};
use crate::tls;
use crate::websocket::WebSocket;

use custom::Custom;
pub use error::ConnectError;
pub use hook::{Dial, Dialing, Direct, Hooked};
use request::Headers;
pub use request::{Request, RequestBuilder};

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Connects to a URL on a runtime: name, addresses, TCP, TLS, upgrade
///
/// A name's addresses race as RFC 8305 says: the families take turns, each address gets 250 ms
/// before the next is tried beside it, a failure lets the next start at once, and the first to
/// connect wins.
///
/// Its `Debug` shows no header's value: they may be secrets.
///
/// A client keeps it for as long as it lives, and needs it for its attempts alone: it is the URL's
/// letters, and a pointer to what it was told beyond them.
pub struct Connector<R: Runtime, D = Direct> {
    runtime: R,
    /// A URL that was parsed, and is for every attempt
    url: Box<str>,
    custom: Option<Box<Custom>>,
    dial: D,
}

impl<R: Runtime> Connector<R> {
    /// A connector to `url`, such as `wss://example.com/feed`
    ///
    /// # Errors
    ///
    /// The URL has another scheme, no host, a fragment, a password or a character that is not
    /// ASCII, or is none; `wss` needs the feature `tls`.
    pub fn new(url: &str) -> Result<Self, ConfigError> {
        Request::parse(url)?;
        Ok(Self { runtime: R::default(), url: url.into(), custom: None, dial: Direct })
    }
}

impl<R: Runtime, D> Connector<R, D> {
    /// Opens the stream below each WebSocket by a function of one's own: through a proxy, a tunnel, a
    /// Unix socket; by default the URL's host is dialled
    ///
    /// The stream leads to the host that the hook is [told](Dialing), and no byte of the host's was
    /// read from it. Everything else is as ever: the upgrade is asked for over it, for `wss` behind
    /// TLS with the host's own certificate, so that a proxy reads nothing; all within the time of an
    /// attempt. A [`Cause`] as its error is taken at its word: `Cause::Rejected` with 407 is not tried
    /// again, with 503 it is; a `retry_after` in it is waited for however long it is, so bound it. Any
    /// other is [`Cause::Unreachable`].
    ///
    /// A TCP stream of the runtime's, such as [`Dialing::tcp`] makes, tells how far our bytes got,
    /// which is then as far as the proxy: a road that is broken behind it is a death of the program
    /// (`App`), by that clock. What goes another way than one socket is
    /// [`Adopted`](crate::Adopted), which tells nothing of it.
    ///
    /// ```
    /// use everbeat_ws::connect::ConnectError;
    /// use everbeat_ws::{Connector, Runtime};
    /// # use everbeat_core::config::ConfigError;
    ///
    /// # fn test<R: Runtime>() -> Result<(), ConfigError> {
    /// let connector = Connector::<R>::new("ws://inside.example/feed")?;
    /// let by_the_gate = connector.dial(|dialing| async move {
    ///     let stream = dialing.tcp("gate.example", 1080).await?;
    ///     // Here the gate is asked for `dialing.authority()`, over the stream.
    ///     Ok::<_, ConnectError>(stream)
    /// });
    /// # drop(by_the_gate);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn dial<F, Fut, S, E>(self, dial: F) -> Connector<R, Hooked<R, S>>
    where
        F: Fn(Dialing<R>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<S, E>> + Send + 'static,
        S: Socket + Send + Unpin + 'static,
        E: Into<BoxError>,
    {
        let Self { runtime, url, custom, dial: _ } = self;
        Connector { runtime, url, custom, dial: Hooked::new(dial) }
    }

    /// The URL of an endpoint; of one that there is not, the first
    fn url(&self, endpoint: usize) -> &str {
        let other =
            endpoint.checked_sub(1).and_then(|index| self.custom.as_ref()?.others.get(index));
        other.unwrap_or(&self.url)
    }

    /// What it is told beyond its URL
    pub(crate) fn custom(&mut self) -> &mut Custom {
        self.custom.get_or_insert_default()
    }

    forward_limits!(it => &mut it.custom().settings);

    /// A header of every request, unless the request has it already
    ///
    /// A name or value that cannot be is reported when the client is built.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.custom().note(|headers| headers.add(name, value));
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
            self.custom().note(|headers| headers.add_subprotocol(protocol.as_ref()));
        }
        self
    }

    /// How to make each attempt's request: another host, a fresh token
    ///
    /// Called anew for every attempt, inside its time limit. The URL that this connector was made
    /// with, and those of its [endpoints](everbeat_core::client::ClientBuilder::endpoint), of which
    /// [`Attempt::endpoint`] says one, are then not used, except that one for `wss` stays one for `wss`: a request for `ws` is
    /// then [`ConnectError::Downgrade`], and nobody is dialled.
    #[must_use]
    pub fn request<F, Fut, E>(mut self, mut make: F) -> Self
    where
        F: FnMut(Attempt) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Request, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        self.custom().make = Some(Box::new(move |attempt| {
            let made = make(attempt);
            Box::pin(async move { made.await.map_err(Into::into) })
        }));
        self
    }
}

impl<R: Runtime, D: Dial<R>> Connect for Connector<R, D> {
    type Transport = WebSocket<D::Stream>;
    type Error = ConnectError;
    type Future = Boxed<Result<WebSocket<D::Stream>, ConnectError>>;

    fn connect(&mut self, attempt: Attempt) -> Self::Future {
        let usual = match self.check().and_then(|()| Request::parse(self.url(attempt.endpoint))) {
            Ok(request) => request,
            Err(problem) => return Box::pin(async { Err(ConnectError::Config(problem)) }),
        };
        let secure = usual.is_secure();
        let (made, headers, settings, tls) = match self.custom.as_deref_mut() {
            Some(Custom { make, headers, settings, tls, .. }) => {
                let made = make.as_mut().map(|make| make(attempt.clone()));
                (made, headers.clone(), *settings, tls.clone())
            }
            None => (None, Headers::default(), Settings::default(), None),
        };
        let (runtime, dial) = (self.runtime.clone(), self.dial.clone());
        Box::pin(async move {
            let mut request = match made {
                Some(made) => made.await.map_err(ConnectError::Request)?,
                None => usual,
            };
            if secure && !request.is_secure() {
                return Err(ConnectError::Downgrade);
            }
            request.add_missing(&headers);
            let stream = dial.dial(Dialing::new(runtime, &request, attempt)).await?;
            tune_stream(&stream, &settings);
            let socket = tls::secure_client(tls, &request, Counted::new(stream)).await?;
            Ok(crate::upgrade::client(socket, &request, &settings).await?)
        })
    }

    fn endpoints(&self) -> usize {
        1 + self.custom.as_ref().map_or(0, |custom| custom.others.len())
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.custom.as_ref().map_or(Ok(()), |custom| custom.check())
    }

    fn classify(error: &ConnectError) -> Cause {
        error.classify()
    }
}

impl<R: Runtime, D: Dial<R>> Several for Connector<R, D> {
    fn and(mut self, url: &str) -> Result<Self, ConfigError> {
        let other = Request::parse(url)?;
        // Who breaks the road to the first is not to choose one without TLS
        if Request::parse(&self.url)?.is_secure() && !other.is_secure() {
            let problem = "has scheme ws: a client for wss has no endpoint without TLS";
            return Err(ConfigError::new("endpoint", problem));
        }
        if self.endpoints() == Endpoints::MOST {
            let most = Endpoints::MOST;
            return Err(ConfigError::new("endpoint", format_args!("is over the limit of {most}")));
        }
        self.custom().others.push(url.into());
        Ok(self)
    }
}

impl<R: Runtime> Endpoint for Connector<R> {
    type Timer = R::Timer;

    fn from_url(url: &str) -> Result<Self, ConfigError> {
        Self::new(url)
    }

    fn timer(&self) -> R::Timer {
        self.runtime.timer()
    }

    fn seed(&self) -> u64 {
        self.runtime.seed()
    }
}

impl<R: Runtime, D> fmt::Debug for Connector<R, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("request", &Request::parse(&self.url).ok())
            .field("custom", &self.custom)
            .finish_non_exhaustive()
    }
}

/// A client keeps it while it is connected, beside the runtime, which is nothing
#[test]
fn it_is_three_words() {
    assert_eq!(size_of::<(Box<str>, Option<Box<Custom>>)>(), size_of::<[usize; 3]>());
}
