//! `cargo xtask sim check`: builds what holds the simulator against reality, installs the programs
//! that it is held against, and becomes it; its exit code is ours.

use std::process::{Command, ExitCode};

use anyhow::Result;
use serde_json::json;

use crate::demo::become_program;
use crate::interop;
use crate::shell::Shell;

/// Those of `interop/` whose rules the simulator knows
const PEERS: [&str; 2] = ["websockets", "npm-ws"];

/// `words` begin with `check`
pub(crate) fn run(shell: &Shell, words: Vec<String>) -> Result<ExitCode> {
    become_program(program(shell)?.args(words.into_iter().skip(1)))
}

/// The check, built, with its peers
pub(crate) fn program(shell: &Shell) -> Result<Command> {
    eprintln!("building the check ..");
    shell.run(&mut shell.cargo("build --quiet --package everbeat-reality"))?;
    let name = format!("everbeat-reality{}", std::env::consts::EXE_SUFFIX);
    let mut command = Command::new(shell.target("debug").join(name));
    for name in PEERS {
        let peer = match interop::program(shell, name)? {
            Ok(start) => json!({ "name": name, "start": start }),
            Err(why) => json!({ "name": name, "missing": why }),
        };
        command.arg("--peer").arg(peer.to_string());
    }
    Ok(command)
}
