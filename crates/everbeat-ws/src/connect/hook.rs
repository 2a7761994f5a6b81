//! Who opens the stream below a client's WebSocket: the runtime, directly, or a function of the
//! application's, which may go through a proxy, a tunnel, or another machine.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use everbeat_core::Cause;
use everbeat_core::transport::Attempt;

use super::{BoxError, Boxed, ConnectError, dial};
use crate::runtime::Runtime;
use crate::socket::Socket;

/// How a [`Connector`](super::Connector) comes to a stream: [`Direct`], or [`Hooked`]
///
/// What an application has to say goes into the function that it hands to
/// [`Connector::dial`](super::Connector::dial).
pub trait Dial<R: Runtime>: Clone + Send + 'static {
    /// A stream that leads to the host
    type Stream: Socket + Send + Unpin + 'static;

    /// Opens one
    ///
    /// # Errors
    ///
    /// The host is not reached.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future abandons the stream.
    fn dial(
        &self,
        dialing: Dialing<R>,
    ) -> impl Future<Output = Result<Self::Stream, ConnectError>> + Send;
}

/// Dials the URL's host itself
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Direct;

impl<R: Runtime> Dial<R> for Direct {
    type Stream = R::Stream;

    async fn dial(&self, dialing: Dialing<R>) -> Result<R::Stream, ConnectError> {
        dialing.tcp(dialing.host(), dialing.port()).await
    }
}

type Hook<R, S> = dyn Fn(Dialing<R>) -> Boxed<Result<S, ConnectError>> + Send + Sync;

/// Dials by a function of the application's, which gives streams of the type `S`
pub struct Hooked<R, S>(Arc<Hook<R, S>>);

impl<R, S> Hooked<R, S> {
    pub(super) fn new<F, Fut, E>(dial: F) -> Self
    where
        F: Fn(Dialing<R>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<S, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        Self(Arc::new(move |dialing| {
            let dialled = dial(dialing);
            Box::pin(async move { dialled.await.map_err(|error| hooks_own(error.into())) })
        }))
    }
}

/// What the hook was told by us it may pass on, and it is told as if there were no hook
fn hooks_own(error: BoxError) -> ConnectError {
    match error.downcast::<ConnectError>() {
        Ok(ours) => *ours,
        Err(theirs) => ConnectError::Hook(theirs),
    }
}

impl<R: Runtime, S: Socket + Send + Unpin + 'static> Dial<R> for Hooked<R, S> {
    type Stream = S;

    async fn dial(&self, dialing: Dialing<R>) -> Result<S, ConnectError> {
        (self.0)(dialing).await
    }
}

impl<R, S> Clone for Hooked<R, S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<R, S> fmt::Debug for Hooked<R, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooked").finish_non_exhaustive()
    }
}

/// What a dial hook is told, and what it is lent
pub struct Dialing<R> {
    host: String,
    port: u16,
    secure: bool,
    attempt: Attempt,
    runtime: R,
}

impl<R: Runtime> Dialing<R> {
    pub(super) fn new(runtime: R, request: &super::Request, attempt: Attempt) -> Self {
        let (host, port) = (request.host().to_owned(), request.port());
        Self { host, port, secure: request.is_secure(), attempt, runtime }
    }

    /// The host that the stream is to lead to: a name or an address, without brackets
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as a proxy is told, such as `example.com:443` or `[::1]:443` (RFC 9110, section
    /// 7.2)
    #[must_use]
    pub fn authority(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    /// Whether TLS will be spoken over the stream; the hook does not speak it
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Which attempt this is, and what ended the one before
    #[must_use]
    pub const fn attempt(&self) -> &Attempt {
        &self.attempt
    }

    /// A TCP connection to any host, as the client would open it by itself: the name is resolved, and
    /// its addresses race (RFC 8305)
    ///
    /// # Errors
    ///
    /// The name has no address, or none of its addresses could be connected to. A hook passes it on
    /// by `?`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future abandons every attempt.
    pub async fn tcp(&self, host: &str, port: u16) -> Result<R::Stream, ConnectError> {
        dial::dial(&self.runtime, &self.runtime.timer(), host, port).await
    }
}

impl<R> fmt::Debug for Dialing<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialing")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("secure", &self.secure)
            .field("attempt", &self.attempt.number)
            .finish_non_exhaustive()
    }
}

/// The hook's error as data: a [`Cause`] is taken at its word
pub(super) fn classify(error: &BoxError) -> Cause {
    match error.downcast_ref::<Cause>() {
        Some(cause) => cause.clone(),
        None => {
            let mut detail = format!("the dial hook made no connection: {error}");
            let mut source = error.source();
            while let Some(error) = source {
                detail.push_str(&format!(": {error}"));
                source = error.source();
            }
            Cause::Unreachable { detail: detail.into() }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_cause_is_taken_at_its_word_and_any_other_error_is_a_way_that_leads_nowhere() {
        let refused = Cause::Rejected { status: 407, retry_after: None };
        assert_eq!(ConnectError::Hook(refused.clone().into()).classify(), refused);
        let broken = ConnectError::Hook(io::Error::other("the proxy is asleep").into()).classify();
        let Cause::Unreachable { detail } = broken else { panic!("{broken:?}") };
        assert!(detail.contains("dial hook") && detail.contains("asleep"), "{detail}");
    }

    #[test]
    fn what_it_was_told_by_us_it_passes_on_as_it_is() {
        let passed = hooks_own(ConnectError::Dial { failures: Vec::new() }.into());
        assert!(matches!(passed, ConnectError::Dial { .. }), "{passed:?}");
        assert!(matches!(hooks_own("no".into()), ConnectError::Hook(_)));
    }
}
