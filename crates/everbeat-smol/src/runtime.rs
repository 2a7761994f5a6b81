//! What smol lends: names, dialing, listening, tasks.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::task::{Context, Poll, ready};

use everbeat_core::Spawn;
use everbeat_nest::Listener;
use everbeat_ws::Runtime;

use crate::nest::nest;
use crate::stream::{Stream, Tcp};
use crate::timer::SmolTimer;

/// The smol runtime, of which a program has one
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "a runtime is found by the program that it is in")]
pub struct Smol;

impl Smol {
    /// A seed for jitter, from the operating system
    #[must_use]
    pub fn seed(&self) -> u64 {
        Runtime::seed(self)
    }
}

impl Runtime for Smol {
    type Timer = SmolTimer;
    type Stream = Tcp;
    type Listener = Listener<everbeat_async_io::Listener>;

    fn timer(&self) -> SmolTimer {
        SmolTimer::new()
    }

    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        everbeat_async_io::resolve(host, port).await
    }

    async fn dial(&self, address: SocketAddr) -> io::Result<Tcp> {
        everbeat_async_io::dial(address).await.map(Tcp::new)
    }

    fn adopt(&self, listener: TcpListener) -> io::Result<Self::Listener> {
        Ok(Listener::new(listener.try_into()?, nest()))
    }

    fn poll_accept(
        &self,
        listener: &mut Self::Listener,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Tcp, SocketAddr)>> {
        let (stream, peer) = ready!(listener.socket.poll_accept(cx))?;
        Poll::Ready(Ok((listener.settle(stream, Stream::try_from)?, peer)))
    }

    fn local_address(&self, listener: &Self::Listener) -> io::Result<SocketAddr> {
        listener.socket.local_address()
    }
}

impl<F> Spawn<F> for Smol
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    /// Starts a task on the global executor
    fn spawn(&self, future: F) {
        smol::spawn(future).detach();
    }
}
