//! A peer that runs, ours or theirs: its notes come in stamped with the time of reading, commands go
//! out through its stdin. It is killed when dropped.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::note::Note;
use super::pause::Pause;
use crate::lateness::Lateness;
use crate::process::family;

/// A note, and when it was read
type Told = (Instant, Note);

/// A process of a peer
#[derive(Debug)]
pub(crate) struct Program {
    name: String,
    child: Child,
    stdin: ChildStdin,
    notes: Receiver<Told>,
}

impl Program {
    pub(crate) fn start(name: &str, command: &mut Command, lateness: &Lateness) -> Result<Self> {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let child = piped.spawn().with_context(|| format!("{name} cannot be started"))?;
        Self::adopt(name, child, lateness)
    }

    /// A process that was started elsewhere, with pipes for its stdin and stdout
    pub(crate) fn adopt(name: &str, mut child: Child, lateness: &Lateness) -> Result<Self> {
        let stdin = child.stdin.take().context("its stdin is ours")?;
        let stdout = child.stdout.take().context("its stdout is ours")?;
        let (sender, notes) = mpsc::channel();
        let lateness = lateness.clone();
        thread::spawn(move || listen(stdout, &sender, &lateness));
        Ok(Self { name: name.into(), child, stdin, notes })
    }

    /// Gives a command
    pub(crate) fn tell(&mut self, command: &Value) -> Result<()> {
        let told = self.stdin.write_all(format!("{command}\n").as_bytes());
        told.with_context(|| format!("{} takes no command any more", self.name))
    }

    /// The first note that `pick` picks, and when it came; the end of a connection that nobody
    /// waits for ends the wait
    pub(crate) fn expect<T>(
        &self,
        what: &str,
        patience: Duration,
        mut pick: impl FnMut(&Note) -> Option<T>,
    ) -> Result<(Instant, T)> {
        let deadline = Instant::now() + patience;
        let mut last = None;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let (at, note) = match self.notes.recv_timeout(left) {
                Ok(told) => told,
                Err(why) => {
                    let name = &self.name;
                    let last = last.map_or_else(|| "nothing".into(), |last| format!("{last:?}"));
                    match why {
                        RecvTimeoutError::Timeout => bail!(
                            "{name} did not tell of {what} in {patience:.1?}; it told last: {last}"
                        ),
                        RecvTimeoutError::Disconnected => {
                            bail!("{name} ended before {what}; it told last: {last}")
                        }
                    }
                }
            };
            if let Some(picked) = pick(&note) {
                return Ok((at, picked));
            }
            if let Note::Closed(end) = note {
                bail!("{} lost its connection before {what}: {end:?}", self.name);
            }
            last = Some(note);
        }
    }

    /// What a client says of an upgrade that it was refused, in its own words; `None` if it says that
    /// it is connected
    pub(super) fn refusal(&self, patience: Duration) -> Result<Option<String>> {
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.notes.recv_timeout(left) {
                Ok((_, Note::Connected)) => return Ok(None),
                Ok((_, Note::Failed(words))) => return Ok(Some(words)),
                Ok((_, Note::Closed(end))) => {
                    return Ok(Some(format!("closed {} {}", end.code, end.reason)));
                }
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("{} ended and said nothing of its attempt", self.name)
                }
                Err(RecvTimeoutError::Timeout) => {
                    bail!("{} said nothing of its attempt in {patience:.1?}", self.name)
                }
            }
        }
    }

    /// What it has told by now and nobody has asked for
    pub(crate) fn told(&self) -> Vec<Note> {
        self.notes.try_iter().map(|(_, note)| note).collect()
    }

    /// The same, each with the time when it was read
    pub(super) fn told_at(&self) -> Vec<Told> {
        self.notes.try_iter().collect()
    }

    /// The number of its process
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL to it and to all that it has started, and waits until it is gone
    pub(crate) fn kill(&mut self) -> Result<()> {
        // Whoever is gone may have left its number to somebody else.
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        let family = family(self.child.id());
        if family.len() > 1 {
            // All are stopped first: whoever saw another of them die would say so, as Firefox does in
            // a Close for its child.
            let ids = family.iter().map(u32::to_string);
            let script = "kill -STOP \"$@\"; kill -KILL \"$@\"";
            Command::new("sh").args(["-c", script, "sh"]).args(ids).status()?;
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// SIGSTOP to it and to all that it has started, until the pause ends
    pub(super) fn pause(&self) -> Result<Pause> {
        Pause::of(&family(self.child.id()))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // One that has ended by itself needs neither.
        _ = self.kill();
    }
}

fn listen(stdout: ChildStdout, notes: &Sender<Told>, lateness: &Lateness) {
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        let at = Instant::now();
        let sent = match Note::parse(&line) {
            Ok(Note::Late(late)) => {
                lateness.note(at, late);
                continue;
            }
            Ok(note) => notes.send((at, note)),
            // A killed process may leave half a line behind, and a broken one its complaint.
            Err(_) => notes.send((at, Note::Failed(line.chars().take(200).collect()))),
        };
        if sent.is_err() {
            return;
        }
    }
}
