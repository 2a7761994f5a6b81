//! What a registry would get of each published crate: its manifest, its licences, its readme, and
//! nothing that is not meant.
//!
//! The packages are made, all at once because they need each other, and not compiled once more.

use anyhow::{Result, bail};

use super::Outcome;
use crate::shell::Shell;

const MUST_HAVE: &[&str] =
    &["Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "README.md", "src/lib.rs"];

pub(super) fn run(shell: &Shell) -> Result<Outcome> {
    let mut problems = Vec::new();
    let names = shell.workspace.published().map(|package| &*package.name).collect::<Vec<_>>();
    for name in &names {
        let mut list = shell.cargo("package --list --allow-dirty --package");
        let listed = shell.read(list.arg(name))?;
        problems.extend(missing(&listed).map(|file| format!("{name} has no {file}")));
    }
    let mut package = shell.cargo("package --quiet --no-verify --allow-dirty");
    for name in &names {
        package.args(["--package", name]);
    }
    shell.run(&mut package)?;
    if !problems.is_empty() {
        bail!("{}", problems.join("; "));
    }
    Ok(Outcome::Passed)
}

fn missing(listed: &str) -> impl Iterator<Item = &'static str> {
    MUST_HAVE.iter().copied().filter(|file| !listed.lines().any(|line| line == *file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_left_at_home_is_missed() {
        let listed = "Cargo.toml\nLICENSE-MIT\nREADME.md\nsrc/lib.rs\n";
        assert_eq!(missing(listed).collect::<Vec<_>>(), ["LICENSE-APACHE"]);
        assert_eq!(missing(&MUST_HAVE.join("\n")).count(), 0);
    }
}
