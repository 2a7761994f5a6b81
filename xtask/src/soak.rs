//! `cargo xtask soak plain`: builds the soak, optimised, and becomes it; its exit code is ours, and
//! its plot is in the target folder.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::demo::become_program;
use crate::shell::Shell;

pub(crate) fn run(shell: &Shell, words: Vec<String>) -> Result<ExitCode> {
    eprintln!("building the soak ..");
    let mut command = program(shell)?;
    become_program(command.args(["--plot".into(), plot(shell)]).args(words))
}

/// The soak, built
pub(crate) fn program(shell: &Shell) -> Result<Command> {
    shell.run(&mut shell.cargo("build --quiet --release --package everbeat-soak"))?;
    let name = format!("everbeat-soak{}", std::env::consts::EXE_SUFFIX);
    Ok(Command::new(shell.target("release").join(name)))
}

/// Where a run is drawn, unless it is said otherwise
fn plot(shell: &Shell) -> PathBuf {
    shell.target("soak").join("plain.svg")
}
