//! Who is let in: a [`Hook`] of the user's looks at each request and accepts or rejects it.

mod answer;
mod decide;
mod origins;
mod request;

use std::error::Error;
use std::fmt;
use std::future::{Future, Ready, ready};

pub(crate) use answer::{Refusal, grant, written};
pub(crate) use decide::{Gate, decide};
pub use origins::Origins;
pub use request::{RequestHead, UpgradeRequest};

/// Decides about each request for an upgrade: accepts it, with a principal of one's own type, or
/// rejects it with an HTTP status
///
/// Every `Fn(UpgradeRequest) -> Future` with that outcome is one. It runs in the upgrade's own task,
/// so that a slow one holds up nobody else; `hook_timeout` bounds its time, and a panic in it rejects
/// that request only, be it that of what it holds when it is dropped.
///
/// Who acts is only known from what a page of somebody else cannot have sent: a token does. Cookies,
/// a cached password (`Authorization: Basic`, NTLM, Negotiate) and a client certificate do not by
/// themselves, for a browser adds them to every page's request; where they decide, say
/// [`origins`](crate::accept::AcceptSettings::origins).
///
/// ```
/// use everbeat_ws::upgrade::{Reject, Upgrade, UpgradeRequest};
///
/// async fn by_token(request: UpgradeRequest) -> Result<Upgrade<u64>, Reject> {
///     let Some(token) = request.header("authorization") else {
///         return Err(Reject::status(401).header("WWW-Authenticate", "Bearer"));
///     };
///     let user = token.trim_start_matches("Bearer ").parse()?; // any error: 500, and logged
///     Ok(Upgrade::accept(user).subprotocol("chat.v1"))
/// }
/// # _ = by_token;
/// ```
pub trait Hook: Send + Sync + 'static {
    /// Who the peer is: what the hook found out and its handler is given
    type Principal: Send + Sync + 'static;
    /// The decision
    type Future: Future<Output = Result<Upgrade<Self::Principal>, Reject>> + Send;

    /// Begins to decide
    fn call(&self, request: UpgradeRequest) -> Self::Future;
}

impl<F, R, P> Hook for F
where
    F: Fn(UpgradeRequest) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Upgrade<P>, Reject>> + Send,
    P: Send + Sync + 'static,
{
    type Principal = P;
    type Future = R;

    fn call(&self, request: UpgradeRequest) -> R {
        self(request)
    }
}

/// The hook of those who have none: accepts every good request
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "it has nothing to decide")]
pub struct AcceptAll;

impl Hook for AcceptAll {
    type Principal = ();
    type Future = Ready<Result<Upgrade<()>, Reject>>;

    fn call(&self, _: UpgradeRequest) -> Self::Future {
        ready(Ok(Upgrade::accept(())))
    }
}

/// A hook's yes
#[derive(Clone)]
#[must_use = "a request is only accepted by the hook that returns it"]
pub struct Upgrade<P> {
    pub(crate) principal: P,
    pub(crate) subprotocol: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
}

impl<P> Upgrade<P> {
    /// Accepts the request; the handler is given the principal
    pub const fn accept(principal: P) -> Self {
        Self { principal, subprotocol: None, headers: Vec::new() }
    }

    /// Chooses one of the subprotocols that were asked for (RFC 6455, section 1.9); none by default
    ///
    /// One that was not asked for is a mistake of the hook's: the request is answered 500.
    pub fn subprotocol(mut self, subprotocol: impl Into<String>) -> Self {
        self.subprotocol = Some(subprotocol.into());
        self
    }

    /// A header of the answer, such as `Set-Cookie`; may be there more than once
    ///
    /// One that is no header, or that belongs to the handshake itself, is a mistake of the hook's:
    /// the request is answered 500.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// A hook's no
///
/// It is not an error itself, so that `?` in a hook can make it from every error, and from a boxed
/// one [`failed`](Self::failed) does: that is answered 500, and its text is logged and not told to
/// the peer.
#[must_use = "a request is only rejected by the hook that returns it"]
pub struct Reject {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// What went wrong here, for the log
    pub(crate) error: Option<Box<dyn Error + Send + Sync>>,
}

impl Reject {
    /// Rejects the request with this HTTP status, 300 to 599; one below 400 needs a header
    /// `Location`, but for 304
    ///
    /// Another one is a mistake of the hook's: the request is answered 500. A client of ours asks
    /// once more after 401 and 403, later after 429 and 5xx, and never again after 404.
    pub const fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new(), error: None }
    }

    /// Rejects the request with 500 because of an error, which is logged and not told to the peer
    ///
    /// For what `?` cannot take: a boxed error, or a text.
    ///
    /// ```
    /// use everbeat_ws::upgrade::{Reject, Upgrade, UpgradeRequest};
    ///
    /// # fn user_of(token: &str) -> Result<u64, Box<dyn std::error::Error + Send + Sync>> {
    /// #     Ok(token.parse()?)
    /// # }
    /// async fn by_token(request: UpgradeRequest) -> Result<Upgrade<u64>, Reject> {
    ///     let token = request.header("x-token").unwrap_or_default();
    ///     Ok(Upgrade::accept(user_of(token).map_err(Reject::failed)?))
    /// }
    /// # _ = by_token;
    /// ```
    pub fn failed(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { error: Some(error.into()), ..Self::status(500) }
    }

    /// A header of the answer, such as `WWW-Authenticate`; may be there more than once
    ///
    /// One that is no header, or that frames the answer itself, is a mistake of the hook's: the
    /// request is answered 500.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The answer's text, plain unless a header `Content-Type` says otherwise; empty by default, and
    /// with status 304, which has none (RFC 9110, section 15.4.5)
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Reject {
    fn from(error: E) -> Self {
        Self::failed(error)
    }
}

impl<P> fmt::Debug for Upgrade<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade").field("subprotocol", &self.subprotocol).finish_non_exhaustive()
    }
}

/// Headers may be secrets, and are not shown
impl fmt::Debug for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reject")
            .field("status", &self.status)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}
