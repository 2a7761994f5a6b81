//! A real program, as `interop/README.md` has it: it is started, and tells what it sees.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// How long anything may take that is not measured: only what hangs meets it
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that runs, and ends when this is dropped
#[derive(Debug)]
pub(super) struct Program {
    name: String,
    notes: Lines<BufReader<ChildStdout>>,
    /// It reads our pipe, and ends with it
    _stdin: ChildStdin,
    _child: Child,
}

impl Program {
    /// Starts a server that Pings every `beat`, and waits as long for the Pong
    pub(super) fn serve(name: &str, line: &[String], beat: Duration) -> Result<Self> {
        let (program, words) = line.split_first().context("a command line has a program")?;
        let beat = beat.as_millis().to_string();
        let mut child = Command::new(program)
            .args(words)
            .args(["server", "127.0.0.1:0", "--beat", &beat, "--timeout", &beat])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{name} cannot be started"))?;
        let stdin = child.stdin.take().context("its stdin is ours")?;
        let stdout = child.stdout.take().context("its stdout is ours")?;
        let notes = BufReader::new(stdout).lines();
        Ok(Self { name: name.into(), notes, _stdin: stdin, _child: child })
    }

    /// Waits until it tells of this, and returns what
    pub(super) async fn expect(&mut self, what: &str) -> Result<Value> {
        let told = async {
            while let Some(line) = self.notes.next_line().await? {
                if let Some(value) = note(&line, what)? {
                    return Ok(value);
                }
            }
            bail!("it ended");
        };
        let told = match timeout(PATIENCE, told).await {
            Ok(told) => told,
            Err(_) => Err(anyhow!("it told nothing")),
        };
        told.with_context(|| format!("{} was to tell of `{what}`", self.name))
    }
}

/// The value of a line's note, if it is of this kind; no connection may end before that
fn note(line: &str, what: &str) -> Result<Option<Value>> {
    let note: Value = serde_json::from_str(line).with_context(|| format!("it told `{line}`"))?;
    if let Some(value) = note.get(what) {
        return Ok(Some(value.clone()));
    }
    ensure!(note.get("closed").is_none(), "its connection ended: {note}");
    Ok(None)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_note_that_is_waited_for_is_picked_and_an_early_end_is_an_error() {
        let (pong, end) = (r#"{"pong":""}"#, r#"{"closed":{"code":1006,"reason":""}}"#);
        assert_eq!(note(pong, "closed").unwrap(), None);
        assert_eq!(note(pong, "pong").unwrap(), Some(json!("")));
        assert_eq!(note(end, "closed").unwrap().unwrap()["code"], 1006);
        assert!(note(end, "connected").is_err());
        assert!(note("Traceback", "connected").is_err());
    }
}
