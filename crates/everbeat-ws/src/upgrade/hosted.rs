//! An upgrade whose HTTP is somebody else's, a web framework's: the request is judged and answered as
//! an acceptor of ours would do it, and no byte is read or written here.

use http::header::{COOKIE, HOST};
use http::{HeaderValue, Method, Request, Response, Version};

use super::UpgradeError;
use super::hook::{Origins, RequestHead, Upgrade, grant};
use super::server::judge;

/// A good request for an upgrade, read by somebody else's HTTP server, and the answer that grants it
///
/// What an [`Acceptor`](crate::Acceptor) refuses is refused here, with the same error, whose
/// [`response`](UpgradeError::response) is to be sent. What only the bytes tell is for the HTTP server
/// to see: how long the head may be, and whether the client waited for its answer.
///
/// ```
/// use everbeat_ws::upgrade::{Handshake, Upgrade, UpgradeError};
///
/// fn answer(request: http::Request<()>) -> http::Response<String> {
///     let granted = Handshake::of(request, None, false)
///         .and_then(|handshake| handshake.grant(&Upgrade::accept(()).subprotocol("chat.v1")));
///     match granted {
///         Ok(response) => response.map(|()| String::new()), // and then the frames
///         Err(error) => error.response().unwrap_or_default(),
///     }
/// }
/// let plain = http::Request::get("/feed").body(()).unwrap();
/// assert_eq!(answer(plain).status(), 426);
/// ```
#[derive(Debug)]
pub struct Handshake {
    head: RequestHead,
    answer: Response<()>,
}

impl Handshake {
    /// Judges a request of HTTP/1.1 (RFC 6455, section 4.2.1)
    ///
    /// `origins` are those whose pages may connect. With `None` a request that carries cookies is held
    /// to [`Origins::same_host`], and others pass: a framework shows cookies to whoever handles the
    /// request, and a browser sends them for every page.
    ///
    /// `secure` says that the request came over TLS, which a request of HTTP/1.1 does not say itself.
    /// To [`Origins::same_host`] a page of `http` is then of another origin, as it is to a browser
    /// (RFC 6454, section 4): anybody on the page's road may have changed it.
    ///
    /// # Errors
    ///
    /// The method is not GET, the version is below 1.1 or of HTTP/2, a header is missing or wrong,
    /// there is content, or the page may not connect.
    pub fn of(
        request: Request<()>,
        origins: Option<&Origins>,
        secure: bool,
    ) -> Result<Self, UpgradeError> {
        if request.version() == Version::HTTP_2 {
            return Err(UpgradeError::NoExtendedConnect);
        }
        let answer = judge(&request)?;
        Self::of_page(request, answer, origins, secure)
    }

    /// Judges a request of HTTP/2 (RFC 8441, section 5): an extended CONNECT whose `:protocol` the
    /// caller has found to be `websocket`
    ///
    /// The answer is a 200 without a key, for the stream is nobody else's. `origins` and `secure` are
    /// as in [`of`](Self::of); a `:scheme` of `https` is secure, too.
    ///
    /// # Errors
    ///
    /// The method is not CONNECT, `Sec-WebSocket-Version` is not 13, or the page may not connect.
    pub fn extended_connect(
        mut request: Request<()>,
        origins: Option<&Origins>,
        secure: bool,
    ) -> Result<Self, UpgradeError> {
        if request.method() != Method::CONNECT {
            return Err(UpgradeError::Method);
        }
        let mut versions = request.headers().get_all("sec-websocket-version").iter();
        if versions.next().is_none_or(|version| version != "13") || versions.next().is_some() {
            return Err(UpgradeError::NoExtendedConnect);
        }
        // `:authority` is what `Host` is elsewhere (RFC 9113, section 8.3.1)
        let authority = request.uri().authority().map(|it| HeaderValue::from_str(it.as_str()));
        if let Some(Ok(authority)) = authority {
            request.headers_mut().insert(HOST, authority);
        }
        let mut answer = Response::new(());
        *answer.version_mut() = Version::HTTP_2;
        Self::of_page(request, answer, origins, secure)
    }

