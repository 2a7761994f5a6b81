//! One server: a process that inherits the listening socket, serves, and says how late it was when it
//! is told to end.

use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use everbeat_support::overslept;
use everbeat_tokio::Tokio;
use everbeat_tokio::server::storm::Restart;
use everbeat_tokio::server::{Acceptor, Limits, Server};
use everbeat_tokio::transport::{Settings, TokioTimer};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

use super::SHUTDOWN_TIMEOUT;
use crate::args::SERVE;

/// Far more than one takes to start or to end, so that only one that hangs meets it
const PATIENCE: Duration = Duration::from_secs(30);

/// Serves the socket that is our standard input, until it is told to end
pub(super) fn serve(capacity: u32) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut told = signal(SignalKind::terminate())?;
        let inherited = TcpListener::from(std::io::stdin().as_fd().try_clone_to_owned()?);
        let acceptor = Acceptor::inherit(inherited, Settings::default())?;
        let server = Server::over(acceptor, TokioTimer::new(), Tokio, Tokio.seed())
            .limits(Limits::default().upgrades_per_second(capacity))
            .shutdown_timeout(SHUTDOWN_TIMEOUT)
            .restart(Restart::per_second(capacity))
            .build()?;
        say("ready");
        let mut late = Duration::ZERO;
        let handle = server.handle();
        let mut serving = Box::pin(server.serve(|mut connection| async move {
            while connection.recv().await?.is_some() {}
            Ok(())
        }));
        let timer = TokioTimer::new();
        loop {
            tokio::select! {
                _ = &mut serving => break,
                _ = told.recv() => handle.shutdown(),
                overslept = overslept(&timer) => late = late.max(overslept),
            }
        }
        say(&format!("late {}", late.as_millis()));
        Ok(ExitCode::SUCCESS)
    })
}

#[expect(clippy::print_stdout, reason = "it is how a child speaks to its parent")]
fn say(line: &str) {
    println!("{line}");
}

/// Such a process, from outside
pub(super) struct Generation {
    process: Child,
    says: Lines<BufReader<ChildStdout>>,
}

impl Generation {
    /// Starts one, and waits until it serves
    pub(super) async fn start(socket: &TcpListener, capacity: u32) -> Result<Self> {
        let inherited = OwnedFd::from(socket.try_clone()?);
        let mut process = Command::new(std::env::current_exe()?)
            .args([SERVE, &capacity.to_string()])
            .stdin(Stdio::from(inherited))
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = process.stdout.take().context("its stdout is ours")?;
        let mut says = BufReader::new(stdout).lines();
        let first = timeout(PATIENCE, says.next_line()).await??;
        if first.as_deref() != Some("ready") {
            bail!("a server is not ready: {first:?}");
        }
        Ok(Self { process, says })
    }

    /// Tells it to end, and returns at once
    pub(super) async fn tell(&self) -> Result<()> {
        let id = self.process.id().context("a server has ended by itself")?;
        let told = Command::new("kill").args(["-TERM", &id.to_string()]).status().await?;
        if told.success() { Ok(()) } else { bail!("a server could not be told to end") }
    }

    /// Waits until it has ended; how late it ever was
    pub(super) async fn ended(mut self) -> Result<Duration> {
        let said = timeout(PATIENCE, self.says.next_line()).await??.unwrap_or_default();
        timeout(PATIENCE, self.process.wait()).await??;
        let late = said.strip_prefix("late ").context("a server does not say how late it was")?;
        Ok(Duration::from_millis(late.parse()?))
    }
}
