//! Who holds the socket, starts each generation, ends the one before, and checks the accounts.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{sleep, timeout};

use crate::Failure;
use crate::client;

/// How long a generation serves, here
const GENERATION: Duration = Duration::from_secs(3);
/// Far more than one takes to start or to end, so that only one that hangs meets it
const PATIENCE: Duration = Duration::from_secs(15);

pub(crate) async fn run() -> Result<(), Failure> {
    let socket = TcpListener::bind("127.0.0.1:0")?;
    let address = socket.local_addr()?;
    println!("the socket at {address} is mine, and outlives every server");

    let mut serving = Generation::start(&socket).await?;
    let sending = client::start(address).await?;
    let mut received = 0;
    for _ in 0..2 {
        sleep(GENERATION).await;
        let next = Generation::start(&socket).await?;
        received += serving.end().await?;
        serving = next;
    }
    sleep(GENERATION).await;
    let told = sending.stop().await?;
    received += serving.end().await?;

    println!("{told}");
    println!("received {received}, over three generations");
    let known = told.delivered..=told.delivered + told.unconfirmed;
    if (told.connections, told.restarts) != (3, 2) || told.unsent != 0 || !known.contains(&received)
    {
        return Err("it does not add up".into());
    }
    Ok(())
}

/// A process that serves
struct Generation {
    process: Child,
    says: Lines<BufReader<ChildStdout>>,
}

impl Generation {
    /// Starts one, and waits until it serves: until then the one before does
    async fn start(socket: &TcpListener) -> Result<Self, Failure> {
        let inherited = OwnedFd::from(socket.try_clone()?);
        let mut process = Command::new(std::env::current_exe()?)
            .arg("serve")
            .stdin(Stdio::from(inherited))
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = process.stdout.take().ok_or("its stdout is ours")?;
        let mut says = BufReader::new(stdout).lines();
        let first = timeout(PATIENCE, says.next_line()).await??;
        if first.as_deref() != Some("ready") {
            return Err(format!("it is not ready: {first:?}").into());
        }
        println!("  {:>6}  serves", process.id().unwrap_or_default());
        Ok(Self { process, says })
    }

    /// Ends it in order; how many messages it has received
    async fn end(mut self) -> Result<u64, Failure> {
        let id = self.process.id().ok_or("it has ended by itself")?;
        println!("  {id:>6}  is told to end");
        Command::new("kill").args(["-TERM", &id.to_string()]).status().await?;
        let said = timeout(PATIENCE, self.says.next_line()).await??.unwrap_or_default();
        timeout(PATIENCE, self.process.wait()).await??;
        let count = said.strip_prefix("received ").ok_or("it does not say what it received")?;
        Ok(count.parse()?)
    }
}