    fn of_page(
        request: Request<()>,
        answer: Response<()>,
        origins: Option<&Origins>,
        secure: bool,
    ) -> Result<Self, UpgradeError> {
        let same_host = Origins::same_host();
        let held = request.headers().contains_key(COOKIE).then_some(&same_host);
        let secure = secure || request.uri().scheme_str() == Some("https");
        let head = RequestHead::new(request, true, Vec::new());
        match origins.or(held) {
            Some(origins) if !origins.allow(&head, secure) => Err(UpgradeError::Origin),
            _ => Ok(Self { head, answer }),
        }
    }

    /// What the peer asked for, its cookies too
    #[must_use]
    pub const fn head(&self) -> &RequestHead {
        &self.head
    }

    /// The answer that grants it, with what `upgrade` adds
    ///
    /// # Errors
    ///
    /// What it adds cannot be: a subprotocol that was not asked for, a header that is none or is the
    /// handshake's own. That is a mistake of our own side, and its response is a 500.
    pub fn grant<P>(self, upgrade: &Upgrade<P>) -> Result<Response<()>, UpgradeError> {
        grant(self.answer, upgrade, &self.head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(changed: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::get("/feed?all").body(()).unwrap();
        let good = [
            ("host", "a.example"),
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        for (name, value) in good.iter().chain(changed) {
            let name = http::HeaderName::try_from(*name).unwrap();
            request.headers_mut().remove(&name);
            if !value.is_empty() {
                request.headers_mut().insert(name, value.parse().unwrap());
            }
        }
        request
    }

    fn refused(request: Request<()>) -> Response<String> {
        Handshake::of(request, None, false).unwrap_err().response().unwrap()
    }

    #[test]
    fn a_good_request_is_granted_with_the_key_of_the_rfc() {
        let handshake =
            Handshake::of(ask(&[("sec-websocket-protocol", "a, b")]), None, false).unwrap();
        assert_eq!((handshake.head().path(), handshake.head().query()), ("/feed", Some("all")));
        let upgrade = Upgrade::accept(()).subprotocol("b").header("X-Shard", "7");
        let granted = handshake.grant(&upgrade).unwrap();
        assert_eq!(granted.status(), 101);
        for (name, value) in [
            // RFC 6455, section 1.3
            ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ("sec-websocket-protocol", "b"),
            ("upgrade", "websocket"),
            ("connection", "Upgrade"),
            ("x-shard", "7"),
        ] {
            assert_eq!(granted.headers()[name], value);
        }
    }

    #[test]
    fn a_bad_request_has_the_status_that_says_why() {
        for (changed, status) in [
            (("connection", "close"), 426),
            (("upgrade", "h2c"), 426),
            (("sec-websocket-version", "8"), 426),
            (("sec-websocket-key", "short"), 400),
            (("host", ""), 400),
            (("content-length", "1"), 400),
            (("transfer-encoding", "chunked"), 400),
        ] {
            let response = refused(ask(&[changed]));
            assert_eq!(response.status(), status, "{changed:?}");
            let version = response.headers().get("sec-websocket-version");
            assert_eq!(version.is_some_and(|it| it == "13"), status == 426, "{changed:?}");
            let named = response.headers().get("upgrade").is_some_and(|it| it == "websocket");
            assert_eq!(named, status == 426, "{changed:?}");
            assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
            assert!(response.body().ends_with('\n'));
        }
        let mut post = ask(&[]);
        *post.method_mut() = Method::POST;
        let response = refused(post);
        assert_eq!(
            (response.status().as_u16(), response.headers()["allow"].to_str().unwrap()),
            (405, "GET")
        );
        let mut old = ask(&[]);
        *old.version_mut() = Version::HTTP_10;
        assert_eq!(refused(old).status(), 400);
    }

    #[test]
    fn what_the_answer_cannot_hold_is_our_own_mistake() {
        let handshake = Handshake::of(ask(&[]), None, false).unwrap();
        let error = handshake.grant(&Upgrade::accept(()).subprotocol("b")).unwrap_err();
        let response = error.response().unwrap();
        assert_eq!(response.status(), 500);
        assert!(!response.body().contains("subprotocol"), "it is not the peer's business");
    }

    #[test]
    fn cookies_come_from_pages_of_the_same_host_unless_origins_are_said() {
        let foreign = ("origin", "https://evil.example");
        let (cookie, own) = (("cookie", "id=7"), ("origin", "https://a.example"));
        let any = Origins::any();
        let only = Origins::only(["https://evil.example"]).unwrap();
        let status = |with: &[(&str, &str)], origins| {
            let judged = Handshake::of(ask(with), origins, false);
            judged.map_or_else(|error| error.response().unwrap().status().as_u16(), |_| 101)
        };
        assert_eq!(status(&[foreign, cookie], None), 403);
        assert_eq!(status(&[own, cookie], None), 101);
        assert_eq!(status(&[foreign], None), 101);
        assert_eq!(status(&[cookie], None), 101, "no page asks");
        assert_eq!(status(&[foreign, cookie], Some(&any)), 101);
        assert_eq!(status(&[own], Some(&only)), 403);
    }

    #[test]
    fn over_tls_a_page_of_http_is_of_another_origin() {
        let same_host = Origins::same_host();
        let judged = |page: &str, origins, secure| {
            let request = ask(&[("cookie", "id=7"), ("origin", page)]);
            Handshake::of(request, origins, secure).is_ok()
        };
        for origins in [None, Some(&same_host)] {
            assert!(judged("http://a.example", origins, false));
            assert!(!judged("http://a.example", origins, true), "a page that anybody can change");
            assert!(judged("https://a.example", origins, true));
        }
    }

    #[test]
    fn a_426_of_http2_speaks_of_no_connection() {
        let mut plain = ask(&[("connection", ""), ("upgrade", "")]);
        *plain.version_mut() = Version::HTTP_2;
        let connect = Request::connect("https://a.example/").version(Version::HTTP_2);
        let connect = connect.header("sec-websocket-version", "8").body(()).unwrap();
        for error in [
            Handshake::of(plain, None, true).unwrap_err(),
            Handshake::extended_connect(connect, None, true).unwrap_err(),
        ] {
            let response = error.response().unwrap();
            assert_eq!(response.status(), 426);
            assert_eq!(response.headers()["sec-websocket-version"], "13");
            for name in ["connection", "upgrade"] {
                assert!(!response.headers().contains_key(name), "{name} (RFC 9113, 8.2.2)");
            }
        }
    }

    #[test]
    fn an_extended_connect_is_granted_without_a_key() {
        let connect = |version: &str| {
            let request = Request::connect("https://a.example/feed");
            let request = request.version(Version::HTTP_2).header("sec-websocket-version", version);
            request.header("cookie", "id=7").header("origin", "https://a.example").body(()).unwrap()
        };
        let handshake = Handshake::extended_connect(connect("13"), None, false).unwrap();
        assert_eq!(handshake.head().path(), "/feed");
        let granted = handshake.grant(&Upgrade::accept(())).unwrap();
        assert_eq!((granted.status().as_u16(), granted.headers().len()), (200, 0));

        let status = |request| {
            let error = Handshake::extended_connect(request, None, false).unwrap_err();
            error.response().unwrap().status().as_u16()
        };
        assert_eq!(status(connect("8")), 426);
        let mut plain = connect("13");
        plain.headers_mut().insert("origin", "http://a.example".parse().unwrap());
        assert_eq!(status(plain), 403, "a page that anybody can change");
        let mut get = connect("13");
        *get.method_mut() = Method::GET;
        assert_eq!(status(get), 405);
    }
}
