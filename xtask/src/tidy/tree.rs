//! What the checks look at: every text file that git has or would take, and cargo's packages.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::compared::Compared;
use crate::metadata::{self, Package};
use crate::shell::Shell;

/// Folders of inputs, which are no text even where they could be read as such
const INPUTS: [&str; 2] = ["fuzz/corpus/", "fuzz/findings/"];

/// The repository as the checks see it
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) files: Vec<File>,
    pub(crate) packages: Vec<Package>,
    /// All of `cargo metadata`, for what concerns other people's packages
    pub(crate) graph: Value,
    /// Code of pages, as rustfmt has it
    pub(crate) compared: Vec<Compared>,
}

/// A text file
#[derive(Debug)]
pub(crate) struct File {
    /// Relative to the root, with `/`
    pub(crate) path: String,
    pub(crate) text: String,
}

/// One thing that is wrong, where, and what to do
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    place: String,
    what: String,
}

impl Finding {
    pub(crate) fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }

    /// In a file, at a line that counts from 1
    pub(crate) fn at(file: &File, line: usize, what: impl Into<String>) -> Self {
        Self::new(format!("{}:{line}", file.path), what)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

impl Tree {
    pub(crate) fn load(shell: &Shell) -> Result<Self> {
        let mut paths = git_paths(shell).or_else(|_| walk(shell.root()))?;
        // Bytes for parsers, whatever they look like
        paths.retain(|path| !INPUTS.iter().any(|folder| path.starts_with(folder)));
        paths.sort_unstable();
        let mut files = Vec::new();
        for path in paths {
            // Deleted but not yet committed, a link to a folder, or not text: nothing to read.
            if let Ok(text) = fs::read_to_string(shell.root().join(&path)) {
                files.push(File { path, text });
            }
        }
        let graph = metadata::read(&[])?;
        let packages = shell.workspace.packages.clone();
        let mut tree = Self { files, packages, graph, compared: Vec::new() };
        tree.compared = Compared::of(&tree, |code| rustfmt(shell, code))?;
        Ok(tree)
    }

    pub(crate) fn rust(&self) -> impl Iterator<Item = &File> {
        self.with_ending("rs")
    }

    pub(crate) fn with_ending<'a>(&'a self, ending: &'a str) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(move |file| file.ending() == Some(ending))
    }

    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The files of the package in `folder` that are not a package's of their own further down
    pub(crate) fn files_of(&self, package: &Package) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| {
            let owner = self
                .packages
                .iter()
                .filter(|candidate| file.is_in(&candidate.folder))
                .max_by_key(|candidate| candidate.folder.len());
            owner.is_some_and(|owner| owner.name == package.name)
        })
    }
}

impl File {
    pub(crate) fn ending(&self) -> Option<&str> {
        Path::new(&self.path).extension().and_then(|ending| ending.to_str())
    }

    pub(crate) fn lines(&self) -> usize {
        self.text.lines().count()
    }

    pub(crate) fn is_in(&self, folder: &str) -> bool {
        self.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Holds tests and nothing else, by its name or its folder
    pub(crate) fn is_test(&self) -> bool {
        let stem = Path::new(&self.path).file_stem().unwrap_or_default().to_string_lossy();
        self.path.split('/').any(|part| part == "tests")
            || stem == "tests"
            || stem.ends_with("_tests")
    }
}

fn git_paths(shell: &Shell) -> Result<Vec<String>> {
    let words = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listed = shell.read(shell.program("git").args(words))?;
    Ok(listed.split_terminator('\0').map(String::from).collect())
}

/// A file of the tree's edition as rustfmt leaves it
fn rustfmt(shell: &Shell, code: &str) -> Result<String> {
    let mut command = shell.program("rustfmt");
    command.args(["--edition", "2024", "--config-path"]).arg(shell.root().join("rustfmt.toml"));
    shell.filter(&mut command, code)
}

/// Every path below `root`, for a copy without git
fn walk(root: &Path) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                if entry.file_name() != "target" && entry.file_name() != ".git" {
                    folders.push(entry.path());
                }
            } else if let Ok(path) = entry.path().strip_prefix(root) {
                paths.push(path.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    Ok(paths)
}

#[cfg(test)]
impl Tree {
    /// A tree of these files
    pub(crate) fn of<const N: usize>(files: [(&str, &str); N]) -> Self {
        let file = |(path, text): (&str, &str)| File { path: path.into(), text: text.into() };
        Self { files: files.into_iter().map(file).collect(), ..Self::default() }
    }

    /// The same tree with a package; `dependencies` as in `bytes` or, for tests, `dev:tokio`
    pub(crate) fn with_package(mut self, name: &str, dependencies: &[&str]) -> Self {
        use crate::metadata::{Dependency, Target};

        let dependency = |line: &&str| Dependency {
            name: line.trim_start_matches("dev:").into(),
            dev: line.starts_with("dev:"),
        };
        self.packages.push(Package {
            name: name.into(),
            folder: format!("crates/{name}"),
            published: true,
            description: Some("d".into()),
            licence: Some("MIT OR Apache-2.0".into()),
            repository: Some("r".into()),
            features: false,
            documents_all: false,
            documents_labels: false,
            dependencies: dependencies.iter().map(dependency).collect(),
            targets: vec![Target { name: name.replace('-', "_"), kind: "lib".into() }],
        });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_belongs_to_the_package_that_is_nearest() {
        let mut tree = Tree::of([("examples/lib.rs", ""), ("examples/demo/main.rs", "")]);
        for (name, folder) in [("examples", "examples"), ("demo", "examples/demo")] {
            tree = tree.with_package(name, &[]);
            tree.packages.last_mut().unwrap().folder = folder.into();
        }
        let of = |index: usize| {
            tree.files_of(&tree.packages[index]).map(|file| &*file.path).collect::<Vec<_>>()
        };
        assert_eq!(of(0), ["examples/lib.rs"]);
        assert_eq!(of(1), ["examples/demo/main.rs"]);
    }

    #[test]
    fn tests_are_known_by_name_and_by_folder() {
        let test = |path: &str| File { path: path.into(), text: String::new() }.is_test();
        assert!(test("crates/x/tests/echo.rs"));
        assert!(test("crates/x/src/wheel/tests.rs"));
        assert!(test("crates/x/src/wheel/model_tests.rs"));
        assert!(!test("crates/x/src/attests.rs"));
    }
}
