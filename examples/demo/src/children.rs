//! The child processes: this program again, in another role. Their notes are stamped with the time
//! of reading and come in through one channel; commands go out through their stdins.

use std::net::SocketAddr;
use std::process::Stdio;

use anyhow::Context;
use everbeat_netns::Place;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::child::Orders;
use crate::note::{Note, Who};
use crate::road;

/// Notes that wait to be looked at; a child that notes more waits in turn
const NOTES: usize = 1_024;

/// What a child told, and when that was read
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) at: Instant,
    pub(crate) who: Who,
    /// `None` once it has closed its stdout: it has ended
    pub(crate) what: Option<Note>,
}

/// One child process; killed when dropped
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
}

/// Where all children's notes come in
#[derive(Debug)]
pub(crate) struct Notes {
    sender: mpsc::Sender<Told>,
    receiver: mpsc::Receiver<Told>,
}

impl Notes {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = mpsc::channel(NOTES);
        Self { sender, receiver }
    }

    /// Starts this program again as `who`, in that place if it is another than ours
    pub(crate) fn start(
        &self,
        who: Who,
        address: SocketAddr,
        orders: &Orders,
        place: Option<&Place>,
    ) -> anyhow::Result<Process> {
        let mut command = Command::from(road::command(place)?);
        command.arg(who.name()).arg(address.to_string());
        command.arg("--runtime").arg(orders.runtime.name());
        if let Some(mechanism) = orders.broken {
            command.arg("--break").arg(mechanism.name());
        }
        if let Some(certificates) = &orders.tls {
            command.arg("--certificates").arg(certificates.folder());
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = match place {
            None => command.spawn(),
            Some(place) => {
                // Who is started is where the thread is that starts him.
                let here = Handle::current();
                place.run(move || {
                    let _runtime = here.enter();
                    command.spawn()
                })?
            }
        }
        .with_context(|| format!("{who} could not be started"))?;
        let stdout = child.stdout.take().context("a child without stdout")?;
        tokio::spawn(listen(who, stdout, self.sender.clone()));
        Ok(Process { stdin: child.stdin.take(), child })
    }

    pub(crate) async fn next(&mut self) -> Option<Told> {
        self.receiver.recv().await
    }

    /// The next note that was told already
    pub(crate) fn told(&mut self) -> Option<Told> {
        self.receiver.try_recv().ok()
    }

    /// What is left once every child has ended
    pub(crate) async fn rest(self) -> Vec<Told> {
        let Self { sender, mut receiver } = self;
        drop(sender);
        let mut rest = Vec::new();
        while let Some(told) = receiver.recv().await {
            rest.push(told);
        }
        rest
    }
}

async fn listen(who: Who, stdout: ChildStdout, notes: mpsc::Sender<Told>) {
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        // A killed process may leave half a line behind: it is no note.
        let Ok(what) = Note::read(&line) else {
            continue;
        };
        if notes.send(Told { at: Instant::now(), who, what: Some(what) }).await.is_err() {
            return;
        }
    }
    // Refused only if nobody wants to know.
    _ = notes.send(Told { at: Instant::now(), who, what: None }).await;
}

impl Process {
    /// Gives a command; a process that is gone has no need of it
    pub(crate) async fn tell(&mut self, command: &str) {
        if let Some(stdin) = &mut self.stdin {
            _ = stdin.write_all(format!("{command}\n").as_bytes()).await;
        }
    }

    /// Its number, while it has not ended
    pub(crate) fn id(&self) -> anyhow::Result<u32> {
        self.child.id().context("it has ended")
    }

    /// SIGKILL, and waits until it is gone
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Waits until it has ended by itself
    pub(crate) async fn ended(&mut self) -> anyhow::Result<()> {
        self.child.wait().await?;
        Ok(())
    }
}
