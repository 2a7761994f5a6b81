//! strace: found on the path, or Debian's, unpacked into our target; held to a process for a while.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::counts::Counts;
use crate::shell::Shell;
use crate::tool::{Told, Tool, Wanted};

const STRACE: Wanted = Wanted {
    name: "strace",
    folders: &[],
    version: "--version",
    packages: &["strace", "libunwind8"],
    within: "usr/bin/strace",
    told: Told::Libraries,
};

/// A strace that runs here
#[derive(Debug)]
pub(super) struct Strace(Tool);

impl Strace {
    /// The one on the path, or else Debian's
    ///
    /// # Errors
    ///
    /// Neither can be had.
    pub(super) fn find(shell: &Shell) -> Result<Self> {
        Tool::find(shell, &STRACE, &shell.target("strace")).map(Self)
    }

    /// Has every call of all threads of a process written to `trace`, from now on
    pub(super) fn attach(&self, shell: &Shell, process: u32, trace: PathBuf) -> Result<Attached> {
        if let Some(folder) = trace.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut command = self.0.in_root(shell);
        // Of what is sent or received the first byte is enough.
        command.args(["-f", "-xx", "-s", "1", "-e", "signal=none", "-o"]).arg(&trace);
        command.args(["-p", &process.to_string()]).stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().context("strace cannot be started")?;
        let stderr = child.stderr.take().context("its stderr is ours")?;
        let mut attached = Attached { child, trace, words: BufReader::new(stderr) };
        // It says so when it has all threads, or what it may not.
        let said = attached.line()?;
        ensure!(said.contains("attached"), "strace says: {}", said.trim_end());
        Ok(attached)
    }
}

/// A process whose calls are written down
#[derive(Debug)]
pub(super) struct Attached {
    child: Child,
    trace: PathBuf,
    words: BufReader<std::process::ChildStderr>,
}

impl Attached {
    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.words.read_line(&mut line)?;
        Ok(line)
    }

    /// Lets the process go on alone; what was counted
    pub(super) fn detach(mut self) -> Result<Counts> {
        // Told to end, it lets go first; killed, it might not.
        let told = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status()?;
        ensure!(told.success(), "strace could not be told to end");
        self.child.wait()?;
        let trace = fs::read(&self.trace).with_context(|| self.trace.display().to_string())?;
        if trace.is_empty() {
            bail!("strace saw nothing");
        }
        Ok(Counts::of(&String::from_utf8_lossy(&trace)))
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        // One that has ended by itself needs neither; the kernel lets go for one that is killed.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
