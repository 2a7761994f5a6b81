//! One TCP connection to a target, address by address, and which address it was: for whoever measures
//! a single connection rather than keeps one.

use std::net::SocketAddr;
use std::time::Duration;

use everbeat_tokio::Request;
use everbeat_tokio::transport::tls::ClientTls;
use everbeat_tokio::transport::{Settings, Stream, WebSocket};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::exit::Failure;
use crate::road::addresses;
use crate::span::Span;
use crate::target::Target;
use crate::tls;

/// The least that one of several addresses is given before the next is tried
const LEAST: Duration = Duration::from_secs(1);

/// A WebSocket that is open
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) websocket: WebSocket<Stream>,
    pub(crate) peer: SocketAddr,
    /// From the name to the upgrade
    pub(crate) took: Duration,
}

/// Connects, secures and upgrades, within the target's `--connect-timeout`
pub(crate) async fn open(target: &Target) -> Result<Opened, Failure> {
    let request = target.request()?;
    let tls = request.is_secure().then(|| tls::config(target)).transpose()?;
    let began = Instant::now();
    let attempt = async {
        let (tcp, peer) = tcp(target, &request).await?;
        let stream = Stream::new(tcp);
        let upgraded = match tls {
            None => WebSocket::connect(stream, &request, Settings::default()).await,
            Some(tls) => {
                let tls = ClientTls::from_rustls(tls);
                WebSocket::connect_tls(stream, &request, tls, Settings::default()).await
            }
        };
        let websocket = upgraded.map_err(|error| Failure::no_connection(&error))?;
        Ok(Opened { websocket, peer, took: began.elapsed() })
    };
    within(target.connect_timeout, attempt).await
}

/// Bounds an attempt
async fn within<T>(
    limit: Duration,
    attempt: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    timeout(limit, attempt).await.unwrap_or_else(|_| Err(late(limit)))
}

/// An attempt that took too long
pub(crate) fn late(limit: Duration) -> Failure {
    Failure::NoConnection(format!("none within {}", Span(limit)))
}

/// A TCP connection to the first address that takes one
pub(crate) async fn tcp(
    target: &Target,
    request: &Request,
) -> Result<(TcpStream, SocketAddr), Failure> {
    let (host, port) = (request.host(), request.port());
    let found = addresses(host, port, target.family())
        .await
        .map_err(|error| Failure::NoConnection(format!("no address of {host}: {error}")))?;
    let share =
        (target.connect_timeout / u32::try_from(found.len()).unwrap_or(u32::MAX)).max(LEAST);
    let mut failures = Vec::new();
    for address in found {
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => {
                // An option of speed: a socket without it only measures longer round trips.
                _ = tcp.set_nodelay(true);
                return Ok((tcp, address));
            }
            Ok(Err(error)) => failures.push(format!("{address}: {error}")),
            Err(_) => failures.push(format!("{address}: no answer within {}", Span(share))),
        }
    }
    Err(Failure::NoConnection(failures.join(", ")))
}
