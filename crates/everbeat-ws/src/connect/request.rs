//! A request for an upgrade: URL, headers, subprotocols; parsed once, so that what reaches the wire
//! is well-formed. `Debug` redacts what may be a secret.

use std::fmt;
use std::net::Ipv6Addr;

use async_tungstenite::tungstenite::handshake::client::generate_key;
use async_tungstenite::tungstenite::http::header::{
    AUTHORIZATION, HOST, HeaderName, HeaderValue, SEC_WEBSOCKET_PROTOCOL,
};
use async_tungstenite::tungstenite::http::uri::Authority;
use async_tungstenite::tungstenite::http::{self, HeaderMap, Uri};
use everbeat_core::config::ConfigError;

use super::BoxError;
use crate::tls;

const WS: &str = "ws";
const WSS: &str = "wss";

/// A request for an upgrade (RFC 6455, section 4.1)
///
/// ```
/// use everbeat_ws::connect::Request;
///
/// let request = Request::to("ws://example.com/feed").bearer("secret").build()?;
/// assert_eq!(request.host(), "example.com");
/// assert_eq!(request.port(), 80);
/// assert!(!format!("{request:?}").contains("secret"));
/// # Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Clone)]
pub struct Request {
    uri: Uri,
    headers: Headers,
}

impl Request {
    /// Begins a request to `url`, such as `ws://example.com/feed?all`
    pub fn to(url: impl Into<String>) -> RequestBuilder {
        RequestBuilder { url: url.into(), headers: Headers::default(), problem: None }
    }

    /// The host: a name or an address, without brackets
    #[must_use]
    pub fn host(&self) -> &str {
        let host = self.uri.host().unwrap_or_default();
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }

    /// The port; if the URL has none, 443 for `wss` and 80 for `ws` (RFC 6455, section 3)
    #[must_use]
    pub fn port(&self) -> u16 {
        self.uri.port_u16().unwrap_or_else(|| if self.is_secure() { 443 } else { 80 })
    }

    /// Whether the URL is `wss`: TLS is spoken below
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.uri.scheme_str() == Some(WSS)
    }

    pub(super) fn parse(url: &str) -> Result<Self, ConfigError> {
        let refuse = |problem: &str| ConfigError::new("url", problem);
        // The parser drops a fragment silently; RFC 6455, section 3, forbids it
        if url.contains('#') {
            return Err(refuse("has a fragment (`#`), which a WebSocket URL cannot have"));
        }
        // The parser lets it through to the wire (RFC 3986, section 2)
        if !url.is_ascii() {
            return Err(refuse("has a character that is not ASCII: it must be percent-encoded"));
        }
        // The parser's own words for this would not help
        if !url.contains("://") {
            return Err(refuse("has no scheme: it must begin with ws:// or wss://"));
        }
        let uri: Uri = url
            .parse()
            .map_err(|error| ConfigError::new("url", format_args!("is not a URL: {error}")))?;
        let scheme = match uri.scheme_str() {
            Some(scheme) if scheme.eq_ignore_ascii_case(WS) => WS,
            Some(scheme) if scheme.eq_ignore_ascii_case(WSS) && tls::AVAILABLE => WSS,
            Some(scheme) if scheme.eq_ignore_ascii_case(WSS) => {
                return Err(refuse(
                    "has scheme wss: TLS needs the feature `tls` of everbeat's crate for your runtime",
                ));
            }
            Some(scheme) => {
                return Err(ConfigError::new(
                    "url",
                    format_args!("has scheme {scheme}: it must be ws or wss"),
                ));
            }
            None => return Err(refuse("has no scheme: it must begin with ws:// or wss://")),
        };
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        if authority.contains('@') {
            return Err(refuse("has a user or password: send an Authorization header instead"));
        }
        check_host_and_port(authority).map_err(refuse)?;
        // What comes later compares the scheme by its letters
        let mut parts = uri.into_parts();
        parts.scheme = scheme.parse().ok();
        // A query without a path would be asked for as it stands: only its `Display` adds the slash
        parts.path_and_query = parts.path_and_query.and_then(|path| path.to_string().parse().ok());
        let uri = Uri::from_parts(parts)
            .map_err(|error| ConfigError::new("url", format_args!("is not a URL: {error}")))?;
        Ok(Self { uri, headers: Headers::default() })
    }

    /// Takes over each header, and the subprotocols, that the request does not have
    pub(super) fn add_missing(&mut self, defaults: &Headers) {
        for name in defaults.0.keys() {
            if !self.headers.0.contains_key(name) {
                for value in defaults.0.get_all(name) {
                    self.headers.0.append(name.clone(), value.clone());
                }
            }
        }
    }

    /// The request as it goes out, with a key of its own
    pub(crate) fn to_http(&self) -> Result<http::Request<()>, http::Error> {
        let host = self.uri.authority().map_or("", |authority| authority.as_str());
        let mut request = http::Request::builder()
            .uri(self.uri.clone())
            .header("Host", host)
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", generate_key())
            .body(())?;
        for name in self.headers.0.keys() {
            request.headers_mut().remove(name);
            for value in self.headers.0.get_all(name) {
                request.headers_mut().append(name.clone(), value.clone());
            }
        }
        Ok(request)
    }
}

