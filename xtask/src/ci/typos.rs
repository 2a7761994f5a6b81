//! Spelling, by `typos`: from the path, or as a wheel that pip knows by name, kept in our target.
//!
//! A machine that has neither skips it, loudly; `--full` is no different, because it takes longer to
//! compile than everything else together.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::Outcome;
use crate::shell::Shell;

pub(super) fn run(shell: &Shell) -> Result<Outcome> {
    match find(shell) {
        Ok(typos) => {
            shell.run(shell.program(typos).args(["--format", "brief"]))?;
            Ok(Outcome::Passed)
        }
        Err(error) => Ok(Outcome::Skipped(format!("no `typos` here and none to be had: {error}"))),
    }
}

fn find(shell: &Shell) -> Result<PathBuf> {
    let on_path = PathBuf::from("typos");
    if shell.read(shell.program(&on_path).arg("--version")).is_ok() {
        return Ok(on_path);
    }
    let tools = shell.target("tools");
    let ours = tools.join("bin/typos");
    if !ours.exists() {
        shell.read(shell.program("python3").args(["-m", "venv"]).arg(&tools)).context("python3")?;
        let mut pip = shell.program(tools.join("bin/pip"));
        shell.read(pip.args(["install", "--quiet", "typos"])).context("pip")?;
    }
    Ok(ours)
}
