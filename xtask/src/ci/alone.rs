//! Each published crate is checked by itself: with its defaults, without its features, with all of them.
//!
//! In a call for several crates their features unify, and one that a crate uses and does not ask for is
//! there by a neighbour's wish. Here a call names one crate; the target folder is everybody's, so that
//! what two calls have alike is checked once.

use anyhow::{Result, bail};

use super::Outcome;
use crate::metadata::Package;
use crate::shell::Shell;

pub(super) fn run(shell: &Shell) -> Result<Outcome> {
    let calls = shell.workspace.published().flat_map(calls).collect::<Vec<_>>();
    let mut failed = Vec::new();
    for (index, call) in calls.iter().enumerate() {
        eprintln!("{} of {}: {}", index + 1, calls.len(), call.join(" "));
        // All of them are tried, so that one run tells all that is to be mended
        if shell.code(shell.cargo("check --quiet").args(call))? != 0 {
            failed.push(call.join(" "));
        }
    }
    if !failed.is_empty() {
        bail!("do not build alone: {}", failed.join("; "));
    }
    Ok(Outcome::Passed)
}

/// The words of each call for a package; who has no features is the same in all three
fn calls(package: &Package) -> Vec<Vec<&str>> {
    let alone = ["--package", &*package.name];
    let ways: &[&[&str]] = match package.features {
        true => &[&[], &["--no-default-features"], &["--all-features"]],
        false => &[&[]],
    };
    ways.iter().map(|words| [&alone[..], words].concat()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_names_one_package_and_each_way_to_have_its_features() {
        let package = |features| Package { name: "x".into(), features, ..Package::default() };
        assert_eq!(calls(&package(false)), [["--package", "x"]]);
        let with = package(true);
        let calls = calls(&with).into_iter().map(|call| call.join(" ")).collect::<Vec<_>>();
        assert_eq!(
            calls,
            ["--package x", "--package x --no-default-features", "--package x --all-features"]
        );
    }
}
