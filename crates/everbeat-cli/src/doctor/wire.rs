//! A WebSocket below everbeat: upgraded by hand and spoken frame by frame, because a doctor must also
//! be able not to answer, to break a rule, and to see what a library would take care of.

use std::io;
use std::time::Duration;

use async_tungstenite::tungstenite::handshake::client::{Response, generate_key};
use async_tungstenite::tungstenite::handshake::derive_accept_key;
use async_tungstenite::tungstenite::handshake::machine::TryParse;
use async_tungstenite::tungstenite::http::Uri;
use everbeat_tokio::transport::Stream;
use futures_rustls::TlsConnector;
use futures_rustls::pki_types::ServerName;
use futures_util::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::frame::{self, Seen};
use crate::dial;
use crate::exit::{Failure, chain};
use crate::output::plain;
use crate::target::Target;
use crate::tls;

/// The longest head of an answer, as everbeat's own limit at its most
const HEAD: usize = 64 << 10;
/// How much is read at once
const READ: usize = 16 << 10;

trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

/// A connection that is open
pub(super) struct Wire {
    stream: Box<dyn Bytes>,
    read: Vec<u8>,
    rng: fastrand::Rng,
}

/// What the server answered to a request for an upgrade
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) server: Option<String>,
    pub(super) via: Option<String>,
    pub(super) retry_after: Option<String>,
    pub(super) versions: Option<String>,
    pub(super) subprotocol: Option<String>,
    /// From the first byte of the dial to the head's last
    pub(super) took: Duration,
}

/// Why there is no connection
#[derive(Debug)]
pub(super) enum Unopened {
    /// The server said so, over HTTP
    Refused(Box<Answer>),
    Failed(Failure),
}

/// How a connection ended
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The peer said Close
    Closed { code: Option<u16>, reason: String },
    /// The stream ended without one
    Eof,
    /// It was reset
    Reset,
    /// Another error of the system's
    Failed(String),
    /// What came is no frame that a server may send
    Nonsense(String),
}

impl Wire {
    /// Dials and upgrades, within the target's `--connect-timeout`
    pub(super) async fn open(target: &Target) -> Result<(Self, Answer), Unopened> {
        Self::open_as(target, "13").await
    }

    /// The same in another version of the protocol, which a server must refuse (RFC 6455, section 4.4)
    pub(super) async fn open_as(
        target: &Target,
        version: &str,
    ) -> Result<(Self, Answer), Unopened> {
        let attempt = Self::attempt(target, version);
        match timeout(target.connect_timeout, attempt).await {
            Ok(done) => done,
            Err(_) => {
                let late = dial::late(target.connect_timeout);
                Err(Unopened::Failed(late))
            }
        }
    }

