//! A child process that runs, seen by its parent: its notes come in with the time of reading, commands
//! go out through its stdin. It is killed when dropped, and with whoever has started it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::Sender;
use std::thread;

use anyhow::{Context, Result};
use everbeat_netns::{Host, resume, stop};
use tokio::time::Instant;

use crate::note::Note;
use crate::schedule::Side;

/// What a lane hears of
#[derive(Debug)]
pub(crate) enum Told {
    Note(Instant, Side, Note),
    /// A line that is no note
    Garbage(Side, String),
    /// A process has ended
    Ended(Side),
    /// All is to end now
    Stop,
}

#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Program {
    pub(crate) fn start(
        host: &Host,
        mut command: Command,
        side: Side,
        told: Sender<Told>,
    ) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = host.place().spawn(command)?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("its stdout is ours")?;
        thread::spawn(move || listen(stdout, side, &told));
        Ok(Self { child, stdin })
    }

    pub(crate) fn tell(&mut self, command: &str) -> Result<()> {
        let stdin = self.stdin.as_mut().context("it was told the last already")?;
        stdin.write_all(format!("{command}\n").as_bytes()).context("it takes no command any more")
    }

    /// It is told no more, by which a server ends
    pub(crate) fn tell_the_end(&mut self) {
        self.stdin = None;
    }

    pub(crate) fn stop(&self) -> Result<()> {
        Ok(stop(self.child.id())?)
    }

    pub(crate) fn resume(&self) -> Result<()> {
        Ok(resume(self.child.id())?)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // One that has ended by itself needs neither.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn listen(stdout: ChildStdout, side: Side, told: &Sender<Told>) {
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        let heard = match Note::read(&line) {
            Ok(note) => Told::Note(Instant::now(), side, note),
            Err(_) => Told::Garbage(side, line.chars().take(200).collect()),
        };
        if told.send(heard).is_err() {
            return;
        }
    }
    // A lane that is gone has nobody who would want to know.
    _ = told.send(Told::Ended(side));
}
