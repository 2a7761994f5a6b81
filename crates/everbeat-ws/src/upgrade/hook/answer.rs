//! The answer to a request, as bytes: 101 with what the hook adds, or a status that says why not.

use std::fmt::Write;

use async_tungstenite::tungstenite::handshake::server::{Response, write_response};
use async_tungstenite::tungstenite::http::{HeaderName, HeaderValue, StatusCode};
use everbeat_core::transport::Busy;

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
) -> Result<Vec<u8>, UpgradeError> {
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
    let mut bytes = Vec::new();
    write_response(&mut bytes, &response).map_err(UpgradeError::from_library)?;
    Ok(bytes)
}

/// The answer that refuses an upgrade
pub(crate) struct Refusal {
    status: u16,
    /// Lines, each with its end
    headers: String,
    body: String,
}

impl Refusal {
    /// How a request is answered for which this error is the reason; `None` if there is nobody to
    /// answer
    pub(crate) fn of(error: &UpgradeError) -> Option<Self> {
        let plain = |status, headers: &str| {
            Some(Self { status, headers: headers.to_owned(), body: format!("{error}\n") })
        };
        // Why our own code could not decide is not the peer's business
        let ours = |status| {
            let body = "the server could not decide about the request\n".to_owned();
            Some(Self { status, headers: String::new(), body })
        };
        match error {
            UpgradeError::End | UpgradeError::Io(_) | UpgradeError::Tls(_) => None,
            UpgradeError::Method => plain(405, "Allow: GET\r\n"),
            // RFC 6455, section 4.4
            UpgradeError::Header("Connection" | "Upgrade" | "Sec-WebSocket-Version") => {
                plain(UPGRADE_REQUIRED, "Sec-WebSocket-Version: 13\r\n")
            }
            UpgradeError::HeadTooLong { .. } | UpgradeError::TooManyHeaders => plain(431, ""),
            UpgradeError::Origin => plain(403, ""),
            UpgradeError::Busy(busy) => {
                let status = if *busy == Busy::PerAddress { 429 } else { 503 };
                plain(status, &format!("Retry-After: {}\r\n", busy.retry_after()))
            }
            UpgradeError::HookTimeout { .. } => ours(503),
            UpgradeError::HookPanicked | UpgradeError::Answer { .. } => ours(500),
            UpgradeError::Rejected(reject) if reject.error.is_some() => ours(500),
            UpgradeError::Rejected(reject) => Self::by_hook(reject).ok().or_else(|| ours(500)),
            _ => plain(400, ""),
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
        let mut headers = String::new();
        for (name, value) in &reject.headers {
            let (name, value) = header(name, value)?;
            let value = value.to_str().unwrap_or_default();
            // A `String` takes everything
            _ = write!(headers, "{name}: {value}\r\n");
        }
        Ok(Self { status, headers, body: reject.body.clone() })
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        let Self { status, headers, body } = self;
        let known = StatusCode::from_u16(status).ok();
        let reason = known.and_then(|status| status.canonical_reason()).unwrap_or("Rejected");
        // 426 is a promise that an upgrade would be taken, says which, and so `Upgrade` belongs to
        // `Connection` (RFC 9110, sections 15.5.22 and 7.8)
        let connection = match status {
            UPGRADE_REQUIRED => "Upgrade, close\r\nUpgrade: websocket",
            _ => "close",
        };
        let head = format!("HTTP/1.1 {status} {reason}\r\nConnection: {connection}\r\n{headers}");
        if status == NOT_MODIFIED {
            return format!("{head}\r\n").into_bytes();
        }
        let has_type = headers.lines().any(|line| line.starts_with("content-type:"));
        let kind = if has_type { "" } else { "Content-Type: text/plain; charset=utf-8\r\n" };
        format!("{head}{kind}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
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
