//! Whose web pages may connect: [`Origins`] (RFC 6455, section 10.2).

use std::sync::Arc;

use everbeat_core::config::ConfigError;

use super::RequestHead;

/// Whose web pages may connect
///
/// A browser sends the cookies of a site with every request to it, whichever page makes the request,
/// and says in `Origin` which page that is. Where cookies authenticate, that header is what keeps
/// other people's pages out. A request without it passes: no browser leaves it out.
///
/// Origins are compared as RFC 6454, section 4 says: scheme, host and port, without case, with the
/// scheme's default port if none is there.
///
/// ```
/// use everbeat_ws::upgrade::Origins;
///
/// let ours = Origins::only(["https://app.example.com"])?;
/// assert!(Origins::only(["app.example.com"]).is_err());
/// # _ = ours;
/// # Ok::<_, everbeat_core::config::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Origins(Rule);

#[derive(Clone, Debug)]
enum Rule {
    Any,
    SameHost,
    Only(Arc<[String]>),
}

impl Origins {
    /// Every page may connect
    ///
    /// With cookies that authenticate, every page in the world then acts as its visitor. Say so only
    /// where something else tells who acts, such as a token in the request that other pages cannot
    /// know.
    #[must_use]
    pub const fn any() -> Self {
        Self(Rule::Any)
    }

    /// Pages of the host and port that the request itself is to, by its `Host`
    ///
    /// Behind a proxy that rewrites `Host` it refuses every page: say [`only`](Self::only) there. Nor
    /// does it stop DNS rebinding, where somebody else's name comes to lead here and both headers say
    /// that name: that is for [`only`](Self::only), for a hook that knows its `Host`, or for TLS, of
    /// which the name is a part.
    #[must_use]
    pub const fn same_host() -> Self {
        Self(Rule::SameHost)
    }

    /// Pages of these origins, such as `https://app.example.com` or `http://localhost:8080`
    ///
    /// # Errors
    ///
    /// One of them is no origin: a scheme, `://`, a host, perhaps a port, and nothing else.
    pub fn only<T: AsRef<str>>(origins: impl IntoIterator<Item = T>) -> Result<Self, ConfigError> {
        let parse = |origin: T| {
            let origin = origin.as_ref();
            normal(origin).ok_or_else(|| {
                ConfigError::new("origins", format_args!("has {origin:?}, which is no origin"))
            })
        };
        origins.into_iter().map(parse).collect::<Result<_, _>>().map(|only| Self(Rule::Only(only)))
    }

    /// Whether this request may be answered
    pub(crate) fn allow(&self, request: &RequestHead, secure: bool) -> bool {
        // One that is not text is nobody's, nor are several anybody's
        let origin = match request.origins() {
            0 => return true,
            1 => request.origin().and_then(normal),
            _ => None,
        };
        match &self.0 {
            Rule::Any => true,
            Rule::Only(only) => origin.is_some_and(|origin| only.contains(&origin)),
            Rule::SameHost => {
                let (Some(origin), Some(host)) = (origin, request.header("host")) else {
                    return false;
                };
                // Behind a proxy that ends TLS the page is secure and our socket is not
                let secure = secure || origin.starts_with("https://");
                let scheme = if secure { "https" } else { "http" };
                normal(&format!("{scheme}://{host}")) == Some(origin)
            }
        }
    }
}

/// `scheme://host:port`, lower case, with the port; `None` if it is no origin
fn normal(origin: &str) -> Option<String> {
    let (scheme, rest) = origin.split_once("://")?;
    let scheme_fits = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(number(port)?)),
        _ => (rest, None),
    };
    let of_a_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let host_fits = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.chars().all(of_a_name),
    };
    if !scheme_fits || !host_fits {
        return None;
    }
    let scheme = scheme.to_ascii_lowercase();
    let port = port.or(match scheme.as_str() {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    });
    let host = host.to_ascii_lowercase();
    Some(match port {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    })
}

