//! The two processes that are counted: started, listened to, ended.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::Wanted;
use crate::shell::Shell;

/// Far more than a thousand connections need
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that ends with its stdin
#[derive(Debug)]
pub(super) struct Program {
    child: Child,
    said: Receiver<String>,
}

impl Program {
    /// A server, and where it listens
    pub(super) fn server(shell: &Shell, wanted: &Wanted) -> Result<(Self, String)> {
        let server = Self::start(shell, wanted, &["server"])?;
        let address = server.says("listening ").context("the server")?;
        Ok((server, address))
    }

    /// A client, all of whose connections stand
    pub(super) fn client(shell: &Shell, wanted: &Wanted, address: &str) -> Result<Self> {
        let client = Self::start(shell, wanted, &["client", address])?;
        client.says("connected").context("the client")?;
        Ok(client)
    }

    fn start(shell: &Shell, wanted: &Wanted, role: &[&str]) -> Result<Self> {
        let name = format!("everbeat-idle{}", std::env::consts::EXE_SUFFIX);
        let mut command = shell.program(shell.target("debug").join(name));
        let connections = wanted.connections.to_string();
        command.args(role).args(["--runtime", &wanted.runtime, "--connections", &connections]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("its stdout is ours")?;
        let (sender, said) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                _ = sender.send(line);
            }
        });
        Ok(Self { child, said })
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What stands behind these words in the next line
    fn says(&self, words: &str) -> Result<String> {
        let line = self.said.recv_timeout(PATIENCE).context("it says nothing")?;
        let rest = line.strip_prefix(words).with_context(|| format!("it says: {line}"))?;
        Ok(rest.to_owned())
    }

    /// Nothing was lost while it was counted, or it was not idle
    pub(super) fn end(self) -> Result<()> {
        match self.said.try_recv() {
            Ok(line) => bail!("it says: {line}"),
            Err(_) => Ok(()),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // One that has ended by itself needs neither.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
