//! The extractor: a request of actix's that is a good one for an upgrade, and what it becomes.

use std::error::Error;
use std::fmt;
use std::future::{Future, Ready, ready};
use std::net::SocketAddr;

use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError, dev, web};
use everbeat_hosted::{Asking, Handle, Upgraded};
use everbeat_ws::upgrade::{Handshake, Origins, RequestHead, UpgradeError};

use crate::stream::Stream;
use crate::worker::{Body, join};
use crate::{Connection, Sockets, socket};

/// A good request for an upgrade, as an extractor; others are answered by its [`Rejection`]
///
/// It wants [`Sockets`] among the application's data. Nothing is answered yet: who is not to be let in
/// is answered otherwise, by dropping this.
///
/// ```
/// use actix_web::{HttpRequest, HttpResponse, web};
/// use everbeat_actix::{Connection, Handle, Upgrade};
///
/// struct App { greeting: String }
///
/// async fn feed(request: HttpRequest, app: web::Data<App>, upgrade: Upgrade<String>) -> HttpResponse {
///     let Some(user) = request.headers().get("x-user").and_then(|user| user.to_str().ok()) else {
///         return HttpResponse::Unauthorized().finish();
///     };
///     upgrade.on_connection_as(user.to_owned(), |connection, handle| greet(connection, handle, app)).await
/// }
///
/// async fn greet(
///     mut connection: Connection,
///     me: Handle<String>,
///     app: web::Data<App>,
/// ) -> Result<(), everbeat_actix::core::Cause> {
///     connection.send(format!("{}, {}", app.greeting, me.facts().principal)).await?;
///     connection.close().await;
///     Ok(())
/// }
/// # _ = feed;
/// ```
#[must_use = "a request is only upgraded with a handler for its connection"]
pub struct Upgrade<P = ()> {
    upgrade: everbeat_hosted::Upgrade<Stream, P>,
    body: Body,
}

/// # Panics
///
/// [`from_request`](FromRequest::from_request) does outside of a `LocalSet` or one of actix's workers,
/// for the body is read in a local task.
impl<P: Send + Sync + 'static> FromRequest for Upgrade<P> {
    type Error = Rejection;
    type Future = Ready<Result<Self, Rejection>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        ready(Self::of(request, payload))
    }
}

impl<P: Send + Sync + 'static> Upgrade<P> {
    fn of(request: &HttpRequest, payload: &mut dev::Payload) -> Result<Self, Rejection> {
        let Some(sockets) = request.app_data::<web::Data<Sockets<P>>>() else {
            tracing::error!(target: "everbeat", "no Sockets among the application's data");
            return Err(Rejection(everbeat_hosted::Rejection::NotUpgradable));
        };
        let mut body = None;
        let asking = Asks { request, payload, body: &mut body };
        let upgrade = sockets.upgrade(asking).map_err(Rejection)?;
        let body = body.ok_or(Rejection(everbeat_hosted::Rejection::NotUpgradable))?;
        Ok(Self { upgrade, body })
    }

    /// What the peer asked for
    #[must_use]
    pub fn head(&self) -> &RequestHead {
        self.upgrade.head()
    }

    /// Says the peer's address, where the socket's is not the right one: of the proxy's header, say
    pub fn peer(self, peer: SocketAddr) -> Self {
        Self { upgrade: self.upgrade.peer(peer), ..self }
    }

    /// Chooses one of the subprotocols that were asked for (RFC 6455, section 1.9); none by default
    ///
    /// One that was not asked for is a mistake of the route's, and is answered 500.
    pub fn subprotocol(self, subprotocol: impl Into<String>) -> Self {
        Self { upgrade: self.upgrade.subprotocol(subprotocol), ..self }
    }

    /// Upgrades, and serves the connection of this peer with `handler` in a task of its own
    ///
    /// The response is 101 once the server has taken the connection on, and its headers may be added
    /// to; or the status that says why not. Its body is the connection: if a layer replaces it, there is
    /// none, and `handler` is not called. The task runs where [`Sockets`] was made, and not on actix's
    /// worker.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, there is no upgrade.
    pub async fn on_connection_as<F, R, E>(self, principal: P, handler: F) -> HttpResponse
    where
        F: FnOnce(Connection, Handle<P>) -> R + Send + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let answer = self.upgrade.on_connection_as(principal, handler).await;
        if answer.status() != http::StatusCode::SWITCHING_PROTOCOLS {
            return refused(answer);
        }
        let mut response = HttpResponse::SwitchingProtocols();
        response.upgrade("websocket");
        for (name, value) in answer.headers() {
            if name != http::header::UPGRADE && name != http::header::CONNECTION {
                response.append_header((name.as_str(), value.as_bytes()));
            }
        }
        match response.message_body(self.body) {
            Ok(response) => response.map_into_boxed_body(),
            Err(error) => error.error_response(),
        }
    }
}

