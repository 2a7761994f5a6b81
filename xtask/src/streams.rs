//! `cargo xtask streams`: builds the streams' program, optimised, and becomes it; its exit code is
//! ours.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::demo::become_program;
use crate::shell::Shell;

pub(crate) fn run(shell: &Shell, words: Vec<String>) -> Result<ExitCode> {
    eprintln!("building the streams ..");
    become_program(program(shell)?.args(words))
}

/// The program, built
pub(crate) fn program(shell: &Shell) -> Result<Command> {
    shell.run(&mut shell.cargo("build --quiet --release --package everbeat-streams"))?;
    let name = format!("everbeat-streams{}", std::env::consts::EXE_SUFFIX);
    Ok(Command::new(shell.target("release").join(name)))
}
