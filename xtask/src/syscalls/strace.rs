//! strace: found on the path, or Debian's, unpacked into our target; held to a process for a while.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::counts::Counts;
use crate::debian;
use crate::shell::Shell;

/// Debian's package, and what it needs besides
const DEBIAN: [&str; 2] = ["strace", "libunwind8"];

/// A strace that runs here
#[derive(Debug)]
pub(super) struct Strace {
    program: PathBuf,
    /// Where its libraries are, if it does not find them itself
    libraries: Option<PathBuf>,
}

impl Strace {
    /// The one on the path, or else Debian's
    ///
    /// # Errors
    ///
    /// Neither can be had.
    pub(super) fn find(shell: &Shell) -> Result<Self> {
        let installed = Self { program: "strace".into(), libraries: None };
        if installed.version(shell).is_ok() {
            return Ok(installed);
        }
        let root = shell.target("strace");
        let libraries = root.join(format!("usr/lib/{}-linux-gnu", env::consts::ARCH));
        let unpacked = Self { program: root.join("usr/bin/strace"), libraries: Some(libraries) };
        if unpacked.version(shell).is_err() {
            debian::unpack(shell, &root, &DEBIAN.map(String::from)).context("Debian's package")?;
            unpacked.version(shell).context("Debian's package does not run")?;
        }
        Ok(unpacked)
    }

    fn version(&self, shell: &Shell) -> Result<String> {
        shell.read(self.command(shell).arg("--version"))
    }

    fn command(&self, shell: &Shell) -> Command {
        let mut command = shell.program(&self.program);
        if let Some(libraries) = &self.libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        command
    }

    /// Has every call of all threads of a process written to `trace`, from now on
    pub(super) fn attach(&self, shell: &Shell, process: u32, trace: PathBuf) -> Result<Attached> {
        if let Some(folder) = trace.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut command = self.command(shell);
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
