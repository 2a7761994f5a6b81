//! One limit over all parts of an attempt: a resolver and a road that never answer. Those over TLS
//! and the upgrade are in `tls` and `slow`.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use everbeat_tokio::Tokio;
use everbeat_tokio::client::ConnectError;
use everbeat_tokio::core::Client;
use everbeat_tokio::core::cause::Cause;
use everbeat_tokio::transport::{Tcp, TokioTimer};
use everbeat_ws::{Connector, Runtime};

use crate::peer::soon;

/// Attempts that have begun and have been dropped
static BEGUN: AtomicUsize = AtomicUsize::new(0);
static DROPPED: AtomicUsize = AtomicUsize::new(0);

struct Counted;

impl Counted {
    fn new() -> Self {
        BEGUN.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Ordering::Relaxed);
    }
}

/// Tokio, where `nowhere` is never resolved, and nobody is ever reached
#[derive(Clone, Default)]
struct Stuck;

impl Runtime for Stuck {
    type Timer = TokioTimer;
    type Stream = Tcp;
    type Listener = <Tokio as Runtime>::Listener;

    fn timer(&self) -> TokioTimer {
        TokioTimer::new()
    }

    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let _counted = Counted::new();
        match host {
            "nowhere" => pending().await,
            _ => Ok((1..=3).map(|last| ([127, 0, 0, last], port).into()).collect()),
        }
    }

    async fn dial(&self, _: SocketAddr) -> io::Result<Tcp> {
        let _counted = Counted::new();
        pending().await
    }

    fn adopt(&self, listener: std::net::TcpListener) -> io::Result<Self::Listener> {
        Tokio.adopt(listener)
    }

    fn poll_accept(
        &self,
        listener: &mut Self::Listener,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Tcp, SocketAddr)>> {
        Tokio.poll_accept(listener, cx)
    }

    fn local_address(&self, listener: &Self::Listener) -> io::Result<SocketAddr> {
        Tokio.local_address(listener)
    }
}

async fn connect(url: &str, limit: Duration) -> Result<(), ConnectError> {
    let connector = Connector::<Stuck>::new(url)?;
    let client = Client::over(connector, TokioTimer::new(), 1).connect_timeout(limit);
    client.connect().await.map(drop)
}

/// In paused time: 700 ms are two turns of the race, so that three addresses are tried at once
#[tokio::test(start_paused = true)]
async fn one_limit_holds_over_the_name_and_over_every_address() {
    let limit = Duration::from_millis(700);
    for (url, attempts) in [("ws://nowhere/", 1), ("ws://somewhere/", 1 + 3)] {
        BEGUN.store(0, Ordering::Relaxed);
        DROPPED.store(0, Ordering::Relaxed);
        let begun = tokio::time::Instant::now();
        let ended = soon(connect(url, limit)).await;
        assert_eq!(ended, Err(ConnectError::Failed(Cause::TimedOut { limit })), "{url}");
        assert!(begun.elapsed() >= limit, "early");
        assert!(begun.elapsed() <= limit + Duration::from_millis(2), "late, in paused time");
        let counts = (BEGUN.load(Ordering::Relaxed), DROPPED.load(Ordering::Relaxed));
        assert_eq!(counts, (attempts, attempts), "{url}: begun, and gone with the attempt");
    }
}
