//! Programs started by an xtask: said aloud, in the root, with the target folder that we share.
//!
//! With `--json` their stdout goes to stderr, so that ours ends with one object.

use std::env;
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

use crate::metadata::Workspace;

pub(crate) const RED: &str = "31";
pub(crate) const GREEN: &str = "32";
pub(crate) const YELLOW: &str = "33";
pub(crate) const DIM: &str = "2";

/// Where programs run and where their output goes
#[derive(Debug)]
pub(crate) struct Shell {
    pub(crate) workspace: Workspace,
    pub(crate) json: bool,
}

impl Shell {
    pub(crate) fn new(json: bool) -> Result<Self> {
        Ok(Self { workspace: Workspace::load()?, json })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.workspace.root
    }

    /// A folder of ours in the target folder
    pub(crate) fn target(&self, name: &str) -> PathBuf {
        self.workspace.target.join(name)
    }

    /// `cargo` with the words of `line`, in the root
    pub(crate) fn cargo(&self, line: &str) -> Command {
        let mut command = self.program(cargo());
        command.args(line.split_whitespace());
        command
    }

    /// Any program, in the root
    pub(crate) fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.root());
        forget_own_package(&mut command);
        command
    }

    /// Runs to the end and returns the exit code
    pub(crate) fn code(&self, command: &mut Command) -> Result<i32> {
        self.say(command);
        if self.json {
            command.stdout(io::stderr());
        }
        let status = command.status().with_context(|| cannot_start(command))?;
        status.code().with_context(|| format!("`{}` was ended by a signal", line_of(command)))
    }

    /// Runs to the end; any exit code but 0 is an error
    pub(crate) fn run(&self, command: &mut Command) -> Result<()> {
        match self.code(command)? {
            0 => Ok(()),
            code => bail!("`{}` exited with {code}", line_of(command)),
        }
    }

    /// Runs to the end, shows each line of stdout and hands it on; returns the exit code
    pub(crate) fn lines(&self, command: &mut Command, mut each: impl FnMut(&str)) -> Result<i32> {
        self.say(command);
        let mut child =
            command.stdout(Stdio::piped()).spawn().with_context(|| cannot_start(command))?;
        if let Some(stdout) = child.stdout.take() {
            for line in BufReader::new(stdout).lines() {
                let line = line?;
                if self.json {
                    eprintln!("{line}");
                } else {
                    println!("{line}");
                }
                each(&line);
            }
        }
        let status = child.wait()?;
        status.code().with_context(|| format!("`{}` was ended by a signal", line_of(command)))
    }

    /// Runs in silence and returns stdout; stderr is in the error
    pub(crate) fn read(&self, command: &mut Command) -> Result<String> {
        let output = command.output().with_context(|| cannot_start(command))?;
        told(command, output)
    }

    /// The same, with something to read on stdin
    ///
    /// All of it is written before anything is read, so it is for what fits into a pipe.
    pub(crate) fn filter(&self, command: &mut Command, input: &str) -> Result<String> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| cannot_start(command))?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes()).with_context(|| line_of(command))?;
        }
        told(command, child.wait_with_output()?)
    }

    fn say(&self, command: &Command) {
        // What was printed before must be seen before: stdout may be a pipe, stderr never waits.
        _ = io::stdout().flush();
        eprintln!("{}", paint(DIM, &format!("$ {}", self.shortened(command))));
    }

    /// The command line with the root's path left out
    fn shortened(&self, command: &Command) -> String {
        line_of(command)
            .replace(&format!("{}{}", self.root().display(), std::path::MAIN_SEPARATOR), "")
    }
}

/// The cargo that started us, so that a `+toolchain` holds for everything
pub(crate) fn cargo() -> String {
    env::var("CARGO").unwrap_or_else(|_| "cargo".into())
}

/// `cargo run` tells us about our own package; build scripts that watch these variables would
/// run anew, and with them half the tree, each time that plain cargo and xtask take turns
pub(crate) fn forget_own_package(command: &mut Command) {
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_NAME", "CARGO_CRATE_NAME"]
            .iter()
            .any(|ours| name.starts_with(ours))
        {
            command.env_remove(&*name);
        }
    }
}

/// `text` in a colour, where there is a terminal that wants one
pub(crate) fn paint(colour: &str, text: &str) -> String {
    let wanted = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    if wanted && io::stderr().is_terminal() {
        format!("\x1b[{colour}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// What a program has printed that ended well
fn told(command: &Command, output: Output) -> Result<String> {
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed:\n{}", line_of(command), complaint.trim_end());
    }
    String::from_utf8(output.stdout).context("its output is not UTF-8")
}

fn line_of(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut line = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for word in command.get_args() {
        line.push(' ');
        line.push_str(&word.to_string_lossy());
    }
    line
}

fn cannot_start(command: &Command) -> String {
    format!("`{}` cannot be started", command.get_program().to_string_lossy())
}
