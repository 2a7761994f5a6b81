//! Granting the upgrade (RFC 6455, section 4.2), or refusing it with an HTTP status that says why.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use async_tungstenite::accept_hdr_async_with_config;
use async_tungstenite::tungstenite::handshake::server::{Callback, ErrorResponse};
use async_tungstenite::tungstenite::http::{self, HeaderMap, Uri};
use futures_io::{AsyncRead, AsyncWrite};

use super::head::Head;
use super::{UpgradeError, config};
use crate::pool;
use crate::role::Role;
use crate::settings::Settings;
use crate::socket::Socket;
use crate::tls::Layered;
use crate::websocket::WebSocket;

/// How many bytes of a refused request are read and thrown away, so that closing does not turn into
/// a reset that destroys the answer
const MOST_DRAINED: usize = 64 << 10;

/// The head of a request for an upgrade: path, query and headers
///
/// Its `Debug` shows neither query nor values: they may be secrets.
#[derive(Clone)]
pub struct RequestHead {
    uri: Uri,
    headers: HeaderMap,
}

impl RequestHead {
    /// The path, such as `/feed`
    #[must_use]
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// The query behind the path, without `?`
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.uri.query()
    }

    /// A header's first value, if it is text; names are compared without case
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The keys' own `Debug` shows the whole map
        let names: Vec<_> = self.headers.keys().collect();
        f.debug_struct("RequestHead")
            .field("path", &self.uri.path())
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}

pub(crate) async fn upgrade<S: Socket + Unpin + Send>(
    socket: Layered<S>,
    settings: &Settings,
) -> Result<(WebSocket<S>, RequestHead), UpgradeError> {
    let mut head = Head::new(socket, Role::Server, settings.max_head);
    let mut asked = None;
    let accepted =
        accept_hdr_async_with_config(&mut head, Keep(&mut asked), Some(config())).await.map(drop);
    let error = match (accepted, asked) {
        (Ok(()), Some(asked)) => {
            let (socket, early) = head.into_parts();
            return Ok((WebSocket::new(socket, Role::Server, settings, early), asked));
        }
        (Ok(()), None) => UpgradeError::End,
        (Err(error), _) => head.problem().unwrap_or_else(|| UpgradeError::from_library(error)),
    };
    if let Some(status) = Status::of(&error) {
        let (socket, _) = head.into_parts();
        // The answer is a courtesy: what matters is why there was no upgrade
        if let Err(unsaid) = refuse(socket, status, &error).await {
            tracing::debug!(target: "everbeat", error = %unsaid, "no answer to a bad request");
        }
    }
    Err(error)
}

/// Keeps the request's head for the caller
struct Keep<'a>(&'a mut Option<RequestHead>);

impl Callback for Keep<'_> {
    fn on_request(
        self,
        request: &http::Request<()>,
        response: http::Response<()>,
    ) -> Result<http::Response<()>, ErrorResponse> {
        *self.0 =
            Some(RequestHead { uri: request.uri().clone(), headers: request.headers().clone() });
        Ok(response)
    }
}

/// How a bad request is answered
struct Status {
    line: &'static str,
    headers: &'static str,
}

impl Status {
    /// `None` if there is nobody to answer
    fn of(error: &UpgradeError) -> Option<Self> {
        Some(match error {
            UpgradeError::End | UpgradeError::Io(_) | UpgradeError::Tls(_) => return None,
            UpgradeError::Method => {
                Self { line: "405 Method Not Allowed", headers: "Allow: GET\r\n" }
            }
            // RFC 9110, section 15.5.22; RFC 6455, section 4.4
            UpgradeError::Header("Connection" | "Upgrade" | "Sec-WebSocket-Version") => Self {
                line: "426 Upgrade Required",
                headers: "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
            },
            UpgradeError::HeadTooLong { .. } | UpgradeError::TooManyHeaders => {
                Self { line: "431 Request Header Fields Too Large", headers: "" }
            }
            _ => Self { line: "400 Bad Request", headers: "" },
        })
    }
}

/// Answers, ends our half, and lets the peer end its own
async fn refuse<S: AsyncRead + AsyncWrite + Unpin>(
    mut socket: S,
    Status { line, headers }: Status,
    error: &UpgradeError,
) -> io::Result<()> {
    // 426 is a promise that an upgrade would be taken, so `Upgrade` belongs to `Connection`
    let connection = if headers.starts_with("Upgrade") { "Upgrade, close" } else { "close" };
    let body = format!("{error}\n");
    let answer = format!(
        "HTTP/1.1 {line}\r\nConnection: {connection}\r\n{headers}\
         Content-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut rest = answer.as_bytes();
    poll_fn(|cx| poll_write_all(&mut socket, cx, &mut rest)).await?;
    poll_fn(|cx| Pin::new(&mut socket).poll_close(cx)).await?;
    let mut drained = 0;
    poll_fn(|cx| poll_drain(&mut socket, cx, &mut drained)).await
}

fn poll_write_all<S: AsyncWrite + Unpin>(
    socket: &mut S,
    cx: &mut Context<'_>,
    rest: &mut &[u8],
) -> Poll<io::Result<()>> {
    while !rest.is_empty() {
        match ready!(Pin::new(&mut *socket).poll_write(cx, rest))? {
            0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            count => *rest = &rest[count..],
        }
    }
    Pin::new(socket).poll_flush(cx)
}

fn poll_drain<S: AsyncRead + Unpin>(
    socket: &mut S,
    cx: &mut Context<'_>,
    drained: &mut usize,
) -> Poll<io::Result<()>> {
    let mut unwanted = pool::block();
    let polled = loop {
        match Pin::new(&mut *socket).poll_read(cx, &mut unwanted) {
            Poll::Ready(Ok(0)) => break Poll::Ready(Ok(())),
            Poll::Ready(Ok(count)) => {
                *drained += count;
                if *drained > MOST_DRAINED {
                    break Poll::Ready(Ok(()));
                }
            }
            other => break other.map_ok(drop),
        }
    };
    pool::give_block(unwanted);
    polled
}
