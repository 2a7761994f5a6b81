//! `cargo xtask fuzz`: libFuzzer looks for inputs that break a property, target by target; and the
//! inputs that are kept are replayed as plain tests.
//!
//! Any stable toolchain will do: coverage is a pass of LLVM's, and libFuzzer comes with its crate.

mod keep;
mod progress;
mod search;

use std::fs;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use self::search::Search;
use crate::args::Args;
use crate::report::Report;
use crate::shell::{GREEN, RED, Shell, paint};

pub(crate) const MANIFEST: &str = "fuzz/Cargo.toml";
/// How long each target is searched, in seconds: long enough to see it move
const SECONDS: u64 = 60;

pub(crate) fn run(shell: &Shell, mut args: Args) -> Result<ExitCode> {
    let keep = args.flag("--keep");
    let seconds = match args.value("--seconds")? {
        Some(seconds) => seconds.parse().context("`--seconds` is followed by a number")?,
        None => SECONDS,
    };
    let known = targets(shell)?;
    let mut wanted = args.rest();
    if let Some(unknown) = wanted.iter().find(|word| !known.contains(word)) {
        bail!("there is no target `{unknown}`; there are {}", known.join(", "));
    }
    if wanted.is_empty() {
        wanted = known;
    }

    let search = Search::build(shell)?;
    let mut report = Report::new("fuzz");
    for target in &wanted {
        let ended = search.run(target, seconds)?;
        report.row(target, ended.inputs, "inputs", None::<u64>, ended.broken.is_none());
        report.row(format!("{target} reached"), ended.edges, "edges", None::<u64>, true);
        match &ended.broken {
            None => eprintln!("{} {target}: nothing broke it", paint(GREEN, "held:")),
            Some(input) => {
                let folder = format!("fuzz/findings/{target}");
                eprintln!("{} {target}, by {input}", paint(RED, "broken:"));
                eprintln!("  Copy it to {folder}, with a name that says what it is; then mend it.");
            }
        }
        if keep && ended.broken.is_none() {
            keep::keep(shell, &search, target)?;
        }
    }
    Ok(report.finish(shell))
}

/// The targets by name, in order
fn targets(shell: &Shell) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(shell.root().join("fuzz/fuzz_targets"))? {
        let path = entry?.path();
        names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

/// `cargo` on the targets' workspace; in our target folder, where most of what they need is compiled
fn cargo(shell: &Shell, line: &str) -> Command {
    let mut command = shell.cargo(line);
    command.args(["--manifest-path", MANIFEST, "--target-dir"]).arg(&shell.workspace.target);
    command
}

/// What is kept, through its targets, without libFuzzer
pub(crate) fn replay(shell: &Shell) -> Result<()> {
    shell.run(&mut cargo(shell, "test"))
}

/// Format and lints, which `--workspace` does not reach
pub(crate) fn lint(shell: &Shell) -> Result<()> {
    let mut format = shell.cargo("fmt --check --manifest-path");
    shell.run(format.arg(MANIFEST))?;
    shell.run(cargo(shell, "clippy --all-targets").args(["--", "-D", "warnings"]))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use super::*;

    /// The versions of each package in a lock file
    fn versions(lock: &str) -> BTreeMap<String, BTreeSet<String>> {
        let mut versions = BTreeMap::<_, BTreeSet<_>>::new();
        let quoted = |line: &str| line.split('"').nth(1).map(ToOwned::to_owned);
        for package in lock.split("[[package]]") {
            let field = |name: &str| package.lines().find(|line| line.starts_with(name));
            let name = field("name = ").and_then(quoted);
            if let (Some(name), Some(version)) = (name, field("version = ").and_then(quoted)) {
                versions.entry(name).or_default().insert(version);
            }
        }
        versions
    }

    #[test]
    fn the_targets_find_what_they_need_compiled() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let lock = |path: &str| versions(&fs::read_to_string(root.join(path)).unwrap());
        let (ours, theirs) = (lock("Cargo.lock"), lock("fuzz/Cargo.lock"));
        assert!(theirs.len() > 30, "{theirs:?}");
        for (name, versions) in theirs {
            let known = ours.get(&name).is_none_or(|known| known.is_superset(&versions));
            assert!(known, "{name}: copy Cargo.lock over fuzz/Cargo.lock, and run the replay");
        }
    }
}
