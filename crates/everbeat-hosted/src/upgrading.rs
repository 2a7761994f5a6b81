//! One upgrade: the server has taken a request up, its route is told so and answers 101, and the HTTP
//! server hands over its stream. Time is the server's to bound.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use everbeat_core::transport::Busy;
use everbeat_ws::accept::Facts;
use everbeat_ws::upgrade::{Handshake, Origins, UpgradeError};
use everbeat_ws::{Settings, Socket, WebSocket};
use tokio::sync::oneshot;

use crate::asked::Asked;

/// The stream of a request that was answered 101, and what was read of it already
///
/// It fails if something else was answered.
pub type Upgraded<S> =
    Pin<Box<dyn Future<Output = Result<(S, Vec<u8>), Box<dyn Error + Send + Sync>>> + Send>>;

/// A request as an HTTP server hands it to its routes
///
/// It is for the crate of a framework to implement.
pub trait Asking<S: Socket + Unpin> {
    /// Judges the request by the HTTP that it came by
    ///
    /// `origins` and `secure` are those of [`Handshake::of`].
    ///
    /// # Errors
    ///
    /// The request is not a good one, or its page may not connect.
    fn judge(&self, origins: Option<&Origins>, secure: bool) -> Result<Handshake, UpgradeError>;

    /// The address of the socket's other end, if it is known before the stream is there
    fn peer(&self) -> Option<SocketAddr>;

    /// The stream behind the answer; asked of a good request only, `None` if there is none
    fn take(self) -> Option<Upgraded<S>>;
}

/// A request that waits for the server
pub(crate) struct Ask<S: Socket + Unpin, P> {
    pub(crate) upgraded: Upgraded<S>,
    /// If it is known before the socket is
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) subprotocol: Option<Box<str>>,
    pub(crate) principal: P,
    pub(crate) asked: Asked<S, P>,
    /// Whether the route may answer 101; dropped if the server stops
    pub(crate) answer: oneshot::Sender<Result<(), Busy>>,
}

/// One upgrade of a request
///
/// # Cancel safety
///
/// Dropped before its request is answered, the server is stopping, and the peer is told so; later it
/// closes the socket.
#[must_use = "futures do nothing unless polled"]
pub struct Upgrading<S: Socket + Unpin, P> {
    settings: Settings,
    peer: Option<SocketAddr>,
    step: Step<S, P>,
}

enum Step<S: Socket + Unpin, P> {
    Asked(Box<Ask<S, P>>),
    /// The answer is under way
    Answered(Box<Answered<S, P>>),
    Over,
}

struct Answered<S: Socket + Unpin, P> {
    upgraded: Upgraded<S>,
    subprotocol: Option<Box<str>>,
    principal: P,
    asked: Asked<S, P>,
}

impl<S: Socket + Unpin, P> Upgrading<S, P> {
    pub(crate) fn new(ask: Ask<S, P>, settings: Settings) -> Self {
        Self { settings, peer: ask.peer, step: Step::Asked(Box::new(ask)) }
    }

    /// The address of the socket's other end, if the route has told it
    pub(crate) const fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Tells the route that the server is busy
    pub(crate) fn refuse(self, busy: Busy) {
        if let Step::Asked(ask) = self.step {
            // Whose route is gone has lost its client
            _ = ask.answer.send(Err(busy));
        }
    }

    /// Tells the route; the error if nobody is there any more
    fn answer(&mut self) -> Result<(), UpgradeError> {
        match std::mem::replace(&mut self.step, Step::Over) {
            Step::Asked(ask) => {
                let Ask { upgraded, subprotocol, principal, asked, answer, .. } = *ask;
                // Whose route is gone has lost its client
                answer.send(Ok(())).map_err(|_| UpgradeError::End)?;
                let answered = Answered { upgraded, subprotocol, principal, asked };
                self.step = Step::Answered(Box::new(answered));
            }
            other => self.step = other,
        }
        Ok(())
    }
}

impl<S: Socket + Unpin, P> Future for Upgrading<S, P> {
    type Output = Result<(WebSocket<S>, Facts<P>, Asked<S, P>), UpgradeError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.answer()?;
        let Step::Answered(answered) = &mut this.step else {
            return Poll::Pending;
        };
        let upgraded = ready!(answered.upgraded.as_mut().poll(cx));
        let Step::Answered(answered) = std::mem::replace(&mut this.step, Step::Over) else {
            return Poll::Pending;
        };
        // The route has answered otherwise, or its connection is not served with upgrades
        let (stream, early) = upgraded.map_err(UpgradeError::Other)?;
        let peer = this.peer.or_else(|| stream.tcp(|tcp| tcp.peer_addr().ok()?.as_socket())?);
        let nobody = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let Answered { subprotocol, principal, asked, .. } = *answered;
        let facts = Facts::new(peer.unwrap_or(nobody), subprotocol, principal);
        Poll::Ready(Ok((WebSocket::hosted(stream, this.settings, early), facts, asked)))
    }
}

impl<S: Socket + Unpin, P> fmt::Debug for Upgrading<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrading").field("peer", &self.peer).finish_non_exhaustive()
    }
}
