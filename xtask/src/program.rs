//! A process that is measured, or that loads one: started, listened to, ended. It says lines on its
//! stdout, and ends with its stdin.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::shell::Shell;

/// Far more than thousands of connections need to stand, or a process to end
const PATIENCE: Duration = Duration::from_secs(120);

/// How often a process that is to end is looked at
const LOOK: Duration = Duration::from_millis(20);

/// A process that ends with its stdin
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    said: Receiver<String>,
    /// The last object that it said of itself
    told: Value,
}

impl Program {
    pub(crate) fn start(mut command: Command) -> Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("its stdout is ours")?;
        let (sender, said) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                _ = sender.send(line);
            }
        });
        Ok(Self { child, said, told: Value::Null })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What stands behind these words in the next line that is no object
    pub(crate) fn says(&mut self, words: &str) -> Result<String> {
        let line = loop {
            let line = self.said.recv_timeout(PATIENCE).context("it says nothing")?;
            match serde_json::from_str(&line) {
                Ok(told) => self.told = told,
                Err(_) => break line,
            }
        };
        let rest = line.strip_prefix(words).with_context(|| format!("it says: {line}"))?;
        Ok(rest.to_owned())
    }

    /// Its next line, whatever that is
    pub(crate) fn line(&self, patience: Duration) -> Result<String, RecvTimeoutError> {
        self.said.recv_timeout(patience)
    }

    /// Gives it a line on its stdin
    pub(crate) fn order(&mut self, line: &str) -> Result<()> {
        let stdin = self.child.stdin.as_mut().context("its stdin is ours")?;
        writeln!(stdin, "{line}").context("it takes no order any more")
    }

    /// The next object that it says of itself that has something under this name
    pub(crate) fn object(&mut self, name: &str) -> Result<Value> {
        loop {
            let line = self.said.recv_timeout(PATIENCE).context("it says nothing")?;
            match serde_json::from_str::<Value>(&line) {
                Ok(object) if !object[name].is_null() => return Ok(object),
                Ok(object) => self.told = object,
                Err(_) => bail!("it says: {line}"),
            }
        }
    }

    /// The objects that it has said since the last time; a word is a loss, for it had nothing to say
    pub(crate) fn tells(&mut self) -> Result<Vec<Value>> {
        let mut told = Vec::new();
        loop {
            match self.said.try_recv() {
                Ok(line) => match serde_json::from_str::<Value>(&line) {
                    Ok(object) => told.push(object),
                    Err(_) => bail!("it says: {line}"),
                },
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => bail!("it has ended"),
            }
        }
        if let Some(last) = told.last() {
            self.told = last.clone();
        }
        Ok(told)
    }

    /// The last object that it said
    pub(crate) const fn told(&self) -> &Value {
        &self.told
    }

    /// Waits until an object that it says is as wanted
    pub(crate) fn tells_until(&mut self, wanted: impl Fn(&Value) -> bool) -> Result<()> {
        let begun = Instant::now();
        while !wanted(&self.told) {
            ensure!(begun.elapsed() < PATIENCE, "it last told: {}", self.told);
            thread::sleep(LOOK);
            self.tells()?;
        }
        Ok(())
    }

    /// Nothing was lost so far, or it was not idle
    pub(crate) fn is_well(&mut self) -> Result<()> {
        self.tells().map(drop)
    }

    /// Lets it end by itself, as one must who leaves something behind
    pub(crate) fn end(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            match self.child.try_wait()? {
                Some(status) => {
                    ensure!(status.success(), "it ended with {status}");
                    return Ok(());
                }
                None => thread::sleep(LOOK),
            }
        }
        bail!("it does not end")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // One that has ended by itself needs neither.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Where cargo puts what these are made of, optimised
pub(crate) const OPTIMISED: &str = "instructions";

/// The processes of `benches`, optimised: of connections that are idle, and the load
pub(crate) fn build(shell: &Shell) -> Result<()> {
    let packages = "--package everbeat-floor --package everbeat-idle --package everbeat-load";
    shell.run(&mut shell.cargo(&format!("build --quiet {packages} --profile {OPTIMISED}")))
}

/// One of them, as [`build`] has left it
pub(crate) fn path(shell: &Shell, profile: &str, name: &str) -> PathBuf {
    shell.target(profile).join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// What the load says of itself in a number
pub(crate) fn number(told: &Value, name: &str) -> f64 {
    told[name].as_f64().unwrap_or_default()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Program {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Program::start(command).unwrap()
    }

    #[test]
    fn lines_are_words_or_objects() {
        let mut program = shell("echo '{\"a\":1}'; echo listening here; echo '{\"a\":2}'; cat");
        assert_eq!(program.says("listening ").unwrap(), "here");
        program.tells_until(|told| number(told, "a") == 2.0).unwrap();
        program.is_well().unwrap();
        program.end().unwrap();
    }

    #[test]
    fn an_order_is_answered_by_an_object() {
        let mut program =
            shell("echo '{\"a\":1}'; read line; echo \"{\\\"done\\\":\\\"$line\\\"}\"; cat");
        program.order("jump").unwrap();
        assert_eq!(program.object("done").unwrap()["done"], "jump");
        assert_eq!(number(program.told(), "a"), 1.0);
        program.end().unwrap();
    }

    #[test]
    fn a_loss_is_no_good_and_neither_is_an_end() {
        for (script, why) in [("echo lost; cat", "it says: lost"), ("exit 0", "it has ended")] {
            let mut program = shell(script);
            let error = program.tells_until(|_| false).unwrap_err();
            assert_eq!(error.to_string(), why);
        }
        assert!(shell("exit 3").end().is_err());
    }
}
