//! The answer to a request: 101 with what the hook adds, or a status that says why not; as bytes where
//! HTTP is ours, and as data where it is a web framework's.

use std::fmt::Write;

use async_tungstenite::tungstenite::handshake::server::{Response, write_response};
use everbeat_core::transport::Busy;
use http::header::{CONNECTION, UPGRADE};
use http::{HeaderName, HeaderValue, StatusCode};

use super::{Reject, RequestHead, Upgrade};
use crate::upgrade::UpgradeError;

/// Headers that frame the answer or speak of the connection, and so are ours (RFC 9110, sections
/// 7.6.1 and 8.6; RFC 9112, section 6.1)
const FRAMING: [&str; 7] =
    ["connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];

/// No content comes behind it, and no length of any: it speaks of what its asker has (RFC 9110,
/// section 15.4.5). The others without content, 1xx, 204 and 205, reject nobody.
const NOT_MODIFIED: u16 = 304;
const UPGRADE_REQUIRED: u16 = 426;

/// The answer that grants an upgrade
pub(crate) fn grant<P>(
    mut response: Response,
    upgrade: &Upgrade<P>,
    head: &RequestHead,
) -> Result<Response, UpgradeError> {
    let bad = UpgradeError::answer;
    let headers = response.headers_mut();
    for (name, value) in &upgrade.headers {
        let (name, value) = header(name, value).map_err(bad)?;
        if name.as_str().starts_with("sec-websocket-") {
            return Err(bad(format!("header {name} is the handshake's own")));
        }
        headers.append(name, value);
    }
    if let Some(chosen) = &upgrade.subprotocol {
        if !head.subprotocols().any(|offered| offered == chosen) {
            return Err(bad(format!("subprotocol {chosen:?} was not asked for")));
        }
        let value = HeaderValue::from_str(chosen)
            .map_err(|_| bad(format!("subprotocol {chosen:?} cannot be in a header")))?;
        headers.insert("sec-websocket-protocol", value);
    }
    Ok(response)
}

/// An answer as it goes over the wire
pub(crate) fn written(response: &Response) -> Result<Vec<u8>, UpgradeError> {
    let mut bytes = Vec::new();
    write_response(&mut bytes, response).map_err(UpgradeError::from_library)?;
    Ok(bytes)
}

/// The answer that refuses an upgrade
pub(crate) struct Refusal {
    status: u16,
    /// Ours are known and good, a hook's were looked at
    headers: Vec<(String, HeaderValue)>,
    body: String,
    /// Whether there is an upgrade to ask for: HTTP/2 has none
    upgrades: bool,
}

impl Refusal {
    /// How a request is answered for which this error is the reason; `None` if there is nobody to
    /// answer
    pub(crate) fn of(error: &UpgradeError) -> Option<Self> {
        let upgrades = !matches!(error, UpgradeError::NoExtendedConnect);
        let with =
            |status, headers| Some(Self { status, headers, body: format!("{error}\n"), upgrades });
        let plain = |status| with(status, Vec::new());
        let one = |name: &str, value| vec![(name.to_owned(), value)];
        // Why our own code could not decide is not the peer's business
        let ours = |status| {
            let body = "the server could not decide about the request\n".to_owned();
            Some(Self { status, headers: Vec::new(), body, upgrades })
        };
        match error {
            UpgradeError::End | UpgradeError::Io(_) | UpgradeError::Tls(_) => None,
            UpgradeError::Method => with(405, one("Allow", HeaderValue::from_static("GET"))),
            // RFC 6455, section 4.4
            UpgradeError::Header("Connection" | "Upgrade" | "Sec-WebSocket-Version")
            | UpgradeError::NoExtendedConnect => {
                let version = HeaderValue::from_static("13");
                with(UPGRADE_REQUIRED, one("Sec-WebSocket-Version", version))
            }
            UpgradeError::HeadTooLong { .. } | UpgradeError::TooManyHeaders => plain(431),
            UpgradeError::Origin => plain(403),
            UpgradeError::Busy(busy) => {
                let status = if *busy == Busy::PerAddress { 429 } else { 503 };
                with(status, one("Retry-After", busy.retry_after().into()))
            }
            UpgradeError::HookTimeout { .. } => ours(503),
            UpgradeError::HookPanicked | UpgradeError::Answer { .. } => ours(500),
            UpgradeError::Rejected(reject) if reject.error.is_some() => ours(500),
            UpgradeError::Rejected(reject) => Self::by_hook(reject).ok().or_else(|| ours(500)),
            _ => plain(400),
        }
    }

    /// What a hook wants to say
    pub(crate) fn by_hook(reject: &Reject) -> Result<Self, String> {
        let status = reject.status;
        if !(300..=599).contains(&status) {
            return Err(format!("status {status} is none that rejects: it must be 300 to 599"));
        }
        let located = reject.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("location"));
        if status < 400 && status != NOT_MODIFIED && !located {
            return Err(format!("status {status} needs a header Location to lead to"));
        }
        let good = |(name, value): &(String, String)| {
            header(name, value).map(|(name, value)| (name.as_str().to_owned(), value))
        };
        let headers = reject.headers.iter().map(good).collect::<Result<_, _>>()?;
        Ok(Self { status, headers, body: reject.body.clone(), upgrades: true })
    }

    /// As data, for whoever's HTTP it is: what speaks of the connection is his, but for what 426 needs
    pub(crate) fn into_response(self) -> http::Response<String> {
        let Self { status, headers, body, upgrades } = self.with_type();
        let mut response = http::Response::new(body);
        // It is one of ours, or from 300 to 599
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        let into = response.headers_mut();
        for (name, value) in headers {
            if let Ok(name) = HeaderName::try_from(name) {
                into.append(name, value);
            }
        }
        if status == UPGRADE_REQUIRED && upgrades {
            into.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
            into.insert(UPGRADE, HeaderValue::from_static("websocket"));
        }
        response
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        let Self { status, headers, body, .. } = self.with_type();
        let known = StatusCode::from_u16(status).ok();
        let reason = known.and_then(|status| status.canonical_reason()).unwrap_or("Rejected");
        // 426 is a promise that an upgrade would be taken, says which, and so `Upgrade` belongs to
        // `Connection` (RFC 9110, sections 15.5.22 and 7.8)
        let connection = match status {
            UPGRADE_REQUIRED => "Upgrade, close\r\nUpgrade: websocket",
            _ => "close",
        };
        let mut head = format!("HTTP/1.1 {status} {reason}\r\nConnection: {connection}\r\n");
        for (name, value) in &headers {
            let value = value.to_str().unwrap_or_default();
            // A `String` takes everything
            _ = write!(head, "{name}: {value}\r\n");
        }
        if status == NOT_MODIFIED {
            return format!("{head}\r\n").into_bytes();
        }
        format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }

    /// With the kind of text that it is, if there is one and nobody has said it
    fn with_type(mut self) -> Self {
        let has_type = |(name, _): &(String, _)| name.eq_ignore_ascii_case("content-type");
        if self.status == NOT_MODIFIED {
            self.body.clear();
        } else if !self.headers.iter().any(has_type) {
            let plain = HeaderValue::from_static("text/plain; charset=utf-8");
            self.headers.push(("Content-Type".to_owned(), plain));
        }
        self
    }
}

/// A header of the hook's, if it is one and is not ours; what is wrong with it says its name only
fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let parsed = HeaderName::try_from(name).map_err(|_| format!("{name:?} names no header"))?;
    if FRAMING.contains(&parsed.as_str()) {
        return Err(format!("header {parsed} is the answer's own"));
    }
    match HeaderValue::from_str(value) {
        // What is not ASCII would be read differently by everybody (RFC 9110, section 5.5)
        Ok(value) if value.to_str().is_ok() => Ok((parsed, value)),
        _ => Err(format!("the value of header {parsed} cannot be one")),
    }
}
