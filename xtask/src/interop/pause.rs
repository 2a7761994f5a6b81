//! A peer that hangs: its processes are stopped, its kernel goes on acknowledging.
//!
//! A stopped process reads no pipe and takes no signal but two, so that it would outlive us if we
//! were ended meanwhile. A shell stops it instead, and reads ours: it lets the process go on when
//! told so, and kills it when nobody is left to tell.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Deaf to what a terminal sends to all of us, for it has something to finish
const SCRIPT: &str = r#"trap "" INT TERM HUP
kill -STOP "$@" || exit 1
echo stopped
read word || kill -KILL "$@"
kill -CONT "$@""#;

/// Processes that are stopped for as long as this lives; dropped, they are killed
#[derive(Debug)]
pub(super) struct Pause(Child);

impl Pause {
    pub(super) fn of(processes: &[u32]) -> Result<Self> {
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "sh"]).args(processes.iter().map(u32::to_string));
        let child = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut pause = Self(child.context("`sh` cannot be started")?);
        let stdout = pause.0.stdout.take().context("its stdout is ours")?;
        let mut said = String::new();
        BufReader::new(stdout).read_line(&mut said)?;
        ensure!(said.trim() == "stopped", "{processes:?} could not be stopped");
        Ok(pause)
    }

    /// Lets the process go on
    pub(super) fn end(mut self) -> Result<()> {
        let mut stdin = self.0.stdin.take().context("its stdin is ours")?;
        stdin.write_all(b"go\n")?;
        let status = self.0.wait()?;
        ensure!(status.success(), "the stopped process could not go on");
        Ok(())
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // Whoever owns the process may take its number back only after the shell is done with it.
        _ = self.0.wait();
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::thread::sleep;
    use std::time::Duration;

    use super::*;

    /// A process that ends with its stdin, as every peer does
    fn process() -> Child {
        Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
    }

    /// Whether it stops soon: a signal is sent at once and taken a little later
    fn stops(child: &Child) -> bool {
        (0..1_000).any(|_| {
            sleep(Duration::from_millis(10));
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
            stat.contains(") T ")
        })
    }

    #[test]
    fn it_stops_and_lets_go() {
        let mut child = process();
        let pause = Pause::of(&[child.id()]).unwrap();
        assert!(stops(&child));
        pause.end().unwrap();
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
    }

    #[test]
    fn nobody_left_to_let_it_go_is_its_end() {
        let mut child = process();
        drop(Pause::of(&[child.id()]).unwrap());
        assert!(!child.wait().unwrap().success());
    }
}
