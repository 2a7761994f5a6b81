//! The examples as people run them. A pair, a client and a server, talks to itself, and the client
//! must show what the server sent back. A story plays by itself, and must end by itself as it should.

mod mutual_tls;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::Outcome;
use crate::runtimes::RUNTIMES;
use crate::shell::Shell;

/// Far more than an example needs, so that only one that hangs meets it
const PATIENCE: Duration = Duration::from_secs(30);

/// What plays by itself, and says by its exit code whether what it shows has happened
const STORIES: &[&str] = &[
    "chat-tokio",
    "chat-smol",
    "chat-async-std",
    "chat-actix",
    "chat-axum",
    "chat-hyper",
    "auth",
    "custom-transport",
    "sans-io",
    "graceful-restart",
    "http-connect",
    "observed",
];

pub(super) fn run(shell: &Shell) -> Result<Outcome> {
    shell.run(&mut shell.cargo("build --quiet --workspace --all-targets"))?;
    for runtime in RUNTIMES {
        pair(shell, runtime).with_context(|| format!("the pair for {runtime}"))?;
    }
    for name in STORIES {
        story(shell, name).with_context(|| format!("the story {name}"))?;
    }
    let skipped = mutual_tls::pair(shell).context("the pair that shows certificates")?;
    Ok(skipped.map_or(Outcome::Passed, |why| Outcome::Skipped(why.into())))
}

/// A pair is `RUNTIME-server ADDRESS` and `RUNTIME-client ADDRESS --messages N`
fn pair(shell: &Shell, runtime: &str) -> Result<()> {
    let mut server = start(shell, &format!("{runtime}-server"), &["127.0.0.1:0"])?;
    let said = server.0.stdout.take().context("its stdout is ours")?;
    let address = address(said)?;
    eprintln!("  {runtime}-server listens on {address}");

    let mut client = start(shell, &format!("{runtime}-client"), &[&address, "--messages", "4"])?;
    let shown = client.end().context("the client")?;
    ensure!(has_echo(&shown), "the client said hello and did not hear it again");
    Ok(())
}

fn story(shell: &Shell, name: &str) -> Result<()> {
    eprintln!("  {name}:");
    start(shell, name, &[])?.end().map(drop)
}

/// A program that ends when we do
struct Program(Child);

impl Program {
    fn start(mut command: Command) -> Result<Self> {
        let child = command.stdout(Stdio::piped()).spawn();
        Ok(Self(child.with_context(|| {
            format!("{} cannot be started", Path::new(command.get_program()).display())
        })?))
    }

    /// What it printed, shown here too, once it has ended as it should
    fn end(&mut self) -> Result<String> {
        let printed = self.0.stdout.take().context("its stdout is ours")?;
        let all = shown(printed);
        let status = self.status()?;
        ensure!(status.success(), "it ended with {status}");
        all.recv_timeout(PATIENCE).context("it left somebody behind, who holds its stdout")
    }

    /// What it complained of, once it has ended as one does that must not go on
    fn fail(&mut self) -> Result<String> {
        let complaint = self.0.stderr.take().context("its stderr is ours")?;
        let all = shown(complaint);
        let status = self.status()?;
        ensure!(!status.success(), "it went on, and ended with {status}");
        all.recv_timeout(PATIENCE).context("it left somebody behind, who holds its stderr")
    }

    fn status(&mut self) -> Result<ExitStatus> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.0.try_wait()? {
                Some(status) => return Ok(status),
                None if Instant::now() > deadline => bail!("it was not done in {PATIENCE:?}"),
                None => thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

/// All that a program prints, shown as it comes: read meanwhile, for one whose pipe is full would not
/// end
fn shown(printed: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, all) = mpsc::channel();
    thread::spawn(move || {
        let lines = BufReader::new(printed).lines().map_while(Result::ok);
        let lines = lines.inspect(|line| eprintln!("  {line}"));
        _ = sender.send(lines.fold(String::new(), |all, line| all + &line + "\n"));
    });
    all
}

impl Drop for Program {
    fn drop(&mut self) {
        // One that has ended by itself needs neither.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

fn start(shell: &Shell, name: &str, words: &[&str]) -> Result<Program> {
    let mut command = program(shell, name);
    command.args(words);
    Program::start(command)
}

/// An example, where every step builds it
fn program(shell: &Shell, name: &str) -> Command {
    let path = shell.target("debug/examples").join(name);
    Command::new(path.with_extension(std::env::consts::EXE_EXTENSION))
}

/// The address in the server's first words; what it says later is read and dropped
fn address(said: impl Read + Send + 'static) -> Result<String> {
    let (sender, receiver) = mpsc::channel();
    // A server whose pipe nobody reads would stop at its next word.
    thread::spawn(move || {
        for line in BufReader::new(said).lines().map_while(Result::ok) {
            if let Some(address) = address_in(&line) {
                _ = sender.send(address);
            }
        }
    });
    receiver.recv_timeout(PATIENCE).context("the server did not say where it listens")
}

fn address_in(line: &str) -> Option<String> {
    let (_, port) = line.split_once("127.0.0.1:")?;
    let digits = port.find(|c: char| !c.is_ascii_digit()).unwrap_or(port.len());
    let port = port[..digits].parse::<u16>().ok().filter(|port| *port != 0)?;
    Some(format!("127.0.0.1:{port}"))
}

fn has_echo(shown: &str) -> bool {
    shown.lines().any(|line| line.starts_with('>') && line.contains("hello"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_address_is_found_in_its_sentence() {
        let found = address_in("listening on ws://127.0.0.1:40123/, silent after 3 s");
        assert_eq!(found.as_deref(), Some("127.0.0.1:40123"));
        assert_eq!(address_in("listening on 127.0.0.1:0"), None);
        assert_eq!(address_in("hello"), None);
    }

    #[test]
    fn a_client_that_only_speaks_has_heard_nothing() {
        assert!(has_echo("connected in 1 ms\n> hello 1\n"));
        assert!(!has_echo("connected in 1 ms\nhello 1\n"));
    }
}
