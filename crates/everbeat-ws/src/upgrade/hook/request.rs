//! What a peer asks for: the head of its request.

use std::fmt;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;

use async_tungstenite::tungstenite::http::header::COOKIE;
use async_tungstenite::tungstenite::http::{HeaderMap, Request, Uri};

/// The head of a request for an upgrade: path, query and headers
///
/// `Cookie` is left out unless the acceptor was told that
/// [`cookies`](crate::accept::AcceptSettings::cookies) authenticate. Its `Debug` shows neither query
/// nor values: they may be secrets. A clone shares it.
#[derive(Clone)]
pub struct RequestHead(Arc<Parts>);

struct Parts {
    uri: Uri,
    headers: HeaderMap,
    /// As DER
    certificates: Vec<Vec<u8>>,
}

impl RequestHead {
    pub(crate) fn new(request: Request<()>, cookies: bool, certificates: Vec<Vec<u8>>) -> Self {
        let (parts, ()) = request.into_parts();
        let mut headers = parts.headers;
        if !cookies {
            headers.remove(COOKIE);
        }
        Self(Arc::new(Parts { uri: parts.uri, headers, certificates }))
    }

    /// The path, such as `/feed`
    #[must_use]
    pub fn path(&self) -> &str {
        self.0.uri.path()
    }

    /// The query behind the path, without `?`
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.0.uri.query()
    }

    /// A header's first value, if it is text; names are compared without case
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.headers.get(name)?.to_str().ok()
    }

    /// The web page that asks, as its browser says (RFC 6454, section 7); `None` if no browser asks
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.header("origin")
    }

    /// The certificates that the client showed, as DER: its own first, then what it sent along to
    /// lead to a root; none unless the server asks for them (`ServerTls::clients`)
    ///
    /// The first is proven: its key is the client's, it is valid now, it leads to one of the roots,
    /// and no list revokes it. The others may be more than were needed, and prove nothing by
    /// themselves.
    pub fn certificates(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.0.certificates.iter().map(Vec::as_slice)
    }

    /// How many origins it names; a browser names one at most (RFC 6454, section 7.3)
    pub(super) fn origins(&self) -> usize {
        self.0.headers.get_all("origin").iter().count()
    }

    /// The subprotocols that the peer offers, the best first (RFC 6455, section 1.9)
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> {
        let lines = self.0.headers.get_all("sec-websocket-protocol").iter();
        let lines = lines.filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(',')).map(str::trim).filter(|name| !name.is_empty())
    }
}

impl fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The keys' own `Debug` shows the whole map
        let names: Vec<_> = self.0.headers.keys().collect();
        f.debug_struct("RequestHead")
            .field("path", &self.path())
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}

/// What a hook decides about: a request's head, and where it comes from
#[derive(Clone, Debug)]
pub struct UpgradeRequest {
    peer: SocketAddr,
    head: RequestHead,
}

impl UpgradeRequest {
    pub(crate) const fn new(peer: SocketAddr, head: RequestHead) -> Self {
        Self { peer, head }
    }

    /// The address of the socket's other end: behind a proxy, the proxy's
    #[must_use]
    pub const fn peer(&self) -> SocketAddr {
        self.peer
    }
}

impl Deref for UpgradeRequest {
    type Target = RequestHead;

    fn deref(&self) -> &RequestHead {
        &self.head
    }
}
