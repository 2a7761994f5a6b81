//! A request of hyper's, whole or taken apart: what it says, and what is behind it.

use std::error::Error;
use std::net::SocketAddr;

use everbeat_hosted::{Asking, Upgraded};
use everbeat_ws::upgrade::{Handshake, Origins, UpgradeError};
use http::request::Parts;
use http::{Extensions, HeaderMap, Method, Request, Uri, Version};
use hyper::upgrade::OnUpgrade;

use crate::stream::Stream;

/// A `SocketAddr` among the extensions is the peer's address
impl<B> Asking<Stream> for &mut Request<B> {
    fn judge(&self, origins: Option<&Origins>, secure: bool) -> Result<Handshake, UpgradeError> {
        let head = head(self.method(), self.uri(), self.version(), self.headers());
        judge(head, self.extensions(), origins, secure)
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.extensions().get().copied()
    }

    fn take(self) -> Option<Upgraded<Stream>> {
        take(self.extensions_mut())
    }
}

/// For a framework that has taken the request apart
impl Asking<Stream> for &mut Parts {
    fn judge(&self, origins: Option<&Origins>, secure: bool) -> Result<Handshake, UpgradeError> {
        let head = head(&self.method, &self.uri, self.version, &self.headers);
        judge(head, &self.extensions, origins, secure)
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.extensions.get().copied()
    }

    fn take(self) -> Option<Upgraded<Stream>> {
        take(&mut self.extensions)
    }
}

fn head(method: &Method, uri: &Uri, version: Version, headers: &HeaderMap) -> Request<()> {
    let mut head = Request::new(());
    *head.method_mut() = method.clone();
    *head.uri_mut() = uri.clone();
    *head.version_mut() = version;
    *head.headers_mut() = headers.clone();
    head
}

/// Judges a request by the HTTP that it came by
fn judge(
    head: Request<()>,
    extensions: &Extensions,
    origins: Option<&Origins>,
    secure: bool,
) -> Result<Handshake, UpgradeError> {
    #[cfg(feature = "http2")]
    if let Some(protocol) = extensions.get::<hyper::ext::Protocol>() {
        if protocol.as_str() != "websocket" {
            return Err(UpgradeError::Header(":protocol"));
        }
        return Handshake::extended_connect(head, origins, secure);
    }
    _ = extensions;
    Handshake::of(head, origins, secure)
}

/// `None` if somebody else has taken the upgrade, or the request did not come from hyper
fn take(extensions: &mut Extensions) -> Option<Upgraded<Stream>> {
    let on_upgrade = extensions.remove::<OnUpgrade>()?;
    Some(Box::pin(async move {
        let upgraded: Result<_, Box<dyn Error + Send + Sync>> =
            on_upgrade.await.map_err(Into::into);
        upgraded.map(Stream::unpack)
    }))
}
