//! Counts instructions with valgrind's callgrind: found on the path, or Debian's, unpacked into our
//! target.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::shell::Shell;
use crate::tool::{Told, Tool, Wanted};

/// What a program is counted in; it must not be inlined
const COUNTED: &str = "*::measured*";

/// Valgrind counts a string instruction once for each byte, so that glibc's clearing of a page costs
/// thousands of instructions with one processor and a hundred with another: none is to be used.
const NO_STRING_INSTRUCTIONS: &str =
    "glibc.cpu.x86_rep_stosb_threshold=1000000000:glibc.cpu.x86_rep_movsb_threshold=1000000000";

const VALGRIND: Wanted = Wanted {
    name: "valgrind",
    folders: &[],
    version: "--version",
    packages: &["valgrind"],
    // What is beside it is a script that looks for this where Debian has it.
    within: "usr/bin/valgrind.bin",
    told: Told::Folder("VALGRIND_LIB", "usr/libexec/valgrind"),
};

/// A valgrind that runs here
#[derive(Debug)]
pub(super) struct Callgrind(Tool);

impl Callgrind {
    /// The one on the path, or else Debian's
    ///
    /// # Errors
    ///
    /// Neither can be had.
    pub(super) fn find(shell: &Shell) -> Result<Self> {
        Tool::find(shell, &VALGRIND, &shell.target("valgrind")).map(Self)
    }

    /// The instructions of `program` with `words` in what is [counted](COUNTED); the profile is left at
    /// `profile`
    pub(super) fn count(
        &self,
        shell: &Shell,
        program: &Path,
        words: &[&str],
        profile: &Path,
    ) -> Result<u64> {
        let mut command = self.watched(shell, profile);
        command.arg(format!("--toggle-collect={COUNTED}")).arg(program).args(words);
        shell.read(&mut command)?;
        sum(profile)
    }

    /// What has every instruction of a program counted that is named behind it
    pub(super) fn watched(&self, shell: &Shell, profile: &Path) -> Command {
        let mut command = self.0.in_root(shell);
        command.args(["--quiet", "--tool=callgrind"]).env("GLIBC_TUNABLES", NO_STRING_INSTRUCTIONS);
        command.arg(format!("--callgrind-out-file={}", profile.display()));
        command
    }
}

/// The instructions in a profile of callgrind's
pub(super) fn sum(profile: &Path) -> Result<u64> {
    match counted(&fs::read_to_string(profile)?) {
        None | Some(0) => bail!("callgrind counted nothing: {}", profile.display()),
        Some(instructions) => Ok(instructions),
    }
}

/// The sum in its text
fn counted(profile: &str) -> Option<u64> {
    profile.lines().find_map(|line| line.strip_prefix("totals: "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_read() {
        assert_eq!(counted("events: Ir\nfn=(1) main\n3 5\n\ntotals: 1234\n"), Some(1_234));
        assert_eq!(counted("events: Ir\n"), None);
    }
}
