//! A URL, headers and a subprotocol, as a client is given them: what is accepted makes one
//! well-formed request that says what was asked for and nothing else; what is refused names the
//! setting; neither shows a secret.
//!
//! The input is text in parts, separated by 0xff: the URL, a subprotocol or nothing, then names and
//! values of headers.

use std::net::Ipv6Addr;

use everbeat_core::config::ConfigError;
use everbeat_ws::connect::Request;
use everbeat_ws::upgrade::UpgradeError;
use everbeat_ws::{Settings, WebSocket};
use httparse::{EMPTY_HEADER, Status};

use crate::run::run;
use crate::wire::{Cuts, Wire};

/// Nobody guesses this by chance; where a value or a query has it, it must not be shown
const SECRET: &str = "s3cret-7b1f";
/// What the parser of the request takes: these, and those of the upgrade
const MOST_HEADERS: usize = 50;

/// Asks with what `data` says
///
/// # Panics
///
/// A property does not hold.
pub fn url(data: &[u8]) {
    let parts = data.split(|&byte| byte == 0xff).map(std::str::from_utf8);
    let Ok(parts) = parts.collect::<Result<Vec<_>, _>>() else {
        return;
    };
    let asked = Asked {
        url: parts[0],
        protocol: parts.get(1).copied().filter(|protocol| !protocol.is_empty()),
        headers: parts
            .get(2..)
            .unwrap_or_default()
            .chunks_exact(2)
            .take(MOST_HEADERS)
            .map(|pair| (pair[0], pair[1]))
            .chain([("Authorization", SECRET)])
            .collect(),
    };
    let mut builder = Request::to(asked.url);
    for (name, value) in &asked.headers {
        builder = builder.header(name, value);
    }
    if let Some(protocol) = asked.protocol {
        builder = builder.subprotocol(protocol);
    }
    asked.hides(&format!("{builder:?}"));
    match builder.build() {
        Ok(request) => asked.accepted(&request),
        Err(error) => {
            let error = error.downcast_ref::<ConfigError>().expect("an error of ours");
            assert!(["url", "header", "subprotocol"].contains(&error.setting()), "{error}");
            asked.hides(&error.to_string());
        }
    }
}

struct Asked<'a> {
    url: &'a str,
    protocol: Option<&'a str>,
    headers: Vec<(&'a str, &'a str)>,
}

impl Asked<'_> {
    /// Whether no secret is shown; one in a name, a host or a path is none
    fn hides(&self, shown: &str) {
        let (before, behind) = self.url.split_once("://").unwrap_or(("", self.url));
        let behind = &behind[..behind.find(['?', '#']).unwrap_or(behind.len())];
        let slash = behind.find('/').unwrap_or(behind.len());
        let user = behind[..slash].rfind('@').unwrap_or(0);
        let names = self.headers.iter().map(|(name, _)| *name).chain(self.protocol);
        // Names are shown in lower case
        let public = names.chain([before, &behind[user..]]).collect::<String>().to_lowercase();
        assert!(public.contains(SECRET) || !shown.contains(SECRET), "{shown}");
    }

    fn accepted(&self, request: &Request) {
        self.hides(&format!("{request:?}"));
        let (scheme, rest) = self.url.split_once("://").expect("a scheme");
        let port = match scheme.to_lowercase().as_str() {
            "ws" => 80,
            "wss" => 443,
            other => panic!("{other} is no scheme of ours"),
        };
        let (host, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        assert_eq!((request.host(), request.port()), name_and_port(host, port));
        let slash = if target.starts_with('/') { "" } else { "/" };
        self.asks(request, host, &format!("{slash}{target}"));
    }

    /// Whether it goes out as one head that says this and no more
    fn asks(&self, request: &Request, host: &str, target: &str) {
        let wire = Wire::new(&[], Cuts::Drawn);
        let connecting = WebSocket::connect(wire.clone(), request, Settings::default());
        let upgraded = run(connecting).map(drop);
        assert!(matches!(upgraded, Err(UpgradeError::End)), "{upgraded:?}");
        let written = wire.written();
        let mut headers = [EMPTY_HEADER; MOST_HEADERS + 14];
        let mut parsed = httparse::Request::new(&mut headers);
        assert_eq!(parsed.parse(&written), Ok(Status::Complete(written.len())));
        assert_eq!((parsed.method, parsed.version), (Some("GET"), Some(1)));
        assert_eq!(parsed.path, Some(target));
        // RFC 3986, section 2: what a target is made of
        assert!(target.bytes().all(|byte| byte.is_ascii_graphic()), "{target}");

        let mut said = Vec::new();
        for header in parsed.headers.iter() {
            let value = std::str::from_utf8(header.value).expect("text");
            let key = header.name == "Sec-WebSocket-Key";
            assert!(!key || value.len() == 24, "{value}");
            said.push((header.name.to_lowercase(), if key { "" } else { value }));
        }
        said.sort();
        assert_eq!(said, self.wanted(host));
        assert_eq!(said.iter().filter(|(name, _)| name == "host").count(), 1);
    }

    /// The headers by name, in order
    fn wanted<'a>(&'a self, host: &'a str) -> Vec<(String, &'a str)> {
        let mut wanted = vec![
            ("connection".to_owned(), "Upgrade"),
            ("upgrade".to_owned(), "websocket"),
            ("sec-websocket-version".to_owned(), "13"),
            ("sec-websocket-key".to_owned(), ""),
        ];
        wanted
            .extend(self.protocol.map(|protocol| ("sec-websocket-protocol".to_owned(), protocol)));
        for (name, value) in &self.headers {
            wanted.push((name.to_lowercase(), value.trim_matches([' ', '\t'])));
        }
        // There is one (RFC 9112, section 3.2)
        if !wanted.iter().any(|(name, _)| name == "host") {
            wanted.push(("host".to_owned(), host));
        }
        wanted.sort();
        wanted
    }
}

/// A name or an address, and the port or the scheme's (RFC 3986, section 3.2)
fn name_and_port(host: &str, default: u16) -> (&str, u16) {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']').expect("the other bracket");
            assert!(address.parse::<Ipv6Addr>().is_ok(), "{address}");
            (address, port)
        }
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    assert!(!name.is_empty() && !name.contains(['[', ']', '@']), "{name}");
    let Some(port) = port.strip_prefix(':') else {
        assert_eq!(port, "");
        return (name, default);
    };
    assert!(port.bytes().all(|byte| byte.is_ascii_digit()), "{port}");
    let port = port.parse().expect("a port");
    assert!(port > 0);
    (name, port)
}
