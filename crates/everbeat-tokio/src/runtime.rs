//! What tokio lends: names, dialing, listening, tasks.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};

use everbeat_core::Spawn;
use everbeat_nest::Listener;
use everbeat_ws::Runtime;
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::runtime::Handle;

use crate::nest::nest;
use crate::stream::{Stream, Tcp};
use crate::timer::TokioTimer;

/// The tokio runtime that the caller is in
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "a runtime is found by the task that is in it")]
pub struct Tokio;

impl Tokio {
    /// A seed for jitter, from the operating system
    #[must_use]
    pub fn seed(&self) -> u64 {
        Runtime::seed(self)
    }
}

impl Runtime for Tokio {
    type Timer = TokioTimer;
    type Stream = Tcp;
    type Listener = Listener<TcpListener>;

    fn timer(&self) -> TokioTimer {
        TokioTimer::new()
    }

    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(lookup_host((host, port)).await?.collect())
    }

    async fn dial(&self, address: SocketAddr) -> io::Result<Tcp> {
        TcpStream::connect(address).await.map(|stream| Tcp::new(Stream::new(stream)))
    }

    fn adopt(&self, listener: std::net::TcpListener) -> io::Result<Self::Listener> {
        // Outside a runtime tokio would panic
        Handle::try_current().map_err(io::Error::other)?;
        Ok(Listener::new(TcpListener::from_std(listener)?, nest()))
    }

    fn poll_accept(
        &self,
        listener: &mut Self::Listener,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Tcp, SocketAddr)>> {
        let (stream, peer) = ready!(listener.socket.poll_accept(cx))?;
        if !listener.has_nest() {
            return Poll::Ready(Ok((Tcp::new(Stream::new(stream)), peer)));
        }
        let alone = |stream| TcpStream::from_std(stream).map(Stream::new);
        Poll::Ready(Ok((listener.settle(stream.into_std()?, alone)?, peer)))
    }

    fn local_address(&self, listener: &Self::Listener) -> io::Result<SocketAddr> {
        listener.socket.local_addr()
    }
}

impl<F> Spawn<F> for Tokio
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    /// Starts a task
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    fn spawn(&self, future: F) {
        if boxed_is_smaller(size_of::<F>()) {
            drop(tokio::spawn(Box::pin(future)));
        } else {
            drop(tokio::spawn(future));
        }
    }
}

/// Whether a future takes less memory beside its task than in it
///
/// Tokio rounds a task's cell, 104 bytes and the future, up to two cache lines: 128 bytes for a
/// boxed one. Measured for tokio 1.54; if it changes, memory is lost and nothing else.
const fn boxed_is_smaller(future: usize) -> bool {
    128 + future < (104 + future).next_multiple_of(128)
}
