//! The library crates with the oldest Rust that we promise, where one can be had.
//!
//! rustup's toolchain is asked first. Debian has that compiler as a package of its own; unpacked
//! into our target it disturbs nothing. Without either the promise is said to be unverified.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Outcome;
use crate::shell::Shell;
use crate::{debian, metadata};

/// Debian's name for Rust built for its browsers; `libllvm` is what it needs besides
const DEBIAN: &[&str] = &["rustc-web", "libstd-rust-web-1.85", "libstd-rust-web-dev"];
const DEBIAN_LLVM: &str = "libllvm19";

pub(super) fn run(shell: &Shell) -> Result<Outcome> {
    let version = promised()?;
    let (compiler, libraries) = match find(shell, &version) {
        Ok(found) => found,
        Err(error) => {
            return Ok(Outcome::Skipped(format!("Rust {version} is unverified here: {error:#}")));
        }
    };
    // With what is on by default, and with all that can be turned on
    for line in ["check", "check --all-features"] {
        let mut check = shell.cargo(line);
        for package in shell.workspace.published() {
            check.args(["--package", &package.name]);
        }
        check.arg("--target-dir").arg(shell.target("msrv")).env("RUSTC", &compiler);
        if let Some(libraries) = &libraries {
            check.env("LD_LIBRARY_PATH", libraries);
        }
        shell.run(&mut check)?;
    }
    Ok(Outcome::Passed)
}

/// `rust-version` of everbeat-core, as `1.85`
fn promised() -> Result<String> {
    let metadata = metadata::read(&["--no-deps"])?;
    let core = metadata::list(&metadata, "packages").find(|p| p["name"] == "everbeat-core");
    metadata::text(core.context("everbeat-core is gone")?, "rust_version")
}

/// The compiler, and where its libraries are if it does not find them itself
fn find(shell: &Shell, version: &str) -> Result<(PathBuf, Option<PathBuf>)> {
    let mut rustup = shell.program("rustup");
    if let Ok(path) = shell.read(rustup.args(["which", "rustc", "--toolchain", version])) {
        return Ok((path.trim().into(), None));
    }
    let root = shell.target("msrv-toolchain");
    let libraries = root.join(format!("usr/lib/{}-linux-gnu", env::consts::ARCH));
    let compiler = root.join("usr/bin/rustc");
    let runs = || is_version(&compiler, &libraries, version);
    if !runs() {
        unpack(shell, &root, version).context("Debian's package")?;
        if !runs() {
            bail!("Debian's package does not run");
        }
    }
    Ok((compiler, Some(libraries)))
}

fn is_version(compiler: &Path, libraries: &Path, version: &str) -> bool {
    let output = Command::new(compiler).arg("--version").env("LD_LIBRARY_PATH", libraries).output();
    output.is_ok_and(|output| {
        String::from_utf8_lossy(&output.stdout).starts_with(&format!("rustc {version}."))
    })
}

/// Downloads Debian's packages of that version and unpacks them under `root`
fn unpack(shell: &Shell, root: &Path, version: &str) -> Result<()> {
    let known = shell.read(shell.program("apt-cache").args(["madison", DEBIAN[0]]))?;
    let newest = newest_of(&known, version)
        .with_context(|| format!("Debian has no Rust {version} here; try `apt-get update`"))?;
    let mut packages = vec![DEBIAN_LLVM.to_owned()];
    packages.extend(DEBIAN.iter().map(|name| format!("{name}={newest}")));
    debian::unpack(shell, root, &packages)
}

/// The first of `apt-cache madison`'s lines that has this version
fn newest_of<'a>(madison: &'a str, version: &str) -> Option<&'a str> {
    madison
        .lines()
        .filter_map(|line| line.split('|').nth(1).map(str::trim))
        .find(|debian| debian.starts_with(&format!("{version}.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_picked_from_those_that_debian_has() {
        let known = " rustc-web | 1.96.0+dfsg1-1 | a Packages\n rustc-web | 1.85.0+dfsg3-1 | b\n";
        assert_eq!(newest_of(known, "1.85"), Some("1.85.0+dfsg3-1"));
        assert_eq!(newest_of(known, "1.8"), None);
    }
}
