//! Core without std, proved by the linker: a static library with its own panic handler over core.
//!
//! If anything in its tree brought std, there would be two panic handlers. The proof is itself
//! proved each time: with std turned on it must fail, and for that reason.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell::Shell;

const MANIFEST: &str = "xtask/nostd/Cargo.toml";

pub(crate) fn check(shell: &Shell) -> Result<()> {
    let mut without = build(shell);
    shell.run(&mut without).context("core no longer builds without std")?;

    eprintln!("  and with std, which must fail:");
    let mut with = build(shell);
    with.args(["--features", "std"]);
    let output = with.output().context("cargo cannot be started")?;
    expect_two_panic_handlers(output.status.success(), &String::from_utf8_lossy(&output.stderr))
}

/// A workspace of its own: in ours, the other crates would turn core's `std` on
fn build(shell: &Shell) -> Command {
    let mut command = shell.cargo("build --quiet --manifest-path");
    command.arg(MANIFEST).arg("--target-dir").arg(shell.target("nostd"));
    command
}

fn expect_two_panic_handlers(succeeded: bool, complaint: &str) -> Result<()> {
    if succeeded {
        bail!("{MANIFEST} builds with std as well, so that it proves nothing");
    }
    if !complaint.contains("panic_impl") {
        bail!("{MANIFEST} fails with std, but for another reason:\n{complaint}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_second_panic_handler_counts_as_proof() {
        let twice = "error[E0152]: found duplicate lang item `panic_impl`";
        assert!(expect_two_panic_handlers(false, twice).is_ok());
        assert!(expect_two_panic_handlers(false, "error: no such package").is_err());
        assert!(expect_two_panic_handlers(true, "").is_err());
    }
}
