//! One generation of the server: it inherits the listening socket, serves until it is told SIGTERM,
//! sends everybody to the next one, and counts what it has received.

use std::net::TcpListener;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use everbeat_tokio::server::storm::Restart;
use everbeat_tokio::server::{Accepted, Acceptor, Connection, Server};
use everbeat_tokio::transport::{Settings, TokioTimer};
use everbeat_tokio::{Cause, Tokio};
use tokio::signal::unix::{SignalKind, signal};

use crate::Failure;

/// Serves the socket that is our standard input, as a supervisor has left it there
pub(crate) async fn run() -> Result<(), Failure> {
    let mut told = signal(SignalKind::terminate())?;
    let inherited = TcpListener::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    let acceptor = Acceptor::inherit(inherited, Settings::default())?;
    let server = Server::over(acceptor, TokioTimer::new(), Tokio, Tokio.seed())
        // The next one takes 1,000 connections a second, and listens already
        .restart(Restart::per_second(1_000))
        .build()?;
    println!("ready");

    let received = Arc::new(AtomicU64::new(0));
    let counted = received.clone();
    let handler = move |mut connection: Connection, _: Accepted| {
        let counted = counted.clone();
        async move {
            while connection.recv().await?.is_some() {
                counted.fetch_add(1, Ordering::Relaxed);
            }
            Ok::<_, Cause>(())
        }
    };
    let served = server.serve_until(handler, async move { _ = told.recv().await }).await;
    println!("received {}", received.load(Ordering::Relaxed));
    eprintln!("  {:>6}  {served}", std::process::id());
    Ok(())
}
