//! One upgrade: the server has taken a request up, its route is told so and answers 101, and hyper
//! hands over the socket. Time is the server's to bound.

use std::fmt;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use everbeat_core::transport::Busy;
use everbeat_ws::accept::Facts;
use everbeat_ws::upgrade::UpgradeError;
use everbeat_ws::{Settings, WebSocket};
use hyper::upgrade::OnUpgrade;
use tokio::sync::oneshot;

use crate::asked::Asked;
use crate::stream::Stream;

/// A request that waits for the server
pub(crate) struct Ask<P> {
    pub(crate) on_upgrade: OnUpgrade,
    /// If it is known before the socket is
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) subprotocol: Option<Box<str>>,
    pub(crate) principal: P,
    pub(crate) asked: Asked<P>,
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
pub struct Upgrading<P> {
    settings: Settings,
    peer: Option<SocketAddr>,
    busy: Option<Busy>,
    step: Step<P>,
}

enum Step<P> {
    Asked(Box<Ask<P>>),
    /// The answer is under way
    Answered(Box<Answered<P>>),
    Over,
}

struct Answered<P> {
    on_upgrade: OnUpgrade,
    subprotocol: Option<Box<str>>,
    principal: P,
    asked: Asked<P>,
}

impl<P> Upgrading<P> {
    pub(crate) fn new(ask: Ask<P>, settings: Settings) -> Self {
        Self { settings, peer: ask.peer, busy: None, step: Step::Asked(Box::new(ask)) }
    }

    /// The address of the socket's other end, if the route has told it
    pub(crate) const fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Only says that the server is busy
    pub(crate) fn refuse(mut self, busy: Busy) -> Self {
        self.busy = Some(busy);
        self
    }

    /// Tells the route; the error if there is to be no upgrade, or nobody is there any more
    fn answer(&mut self) -> Result<(), UpgradeError> {
        match std::mem::replace(&mut self.step, Step::Over) {
            Step::Asked(ask) => {
                let Ask { on_upgrade, subprotocol, principal, asked, answer, .. } = *ask;
                let decided = self.busy.map_or(Ok(()), Err);
                // Whose route is gone has lost its client
                answer.send(decided).map_err(|_| UpgradeError::End)?;
                decided.map_err(UpgradeError::Busy)?;
                let answered = Answered { on_upgrade, subprotocol, principal, asked };
                self.step = Step::Answered(Box::new(answered));
            }
            other => self.step = other,
        }
        Ok(())
    }
}

impl<P> Future for Upgrading<P> {
    type Output = Result<(WebSocket<Stream>, Facts<P>, Asked<P>), UpgradeError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.answer()?;
        let Step::Answered(answered) = &mut this.step else {
            return Poll::Pending;
        };
        let upgraded = ready!(Pin::new(&mut answered.on_upgrade).poll(cx));
        let Step::Answered(answered) = std::mem::replace(&mut this.step, Step::Over) else {
            return Poll::Pending;
        };
        // The route has answered otherwise, or its connection is not served with upgrades
        let upgraded = upgraded.map_err(|error| UpgradeError::Other(Box::new(error)))?;
        let (stream, early) = Stream::unpack(upgraded);
        let peer = this.peer.or_else(|| stream.peer());
        let nobody = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let Answered { subprotocol, principal, asked, .. } = *answered;
        let facts = Facts::new(peer.unwrap_or(nobody), subprotocol, principal);
        Poll::Ready(Ok((WebSocket::hosted(stream, this.settings, early), facts, asked)))
    }
}

impl<P> fmt::Debug for Upgrading<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrading").field("peer", &self.peer).finish_non_exhaustive()
    }
}