/// What the parser lets pass: other things than an address in brackets or beside them, signs in
/// front of a port (RFC 3986, section 3.2)
fn check_host_and_port(authority: &str) -> Result<(), &'static str> {
    let (host, behind) = match authority.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((address, behind))) if address.parse::<Ipv6Addr>().is_ok() => (address, behind),
        None if !authority.contains(['[', ']']) => {
            authority.split_at(authority.find(':').unwrap_or(authority.len()))
        }
        _ => return Err("has brackets: only an IPv6 address has them, and it alone"),
    };
    if host.is_empty() {
        return Err("has no host");
    }
    if behind.is_empty() {
        return Ok(());
    }
    match behind.strip_prefix(':').map(|port| (port.starts_with('+'), port.parse())) {
        Some((false, Ok(1..=u16::MAX))) => Ok(()),
        _ => Err("has a port that cannot be: it must be between 1 and 65535"),
    }
}

fn is_host(value: &str) -> bool {
    let parsed = value.parse::<Authority>().is_ok() && !value.contains('@');
    parsed && check_host_and_port(value).is_ok()
}

/// The URL without its query, the headers without their values
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("host", &self.host())
            .field("port", &self.port())
            .field("path", &self.uri.path())
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}

/// A request in the making
///
/// What is wrong with a part is reported by [`build`](Self::build).
#[derive(Clone)]
#[must_use]
pub struct RequestBuilder {
    url: String,
    headers: Headers,
    problem: Option<ConfigError>,
}

impl RequestBuilder {
    /// `Authorization: Bearer`, with this token (RFC 6750)
    pub fn bearer(self, token: impl fmt::Display) -> Self {
        self.header(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    /// One more header; `Host` once, in place of the URL's
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Err(problem) = self.headers.add(name, value) {
            self.problem.get_or_insert(problem);
        }
        self
    }

    /// One more subprotocol to choose from, less preferred than those before it
    pub fn subprotocol(mut self, name: &str) -> Self {
        if let Err(problem) = self.headers.add_subprotocol(name) {
            self.problem.get_or_insert(problem);
        }
        self
    }

    /// The request
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] that names `url`, `header` or `subprotocol`. It is boxed, so that a
    /// function that makes a request may use `?` on every error on its way here.
    pub fn build(self) -> Result<Request, BoxError> {
        if let Some(problem) = self.problem {
            return Err(problem.into());
        }
        Ok(Request { headers: self.headers, ..Request::parse(&self.url)? })
    }
}

impl fmt::Debug for RequestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBuilder")
            .field("headers", &self.headers)
            .field("problem", &self.problem)
            .finish_non_exhaustive()
    }
}

/// Headers that were checked
#[derive(Clone, Default)]
pub(super) struct Headers(HeaderMap);

impl Headers {
    pub(super) fn add(&mut self, name: &str, value: &str) -> Result<(), ConfigError> {
        let refuse = |problem: &str| {
            Err(ConfigError::new("header", format_args!("{}: {problem}", name.escape_debug())))
        };
        let Ok(header) = name.parse::<HeaderName>() else {
            return refuse("is not a header's name");
        };
        let lower = header.as_str();
        if matches!(lower, "connection" | "upgrade") || lower.starts_with("sec-websocket-") {
            return refuse("belongs to the upgrade itself");
        }
        // Servers refuse anything else (RFC 9112, section 3.2)
        if header == HOST && (!is_host(value) || self.0.contains_key(HOST)) {
            return refuse("must be one host, with or without a port");
        }
        // The value may be a secret, so the error does not show it
        let Ok(mut value) = value.parse::<HeaderValue>() else {
            return refuse("has a value with characters that a header cannot have");
        };
        value.set_sensitive(true);
        self.0.append(header, value);
        Ok(())
    }

