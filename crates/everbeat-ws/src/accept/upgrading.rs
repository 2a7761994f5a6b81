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
use crate::socket::{Counted, Socket, tune};
use crate::tls;
use crate::upgrade::{self, Gate, Granted, Hook};
use crate::websocket::WebSocket;

type Outcome<S, P> = Result<(WebSocket<S>, Facts<P>), AcceptError>;

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

    /// Only answers that the server is busy
    pub(super) fn refuse(mut self, busy: Busy) -> Self {
        if let Step::Waiting(waiting) = &mut self.step {
            waiting.busy = Some(busy);
        }
        self
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
                    upgrade(stream, peer, &timer, &settings, busy).await
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
    busy: Option<Busy>,
) -> Outcome<S, H::Principal>
where
    S: Socket + Unpin + Send,
    H: Hook,
    K: Timer,
{
    if let Some(Err(error)) = stream.tcp().map(|tcp| tune(&tcp, &settings.limits)) {
        tracing::debug!(target: "everbeat", %error, "TCP options were refused");
    }
    let socket = tls::secure_server(settings.tls.clone(), Counted::new(stream)).await?;
    let gate = Gate {
        hook: &*settings.hook,
        hook_timeout: settings.hook_timeout,
        origins: settings.origins.as_ref(),
        cookies: settings.cookies,
        secure: settings.tls.is_some(),
        peer,
        sleep: |time| timer.sleep_until(timer.now() + time),
    };
    let granted = upgrade::server(socket, &settings.limits, gate, busy).await?;
    let Granted { websocket, request, upgrade } = granted;
    let (subprotocol, principal) = (upgrade.subprotocol, upgrade.principal);
    Ok((websocket, Facts { peer, request, subprotocol, principal }))
}

impl<R: Runtime, H: Hook> fmt::Debug for Upgrading<R, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrading").field("peer", &self.peer).finish_non_exhaustive()
    }
}