    async fn attempt(target: &Target, version: &str) -> Result<(Self, Answer), Unopened> {
        let began = Instant::now();
        let request = target.request()?;
        let (tcp, _) = dial::tcp(target, &request).await?;
        let stream = Stream::new(tcp);
        let stream: Box<dyn Bytes> = if request.is_secure() {
            let name = ServerName::try_from(request.host().to_owned())
                .map_err(|error| Failure::usage(&error))?;
            let connecting = TlsConnector::from(tls::config(target)?).connect(name, stream);
            let secure = connecting.await.map_err(|error| failed("no TLS", &error))?;
            Box::new(secure)
        } else {
            Box::new(stream)
        };
        let mut wire = Self { stream, read: Vec::new(), rng: fastrand::Rng::new() };
        let key = generate_key();
        let head = head(target, &key, version)?;
        wire.write(head.as_bytes()).await.map_err(|end| Failure::NoConnection(end.to_string()))?;
        let response = wire.response().await?;
        let header = |name: &str| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.chars().take(80).collect::<String>())
        };
        let answer = Answer {
            status: response.status().as_u16(),
            server: header("server"),
            via: header("via"),
            retry_after: header("retry-after"),
            versions: header("sec-websocket-version"),
            subprotocol: header("sec-websocket-protocol"),
            took: began.elapsed(),
        };
        if answer.status != 101 {
            return Err(Unopened::Refused(Box::new(answer)));
        }
        if header("sec-websocket-accept") != Some(derive_accept_key(key.as_bytes())) {
            let words = "the server's Sec-WebSocket-Accept does not fit the request";
            return Err(Unopened::Failed(Failure::NoConnection(words.into())));
        }
        Ok((wire, answer))
    }

    /// The answer's head; what comes behind it stays for the frames
    async fn response(&mut self) -> Result<Response, Failure> {
        loop {
            match Response::try_parse(&self.read) {
                Ok(Some((length, response))) => {
                    self.read.drain(..length);
                    return Ok(response);
                }
                Ok(None) if self.read.len() < HEAD => {}
                Ok(None) => {
                    let words = format!("the answer's head is longer than {HEAD} bytes");
                    return Err(Failure::NoConnection(words));
                }
                Err(error) => return Err(failed("the answer is no HTTP", &error)),
            }
            self.fill().await.map_err(|end| Failure::NoConnection(end.to_string()))?;
        }
    }

    /// Reads some more
    async fn fill(&mut self) -> Result<(), End> {
        let mut chunk = [0; READ];
        match self.stream.read(&mut chunk).await {
            Ok(0) => Err(End::Eof),
            Ok(count) => {
                self.read.extend_from_slice(&chunk[..count]);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The next frame of the server's
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: what was read stays.
    pub(super) async fn next(&mut self) -> Result<Seen, End> {
        loop {
            match frame::take(&mut self.read) {
                Ok(Some(seen)) => return Ok(seen),
                Ok(None) => self.fill().await?,
                Err(why) => return Err(End::Nonsense(why)),
            }
        }
    }

    /// Writes bytes as they are
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), End> {
        self.stream.write_all(bytes).await?;
        Ok(self.stream.flush().await?)
    }

    pub(super) async fn ping(&mut self, payload: &[u8]) -> Result<(), End> {
        let frame = frame::ping(payload, self.rng.u32(..));
        self.write(&frame).await
    }

    pub(super) async fn pong(&mut self, payload: &[u8]) -> Result<(), End> {
        let frame = frame::pong(payload, self.rng.u32(..));
        self.write(&frame).await
    }

    pub(super) async fn close(&mut self, code: Option<u16>, reason: &str) -> Result<(), End> {
        let frame = frame::close(code, reason, self.rng.u32(..));
        self.write(&frame).await
    }

    pub(super) async fn text(&mut self, part: &str, first: bool, last: bool) -> Result<(), End> {
        let frame = frame::text(part, first, last, self.rng.u32(..));
        self.write(&frame).await
    }

    /// Says goodbye and looks no further
    pub(super) async fn leave(mut self) {
        // Whoever does not hear it sees the end of the stream.
        _ = self.close(Some(1000), "").await;
    }
}

fn failed(what: &str, error: &dyn std::error::Error) -> Failure {
    Failure::NoConnection(format!("{what}: {}", chain(error)))
}

/// The request; everbeat's own has checked every part of it
fn head(target: &Target, key: &str, version: &str) -> Result<String, Failure> {
    let uri: Uri = target.url.parse().map_err(|error| Failure::usage(&error))?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let own_host = target.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"));
    let host = own_host.map(|(_, host)| &**host).or_else(|| uri.authority().map(|it| it.as_str()));
    let mut head = format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: {version}\r\nSec-WebSocket-Key: {key}\r\n",
        host.unwrap_or_default()
    );
    if !target.subprotocols.is_empty() {
        let names = target.subprotocols.join(", ");
        head.push_str(&format!("Sec-WebSocket-Protocol: {names}\r\n"));
    }
    for (name, value) in &target.headers {
        if !name.eq_ignore_ascii_case("host") {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    head.push_str("\r\n");
    Ok(head)
}

impl From<Failure> for Unopened {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Eof,
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => Self::Reset,
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Closed { code: None, .. } => f.write_str("Close without a code"),
            Self::Closed { code: Some(code), reason } if reason.is_empty() => {
                write!(f, "Close {code}")
            }
            Self::Closed { code: Some(code), reason } => {
                write!(f, "Close {code}: {}", plain(reason))
            }
            Self::Eof => f.write_str("an end of the stream without a Close"),
            Self::Reset => f.write_str("a reset"),
            Self::Failed(words) | Self::Nonsense(words) => f.write_str(&plain(words)),
        }
    }
}

#[test]
fn an_end_is_one_line_whatever_its_reason_is() {
    let end = End::Closed { code: Some(1001), reason: "\u{1b}[2J\nfine".into() };
    assert_eq!(end.to_string(), r"Close 1001: \u{1b}[2J\nfine");
}