    pub(super) fn add_subprotocol(&mut self, name: &str) -> Result<(), ConfigError> {
        // A subprotocol is a token, as a header's name is (RFC 6455, section 4.1)
        let token = !name.is_empty() && name.parse::<HeaderName>().is_ok();
        let before = self.0.get(SEC_WEBSOCKET_PROTOCOL).and_then(|value| value.to_str().ok());
        let list = before.map_or_else(|| name.to_owned(), |before| format!("{before}, {name}"));
        match list.parse() {
            Ok(value) if token => {
                self.0.insert(SEC_WEBSOCKET_PROTOCOL, value);
                Ok(())
            }
            _ => Err(ConfigError::new(
                "subprotocol",
                format_args!("{}: is not a token", name.escape_debug()),
            )),
        }
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_cannot_be_is_refused_with_its_reason() {
        let bad = [
            ("http://a/", "must be ws"),
            ("ws://", "not a URL"),
            ("a.example/feed", "scheme"),
            ("/feed", "scheme"),
            ("", "scheme"),
            ("ws://a/#b", "fragment"),
            ("ws://user:password@a/", "password"),
            ("ws://a:0/", "port"),
            ("ws://a:/", "port"),
            ("ws://[::1]:99999/", "port"),
            ("ws://a b/", "not a URL"),
            ("ws://:80/", "host"),
            ("ws://[]/", "brackets"),
            ("ws://[a.example]/", "brackets"),
            ("ws://a[::1]/", "brackets"),
            ("ws://[::1]80/", "port"),
            ("ws://a:+80/", "port"),
            ("ws://a/grüße", "percent-encoded"),
        ];
        for (url, reason) in bad {
            let error = Request::parse(url).unwrap_err();
            assert_eq!(error.setting(), "url");
            assert!(error.to_string().contains(reason), "{url}: {error}");
            assert!(!error.to_string().contains("password@"), "{error}");
        }
    }

    #[test]
    fn wss_needs_the_feature() {
        match (cfg!(feature = "tls"), Request::parse("WSS://a/")) {
            (true, Ok(request)) => assert!(request.is_secure() && request.port() == 443),
            (false, Err(error)) => assert!(error.to_string().contains("feature `tls`"), "{error}"),
            (_, parsed) => panic!("{parsed:?}"),
        }
        let plain = Request::parse("ws://a/").unwrap();
        assert!(!plain.is_secure() && plain.port() == 80);
    }

    #[test]
    fn a_url_is_taken_apart() {
        let parts = |url: &str| {
            let request = Request::parse(url).unwrap();
            let http = request.to_http().unwrap();
            let target = http.uri().path_and_query().unwrap().as_str().to_owned();
            let host = http.headers()["host"].to_str().unwrap().to_owned();
            (request.host().to_owned(), request.port(), host, target)
        };
        assert_eq!(parts("ws://a"), ("a".into(), 80, "a".into(), "/".into()));
        assert_eq!(parts("ws://a?c=d"), ("a".into(), 80, "a".into(), "/?c=d".into()));
        assert_eq!(parts("WS://a:81/b?c=d"), ("a".into(), 81, "a:81".into(), "/b?c=d".into()));
        assert_eq!(parts("ws://[::1]:9/"), ("::1".into(), 9, "[::1]:9".into(), "/".into()));
        assert_eq!(parts("ws://[::1]/"), ("::1".into(), 80, "[::1]".into(), "/".into()));
    }

    #[test]
    fn headers_are_checked_and_the_upgrades_own_are_kept() {
        let error = |builder: RequestBuilder| {
            let error = builder.build().unwrap_err();
            error.downcast_ref::<ConfigError>().unwrap().to_string()
        };
        let to = || Request::to("ws://a");
        assert!(error(to().header("a b", "")).contains("name"));
        assert!(error(to().header("Sec-WebSocket-Key", "")).contains("upgrade itself"));
        assert!(error(to().subprotocol("a,b")).contains("token"));
        for host in ["", "a b", "a/b", "b@a", "grüße", "a:+1"] {
            assert!(error(to().header("Host", host)).contains("one host"), "{host}");
        }
        assert!(error(to().header("Host", "a").header("host", "b")).contains("one host"));
        let secret = error(to().bearer("s3cret\r\nX: y"));
        assert!(secret.contains("authorization") && !secret.contains("s3cret"), "{secret}");
    }

    #[test]
    fn what_a_request_has_the_connector_does_not_add() {
        let mut request = Request::to("ws://a")
            .header("X-A", "request")
            .header("Host", "b")
            .subprotocol("one")
            .subprotocol("two")
            .build()
            .unwrap();
        let mut defaults = Headers::default();
        defaults.add("x-a", "connector").unwrap();
        defaults.add("x-b", "connector").unwrap();
        defaults.add_subprotocol("three").unwrap();
        request.add_missing(&defaults);
        let http = request.to_http().unwrap();
        assert_eq!(http.headers()["x-a"], "request");
        assert_eq!(http.headers()["x-b"], "connector");
        assert_eq!(http.headers()["host"], "b");
        assert_eq!(http.headers()["sec-websocket-protocol"], "one, two");
        assert_eq!(http.headers().get_all("host").iter().count(), 1);
    }

    #[test]
    fn debug_shows_no_secret() {
        let request = Request::to("ws://a/b?token=s3cret").bearer("s3cret").build().unwrap();
        let shown = format!("{request:?}");
        assert!(!shown.contains("s3cret") && shown.contains("authorization"), "{shown}");
        let builder = Request::to("ws://a/b?token=s3cret").bearer("s3cret");
        assert!(!format!("{builder:?}").contains("s3cret"));
    }
}