/// A port, in digits only
fn number(port: &str) -> Option<u16> {
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    port.parse().ok().filter(|port| digits && *port != 0)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn request(headers: &[(&str, &str)]) -> RequestHead {
        let mut request = Request::builder().uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        RequestHead::new(request.body(()).unwrap(), false, Vec::new())
    }

    #[test]
    fn an_origin_is_compared_by_scheme_host_and_port() {
        let ours = Origins::only(["https://App.example.com", "http://localhost:8080"]).unwrap();
        let allowed = |origin: &str| ours.allow(&request(&[("origin", origin)]), true);
        for good in [
            "https://app.example.com",
            "https://APP.EXAMPLE.COM:443",
            "HTTPS://app.example.com",
            "http://localhost:8080",
        ] {
            assert!(allowed(good), "{good}");
        }
        for bad in [
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://app.example.com.evil.org",
            "https://evil.org/https://app.example.com",
            "https://app.example.com/",
            "https://evil.org#app.example.com",
            "https://user@app.example.com",
            "https://app.example.com@evil.org",
            "https://app.example.com https://app.example.com",
            "https://app.example.com:+443",
            "https://app.example.com:",
            "http://localhost",
            "http://localhost:80",
            "http://[::1]:8080",
            "*",
            "null",
            "",
        ] {
            assert!(!allowed(bad), "{bad}");
        }
        assert!(ours.allow(&request(&[]), true), "no browser");
        let nobody = Origins::only::<&str>([]).unwrap();
        assert!(!nobody.allow(&request(&[("origin", "https://a.example")]), true));
        assert!(nobody.allow(&request(&[]), true));
    }

    #[test]
    fn a_scheme_of_which_we_know_no_port_has_none() {
        let ours = Origins::only(["chrome-extension://abc", "http://[::1]:8080"]).unwrap();
        let allowed = |origin: &str| ours.allow(&request(&[("origin", origin)]), false);
        assert!(allowed("chrome-extension://abc") && allowed("CHROME-extension://ABC"));
        assert!(!allowed("chrome-extension://abc:80") && !allowed("chrome-extension://a1b"));
        assert!(allowed("http://[::1]:8080"));
        assert!(!allowed("http://[::1]") && !allowed("http://[::2]:8080"));
    }

    #[test]
    fn an_origin_that_is_not_text_is_nobody_s() {
        let mut request = Request::builder().uri("/").body(()).unwrap();
        let odd = http::HeaderValue::from_bytes(b"https://\xff");
        request.headers_mut().insert("origin", odd.unwrap());
        let request = RequestHead::new(request, false, Vec::new());
        assert!(!Origins::only(["https://a.example"]).unwrap().allow(&request, true));
        assert!(!Origins::same_host().allow(&request, true));
    }

    #[test]
    fn who_names_two_origins_is_no_browser_of_ours() {
        let two = request(&[("origin", "https://a.example"), ("origin", "https://evil.example")]);
        assert!(!Origins::only(["https://a.example"]).unwrap().allow(&two, true));
        assert!(Origins::any().allow(&two, true));
    }

    #[test]
    fn the_same_host_is_that_of_the_request_with_its_port() {
        let same = |origin: &str, host: &str, secure| {
            Origins::same_host().allow(&request(&[("origin", origin), ("host", host)]), secure)
        };
        assert!(same("http://a.example:9001", "a.example:9001", false));
        assert!(same("https://a.example", "A.example", true));
        assert!(same("https://a.example", "a.example", false), "a proxy ends TLS");
        assert!(same("http://[::1]:9001", "[::1]:9001", false));
        assert!(!same("http://a.example", "a.example", true), "a page that anybody can change");
        assert!(!same("http://a.example", "a.example:9001", false));
        assert!(!same("http://b.example", "a.example", false));
        assert!(same("http://a.example:80", "a.example", false));
        assert!(same("https://a.example", "a.example:443", false));
        assert!(!same("https://a.example", "a.example:80", false));
        assert!(!same("chrome-extension://a.example", "a.example", false));
        assert!(!same("null", "null", false), "a sandboxed page is of no host");
        let no_host = request(&[("origin", "http://a.example")]);
        assert!(!Origins::same_host().allow(&no_host, false));
    }

    #[test]
    fn what_is_no_origin_is_refused_by_name() {
        let bad = [
            "",
            "example.com",
            "https://",
            "https://a/",
            "https://a/b",
            "https://u@a",
            "https://*.a.example",
            "*",
            "https://\u{e9}.example",
            "https://a:",
            "https://a:0",
            "https://a:+443",
            "https://a:x",
            "https://a:99999",
            "https://[::1",
            "https://[a]",
            "1https://a",
            "://a",
            "null",
        ];
        for text in bad {
            let error = Origins::only(["https://good.example", text]).unwrap_err();
            assert_eq!(error.setting(), "origins");
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
    }
}
