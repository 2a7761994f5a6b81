//! From a request's host to a socket: resolve, then let the addresses race.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use everbeat_core::time::{Sleep, Timer};

use super::race::Race;
use super::{ConnectError, Request};
use crate::runtime::Runtime;

/// A socket to the first address of the request's host that takes one
///
/// # Cancel safety
///
/// Dropping the future abandons every attempt.
pub(super) async fn dial<R: Runtime>(
    runtime: &R,
    timer: &R::Timer,
    request: &Request,
) -> Result<R::Stream, ConnectError> {
    let (host, port) = (request.host(), request.port());
    let resolved = match host.parse() {
        Ok(address) => Ok(vec![SocketAddr::new(address, port)]),
        Err(_) => runtime.resolve(host, port).await,
    };
    let unresolved = |error| ConnectError::Resolve { host: host.to_owned(), error };
    let addresses = resolved.map_err(unresolved)?;
    if addresses.is_empty() {
        let error = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        return Err(unresolved(error));
    }
    let mut attempts = Attempts {
        race: Race::new(addresses),
        timer,
        dial: |address| Box::pin(runtime.dial(address)),
        running: Vec::new(),
        sleep: None,
    };
    poll_fn(|cx| attempts.poll(cx)).await.map_err(|failures| ConnectError::Dial { failures })
}

/// The attempts that run, and the alarm for the next
struct Attempts<'a, K: Timer, D, F> {
    race: Race,
    timer: &'a K,
    dial: D,
    running: Vec<(SocketAddr, Pin<Box<F>>)>,
    sleep: Option<K::Sleep>,
}

impl<K, D, F, S> Attempts<'_, K, D, F>
where
    K: Timer<Sleep: Unpin>,
    D: FnMut(SocketAddr) -> Pin<Box<F>>,
    F: Future<Output = io::Result<S>>,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<S, Vec<(SocketAddr, io::Error)>>> {
        loop {
            while let Some(address) = self.race.start(self.timer.now()) {
                self.running.push((address, (self.dial)(address)));
                // Before its rival is made: it may be there, or have failed, already
                if let Poll::Ready(stream) = self.poll_running(cx) {
                    return Poll::Ready(Ok(stream));
                }
            }
            if let Poll::Ready(stream) = self.poll_running(cx) {
                return Poll::Ready(Ok(stream));
            }
            if let Some(failures) = self.race.failures() {
                return Poll::Ready(Err(failures));
            }
            match self.poll_alarm(cx) {
                Poll::Ready(()) => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// The first attempt that is there; those that have failed are put aside
    fn poll_running(&mut self, cx: &mut Context<'_>) -> Poll<S> {
        let mut index = 0;
        while let Some((address, attempt)) = self.running.get_mut(index) {
            match attempt.as_mut().poll(cx) {
                Poll::Ready(Ok(stream)) => return Poll::Ready(stream),
                Poll::Ready(Err(error)) => {
                    tracing::debug!(target: "everbeat", %address, %error, "no connection");
                    self.race.handle_failed(*address, error);
                    drop(self.running.swap_remove(index));
                }
                Poll::Pending => index += 1,
            }
        }
        Poll::Pending
    }

    /// Ready when the race may have an address to start
    fn poll_alarm(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.race.poll_timeout() {
            Some(due) => {
                let sleep = self.sleep.get_or_insert_with(|| self.timer.sleep_until(due));
                Pin::new(&mut *sleep).reset(due);
                Pin::new(sleep).poll(cx)
            }
            // A failure has made the next one free to start
            None if self.race.is_free() => Poll::Ready(()),
            None => Poll::Pending,
        }
    }
}
