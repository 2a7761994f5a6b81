//! Granting the upgrade (RFC 6455, section 4.2), or refusing it with an HTTP status that says why.
//!
//! The library's own server side asks its callback at once, and a hook may have to wait: so its
//! parts are used one by one, with the hook between request and answer.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_tungstenite::tungstenite::handshake::machine::TryParse;
use async_tungstenite::tungstenite::handshake::server::{Request, Response, create_response};
use async_tungstenite::tungstenite::http::HeaderMap;
use async_tungstenite::tungstenite::http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use everbeat_core::transport::Busy;
use futures_io::{AsyncRead, AsyncWrite};

use super::UpgradeError;
use super::head::Head;
use super::hook::{Gate, Hook, Refusal, RequestHead, Upgrade, decide, grant, written};
use super::limit::{COURTESY, within};
use crate::pool;
use crate::role::Role;
use crate::settings::Settings;
use crate::socket::Socket;
use crate::tls::{self, Layered};
use crate::websocket::WebSocket;

/// How many bytes of a refused request are read and thrown away, so that closing does not turn into
/// a reset that destroys the answer
const MOST_DRAINED: usize = 64 << 10;

/// A request that was granted
pub(crate) struct Granted<S, P> {
    pub(crate) websocket: WebSocket<S>,
    pub(crate) request: RequestHead,
    pub(crate) upgrade: Upgrade<P>,
}

/// Reads the request, asks the hook, and answers
pub(crate) async fn upgrade<S, H, Z, L>(
    socket: Layered<S>,
    settings: &Settings,
    gate: Gate<'_, H, Z>,
) -> Result<Granted<S, H::Principal>, UpgradeError>
where
    S: Socket + Unpin + Send,
    H: Hook,
    Z: Fn(Duration) -> L,
    L: Future<Output = ()>,
{
    let certificates = tls::certificates(&socket);
    let mut head = Head::new(socket, Role::Server, settings.max_head);
    let decided = match read(&mut head).await {
        Ok(request) => answer(request, certificates, &gate).await,
        Err(error) => Err(error),
    };
    let (mut socket, early) = head.into_parts();
    match decided {
        Ok((answer, request, upgrade)) => {
            write_all(&mut socket, &answer).await.map_err(UpgradeError::Io)?;
            let websocket = WebSocket::new(socket, Role::Server, settings, early);
            Ok(Granted { websocket, request, upgrade })
        }
        Err(error) => {
            within((gate.sleep)(COURTESY), refuse(socket, &error)).await;
            Err(error)
        }
    }
}

/// Reads the request, and only answers that the server is busy; the caller bounds the time
pub(crate) async fn turn_away<S: Socket + Unpin + Send>(
    socket: Layered<S>,
    settings: &Settings,
    busy: Busy,
) -> UpgradeError {
    let mut head = Head::new(socket, Role::Server, settings.max_head);
    let error = read(&mut head).await.err().unwrap_or(UpgradeError::Busy(busy));
    refuse(head.into_parts().0, &error).await;
    error
}

/// The request, whole
async fn read<S: AsyncRead + Unpin>(head: &mut Head<S>) -> Result<Request, UpgradeError> {
    match head.whole().await {
        Ok(bytes) => match Request::try_parse(bytes) {
            Ok(Some((_, request))) => Ok(request),
            // A head that ends and is not whole
            Ok(None) => Err(UpgradeError::NotHttp),
            Err(error) => Err(UpgradeError::from_library(error)),
        },
        Err(error) => Err(head.problem().unwrap_or(UpgradeError::Io(error))),
    }
}

/// The answer to a request that is to be granted
async fn answer<H: Hook, Z: Fn(Duration) -> L, L: Future<Output = ()>>(
    request: Request,
    certificates: Vec<Vec<u8>>,
    gate: &Gate<'_, H, Z>,
) -> Result<(Vec<u8>, RequestHead, Upgrade<H::Principal>), UpgradeError> {
    let response = judge(&request)?;
    let head = RequestHead::new(request, gate.cookies, certificates);
    let upgrade = decide(gate, &head).await?;
    let answer = written(&grant(response, &upgrade, &head)?)?;
    Ok((answer, head, upgrade))
}

/// Whether a request asks for an upgrade as it must (RFC 6455, section 4.2.1), and the answer that
/// grants it
pub(super) fn judge(request: &Request) -> Result<Response, UpgradeError> {
    let response = create_response(request).map_err(UpgradeError::from_library)?;
    check(request.headers())?;
    Ok(response)
}

/// What the library does not look at: a proxy in front of us may see another host than we do (RFC
/// 9112, section 3.2), or take what we read as frames for the request's content (section 6.3)
fn check(headers: &HeaderMap) -> Result<(), UpgradeError> {
    if headers.get_all(HOST).iter().count() != 1 {
        return Err(UpgradeError::Header("Host"));
    }
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    if headers.contains_key(TRANSFER_ENCODING) || lengths.any(|length| length != "0") {
        return Err(UpgradeError::Content);
    }
    Ok(())
}

/// Answers, if there is anybody to answer
async fn refuse<S: AsyncRead + AsyncWrite + Unpin>(socket: S, error: &UpgradeError) {
    if let Some(refusal) = Refusal::of(error) {
        // What matters is why there was no upgrade
        if let Err(unsaid) = say(socket, refusal).await {
            tracing::debug!(target: "everbeat", error = %unsaid, "no answer to a bad request");
        }
    }
}

/// Answers, and leaves
async fn say<S: AsyncRead + AsyncWrite + Unpin>(mut socket: S, refusal: Refusal) -> io::Result<()> {
    write_all(&mut socket, &refusal.into_bytes()).await?;
    part(socket).await
}

/// Ends our half, and lets the peer end its own
pub(crate) async fn part<S: AsyncRead + AsyncWrite + Unpin>(mut socket: S) -> io::Result<()> {
    poll_fn(|cx| Pin::new(&mut socket).poll_close(cx)).await?;
    let mut drained = 0;
    poll_fn(|cx| poll_drain(&mut socket, cx, &mut drained)).await
}

async fn write_all<S: AsyncWrite + Unpin>(socket: &mut S, mut rest: &[u8]) -> io::Result<()> {
    poll_fn(|cx| poll_write_all(socket, cx, &mut rest)).await
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
