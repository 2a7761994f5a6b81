//! One upgrade of an acceptor's: a future that has not begun until it is polled, so that it can be
//! refused before.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use everbeat_core::time::Timer;
use everbeat_core::transport::Busy;

use super::{AcceptError, AcceptSettings, Boxed, Facts};
use crate::runtime::Runtime;
use crate::socket::{Counted, Socket, tune_stream};
use crate::tls::{self, Layered, TlsError};
use crate::upgrade::{self, COURTESY, Gate, Granted, Hook, RequestHead, UpgradeError, within};
use crate::websocket::WebSocket;

type Outcome<S, P> = Result<(WebSocket<S>, Facts<P>, RequestHead), AcceptError>;

/// One upgrade: TLS if there is, the request, the hook, the answer
///
/// # Cancel safety
///
/// Dropping it closes the socket.
#[must_use = "futures do nothing unless polled"]
pub struct Upgrading<R: Runtime, H: Hook> {
    peer: SocketAddr,
    step: Step<R, H>,
}

enum Step<R: Runtime, H: Hook> {
    /// Boxed, as what becomes of it
    Waiting(Box<Waiting<R, H>>),
    Running(Boxed<Outcome<R::Stream, H::Principal>>),
    Over,
}

struct Waiting<R: Runtime, H> {
    stream: R::Stream,
    timer: R::Timer,
    settings: AcceptSettings<H>,
    busy: Option<Busy>,
}

impl<R: Runtime, H: Hook> Upgrading<R, H> {
    pub(super) fn new(
        stream: R::Stream,
        peer: SocketAddr,
        timer: R::Timer,
        settings: AcceptSettings<H>,
    ) -> Self {
        let waiting = Waiting { stream, timer, settings, busy: None };
        Self { peer, step: Step::Waiting(Box::new(waiting)) }
    }

    /// The address of the socket's other end
    #[must_use]
    pub const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Only answers that the server is busy; `None` if it is under way already
    pub(super) fn refuse(mut self, busy: Busy) -> Option<Self> {
        let Step::Waiting(waiting) = &mut self.step else {
            return None;
        };
        waiting.busy = Some(busy);
        Some(self)
    }
}

impl<R: Runtime, H: Hook> Future for Upgrading<R, H> {
    type Output = Outcome<R::Stream, H::Principal>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Step::Waiting(_) = this.step {
            if let Step::Waiting(waiting) = std::mem::replace(&mut this.step, Step::Over) {
                let Waiting { stream, timer, settings, busy } = *waiting;
                let peer = this.peer;
                this.step = Step::Running(Box::pin(async move {
                    match busy {
                        Some(busy) => turn_away(stream, &timer, &settings, busy).await,
                        None => upgrade(stream, peer, &timer, &settings).await,
                    }
                }));
            }
        }
        match &mut this.step {
            Step::Running(running) => running.as_mut().poll(cx),
            Step::Waiting(_) | Step::Over => Poll::Pending,
        }
    }
}

/// Grants or refuses the upgrade that the peer at the other end of a stream asks for
pub(crate) async fn upgrade<S, H, K>(
    stream: S,
    peer: SocketAddr,
    timer: &K,
    settings: &AcceptSettings<H>,
) -> Outcome<S, H::Principal>
where
    S: Socket + Unpin + Send,
    H: Hook,
    K: Timer,
{
    let socket = secure(stream, timer, settings).await?;
    let gate = Gate {
        hook: &*settings.hook,
        hook_timeout: settings.hook_timeout,
        origins: settings.origins.as_ref(),
        cookies: settings.cookies,
        secure: settings.tls.is_some(),
        peer,
        sleep: |time| timer.sleep_until(timer.now() + time),
    };
    let granted = upgrade::server(socket, &settings.limits, gate).await?;
    let Granted { websocket, request, upgrade } = granted;
    let subprotocol = upgrade.subprotocol.map(Into::into);
    Ok((websocket, Facts::new(peer, subprotocol, upgrade.principal), request))
}

/// Answers that the server is busy, or lets it be if the peer is slow to hear so
async fn turn_away<S, H, K, P>(
    stream: S,
    timer: &K,
    settings: &AcceptSettings<H>,
    busy: Busy,
) -> Outcome<S, P>
where
    S: Socket + Unpin + Send,
    K: Timer,
{
    let told = async {
        let socket = secure(stream, timer, settings).await?;
        Err(upgrade::turn_away(socket, &settings.limits, busy).await.into())
    };
    let told = within(timer.sleep_until(timer.now() + COURTESY), told).await;
    told.unwrap_or_else(|| Err(UpgradeError::Busy(busy).into()))
}