impl Upgrade {
    /// [`on_connection_as`](Self::on_connection_as) for whoever needs neither handle nor principal
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, there is no upgrade.
    pub async fn on_connection<F, R>(self, handler: F) -> HttpResponse
    where
        F: FnOnce(Connection) -> R + Send + 'static,
        R: Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        self.on_connection_as((), move |connection, _| handler(connection)).await
    }
}

impl<P> fmt::Debug for Upgrade<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade").field("head", self.upgrade.head()).finish_non_exhaustive()
    }
}

/// A request of actix's, and where the body of its answer goes
struct Asks<'a> {
    request: &'a HttpRequest,
    payload: &'a mut dev::Payload,
    body: &'a mut Option<Body>,
}

impl Asking<Stream> for Asks<'_> {
    fn judge(&self, origins: Option<&Origins>, secure: bool) -> Result<Handshake, UpgradeError> {
        Handshake::of(head(self.request)?, origins, secure)
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.request.peer_addr()
    }

    fn take(self) -> Option<Upgraded<Stream>> {
        let (body, upgraded) = join(self.payload.take(), socket::of(self.request));
        *self.body = Some(body);
        Some(upgraded)
    }
}

/// The head as our types of HTTP have it, for actix's are of another version
fn head(request: &HttpRequest) -> Result<http::Request<()>, UpgradeError> {
    use actix_web::http::Version;
    let version = match request.version() {
        Version::HTTP_11 => http::Version::HTTP_11,
        Version::HTTP_2 => http::Version::HTTP_2,
        _ => http::Version::HTTP_10,
    };
    let mut head = http::Request::builder()
        .method(request.method().as_str())
        .uri(request.uri().to_string())
        .version(version);
    for (name, value) in request.headers() {
        head = head.header(name.as_str(), value.as_bytes());
    }
    head.body(()).map_err(|error| UpgradeError::Other(Box::new(error)))
}

fn refused(answer: http::Response<String>) -> HttpResponse {
    let (head, body) = answer.into_parts();
    let status = StatusCode::from_u16(head.status.as_u16());
    let mut response = HttpResponse::build(status.unwrap_or(StatusCode::BAD_REQUEST));
    // actix says `Connection` by its kind, and by default that is the request's: mostly "upgrade", which
    // 426 has to say and nothing else may
    if !head.headers.contains_key(http::header::UPGRADE) {
        response.force_close();
    }
    for (name, value) in &head.headers {
        if name == http::header::UPGRADE {
            response.upgrade(value.as_bytes());
        } else if name != http::header::CONNECTION {
            response.append_header((name.as_str(), value.as_bytes()));
        }
    }
    response.body(body)
}

/// Why a request is not upgraded
///
/// | why | status |
/// |---|---|
/// | the method | 405, with `Allow` |
/// | `Connection`, `Upgrade`, `Sec-WebSocket-Version` | 426, with the version that is taken |
/// | every other header, content | 400 |
/// | a page of another origin | 403 |
/// | the server takes on no more, or is stopping | 503, or 429 for one address |
/// | a mistake of our own side | 500 |
pub struct Rejection(pub(crate) everbeat_hosted::Rejection);

impl Rejection {
    /// Which of the reasons it is
    #[must_use]
    pub const fn reason(&self) -> &everbeat_hosted::Rejection {
        &self.0
    }
}

impl ResponseError for Rejection {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status().as_u16()).unwrap_or(StatusCode::BAD_REQUEST)
    }

    fn error_response(&self) -> HttpResponse {
        refused(self.0.response())
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Rejection {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
