//! Autobahn's suite: installed into a folder of its own below the target folder, asked for its cases,
//! and started. It is a program for Python 2.7, which few machines still have.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::case::Case;
use crate::program::Program;
use crate::shell::Shell;

/// The last of it
pub(super) const VERSION: &str = "25.10.1";
/// The last that makes environments of Python 2.7
const VIRTUALENV: &str = "virtualenv==20.15.1";

/// They try compression, which is not built
const LEFT_OUT: [&str; 2] = ["12.", "13."];

const IS_PYTHON: &str = "import sys, pip; assert sys.version_info[:2] == (2, 7)";
const TELL_VERSION: &str = "import autobahntestsuite; print(autobahntestsuite.version)";

/// The suite, installed
#[derive(Debug)]
pub(super) struct Suite {
    python: PathBuf,
    script: PathBuf,
}

impl Suite {
    /// Installs it unless that was done already; `None` if there is no Python 2.7 with pip
    pub(super) fn ready(shell: &Shell) -> Result<Option<Self>> {
        let home = shell.target("autobahn").join("suite");
        let script = shell.root().join("xtask/src/autobahn/suite.py");
        let suite = Self { python: home.join("bin/python"), script };
        if suite.version(shell).is_ok_and(|version| version.trim() == VERSION) {
            return Ok(Some(suite));
        }
        let Some(python) = python(shell) else { return Ok(None) };
        eprintln!("installing Autobahn's suite {VERSION} ..");
        if home.exists() {
            fs::remove_dir_all(&home).with_context(|| home.display().to_string())?;
        }
        let tool = home.join("virtualenv");
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        let quiet = |program: &Path| {
            let mut command = shell.program(program);
            command.env("PIP_NO_PYTHON_VERSION_WARNING", "1");
            command
        };
        shell.run(quiet(&python).args(pip).arg(VIRTUALENV).arg("--target").arg(&tool))?;
        let mut environment = quiet(&python);
        environment.env("PYTHONPATH", &tool).args(["-m", "virtualenv", "--quiet", "--no-download"]);
        shell.run(environment.arg(&home))?;
        let pinned = format!("autobahntestsuite=={VERSION}");
        shell.run(quiet(&suite.python).args(pip).arg(pinned))?;
        let version = suite.version(shell)?;
        ensure!(version.trim() == VERSION, "another version was installed: {version}");
        Ok(Some(suite))
    }

    fn version(&self, shell: &Shell) -> Result<String> {
        shell.read(shell.program(&self.python).args(["-c", TELL_VERSION]))
    }

    /// The cases that these patterns name, in order, but for those that are left out
    pub(super) fn cases(&self, shell: &Shell, patterns: &[&str]) -> Result<Vec<Case>> {
        let names = shell
            .read(shell.program(&self.python).arg(&self.script).arg("cases").args(patterns))?;
        let names = serde_json::from_str::<Vec<String>>(&names)?;
        let kept = |name: &&String| !LEFT_OUT.iter().any(|group| name.starts_with(group));
        Ok(names.iter().filter(kept).map(|name| name.parse()).collect::<Result<_, _>>()?)
    }

    /// Starts it in one of its modes; what it complains of goes to a file in `folder`
    pub(super) fn start(&self, mode: &str, folder: &Path, spec: &Value) -> Result<Program> {
        let path = folder.join("spec.json");
        fs::write(&path, spec.to_string())?;
        let mut command = Command::new(&self.python);
        // It writes what it was told where it stands, and must say its lines as they come.
        command.current_dir(folder).arg("-u").arg(&self.script).args(["run", "--mode", mode]);
        command.args(["--webport", "0", "--spec"]).arg(path);
        command.stderr(File::create(folder.join("stderr"))?);
        Program::start(command)
    }
}

/// A Python 2.7 with pip: by its names, or as pyenv has it
fn python(shell: &Shell) -> Option<PathBuf> {
    let pyenv = |words: &[&str]| shell.read(shell.program("pyenv").args(words)).unwrap_or_default();
    let named = ["python2.7", "python2"].map(PathBuf::from);
    let versions = pyenv(&["versions", "--bare"]);
    let versions = versions.lines().map(str::trim).filter(|version| version.starts_with("2.7"));
    let kept =
        versions.map(|version| Path::new(pyenv(&["prefix", version]).trim()).join("bin/python"));
    let is_one =
        |python: &PathBuf| shell.read(shell.program(python).args(["-c", IS_PYTHON])).is_ok();
    named.into_iter().chain(kept).find(is_one)
}