async fn secure<S: Socket + Unpin + Send, K: Timer, H>(
    stream: S,
    timer: &K,
    settings: &AcceptSettings<H>,
) -> Result<Layered<S>, TlsError> {
    tune_stream(&stream, &settings.limits);
    let sleep = |time| timer.sleep_until(timer.now() + time);
    tls::secure_server(settings.tls.clone(), Counted::new(stream), sleep).await
}

impl<R: Runtime, H: Hook> fmt::Debug for Upgrading<R, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrading").field("peer", &self.peer).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use everbeat_core::Cause;
    use everbeat_sim::Sim;
    use futures_io::{AsyncRead, AsyncWrite};

    use super::*;

    const ASK: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n\
        Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    /// Says something, hears the answer if it takes it, and then stays or goes
    struct Peer {
        says: &'static [u8],
        takes: bool,
        goes: bool,
        heard: Arc<Mutex<Vec<u8>>>,
    }

    impl AsyncRead for Peer {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            into: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            let (now, later) = self.says.split_at(self.says.len().min(into.len()));
            let gone = self.goes && !self.heard.lock().unwrap().is_empty();
            if now.is_empty() && !gone {
                return Poll::Pending;
            }
            into[..now.len()].copy_from_slice(now);
            self.says = later;
            Poll::Ready(Ok(now.len()))
        }
    }

    impl AsyncWrite for Peer {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            if !self.takes {
                return Poll::Pending;
            }
            self.heard.lock().unwrap().extend_from_slice(bytes);
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    impl Socket for Peer {}

    /// What a peer for which the server is too busy hears, and how long it is with us
    fn turned_away(
        settings: &AcceptSettings,
        says: &'static [u8],
        takes: bool,
        goes: bool,
        busy: Busy,
    ) -> (String, Duration) {
        let mut sim = Sim::seed(1);
        let (timer, settings) = (sim.timer(), settings.clone());
        let heard = Arc::<Mutex<_>>::default();
        let peer = Peer { says, takes, goes, heard: heard.clone() };
        let (from, until) = (timer.clone(), Duration::from_secs(60));
        let told = async move { turn_away::<_, _, _, ()>(peer, &from, &settings, busy).await };
        let Ok(told) = sim.block_on(told, until) else {
            panic!("it is with us for {until:?}");
        };
        let error = told.map(drop).unwrap_err();
        assert!(matches!(error, AcceptError::Upgrade(UpgradeError::Busy(why)) if why == busy));
        let status = if busy == Busy::PerAddress { 429 } else { 503 };
        assert_eq!(error.classify(), Cause::Rejected { status, retry_after: None });
        let heard = String::from_utf8(heard.lock().unwrap().clone()).unwrap();
        (heard, timer.now().since_origin())
    }

    #[test]
    fn who_is_one_too_many_is_told_so_and_keeps_us_for_a_second_at_most() {
        let settings = AcceptSettings::default();
        let cases = [
            (Busy::Connections, "503 Service Unavailable", 5),
            (Busy::PerAddress, "429 Too", 5),
            (Busy::Upgrades { seconds: 17 }, "503 Service Unavailable", 17),
        ];
        for (busy, status, after) in cases {
            for (goes, took) in [(true, Duration::ZERO), (false, COURTESY)] {
                let (heard, lasted) = turned_away(&settings, ASK, true, goes, busy);
                assert!(heard.starts_with(&format!("HTTP/1.1 {status}")), "{heard}");
                assert!(heard.contains(&format!("\r\nRetry-After: {after}\r\n")), "{heard}");
                assert_eq!(lasted, took);
            }
        }
        let busy = Busy::Connections;
        for says in [b"".as_slice(), &ASK[..ASK.len() - 1]] {
            assert_eq!(turned_away(&settings, says, true, false, busy), (String::new(), COURTESY));
        }
        assert_eq!(turned_away(&settings, ASK, false, false, busy), (String::new(), COURTESY));
    }

    #[cfg(feature = "tls")]
    #[test]
    fn the_tls_of_who_is_one_too_many_is_of_that_second() {
        let certified = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap();
        let key = certified.signing_key.serialize_pem();
        let tls = tls::ServerTls::from_pem(certified.cert.pem(), key).unwrap();
        let settings = AcceptSettings::default().tls(tls);
        let silent = turned_away(&settings, b"", true, false, Busy::Connections);
        assert_eq!(silent, (String::new(), COURTESY));
    }
}
