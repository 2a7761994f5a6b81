//! The programs by which networks are made: where they are, whether they are there, and how they are
//! run, with what they complain of in the error.

use std::io::{ErrorKind, Write, stderr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context, Result, bail};

use crate::place::Place;

/// The environment's word for a folder with packages of tools, unpacked
const FOLDER: &str = "EVERBEAT_TOOLS";
/// Where programs are in such a folder
const PROGRAMS: [&str; 4] = ["usr/sbin", "usr/bin", "sbin", "bin"];
/// And libraries, each below the name of the architecture
const LIBRARIES: [&str; 2] = ["usr/lib", "lib"];
/// The library behind `faketime`; this one is for programs with threads
const FAKETIME: &str = "faketime/libfaketimeMT.so.1";

/// What is needed, how it is asked whether it runs, and the package that has it
const NEEDED: [(&str, &str, &str); 5] = [
    ("ip", "-V", "iproute2"),
    ("tc", "-V", "iproute2"),
    ("ss", "-V", "iproute2"),
    ("nft", "--version", "nftables"),
    ("setpriv", "--version", "util-linux"),
];

/// Where the tools are: on the path, and in a folder if one is named
///
/// The folder is one into which packages were unpacked, so that it has a `usr`. By default the variable
/// `EVERBEAT_TOOLS` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tools {
    folder: Option<PathBuf>,
}

impl Default for Tools {
    fn default() -> Self {
        Self { folder: env::var_os(FOLDER).map(PathBuf::from) }
    }
}

impl Tools {
    /// The packages that have all that is used here, as Debian calls them, with what those build on
    pub const PACKAGES: [&str; 9] = [
        "nftables",
        "libnftables1",
        "libnftnl11",
        "libmnl0",
        "libjansson4",
        "libedit2",
        "libbsd0",
        "libmd0",
        "libfaketime",
    ];

    /// In this folder, or else on the path
    #[must_use]
    pub fn within(folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()) }
    }

    /// Has another program of ours use the same
    pub fn pass_on(&self, command: &mut Command) {
        if let Some(folder) = &self.folder {
            command.env(FOLDER, folder);
        }
    }

    /// Why no network can be made here, if none can: no Linux, no root, or a tool that is not there
    #[must_use]
    pub fn missing(&self) -> Option<String> {
        Self::forbidden().or_else(|| {
            let absent = NEEDED.iter().find_map(|(program, question, package)| {
                let error = self.run(program, &[question], "").err()?;
                Some(format!("{error:#} (Debian's package {package} has it)"))
            });
            absent.or_else(|| Some(format!("{:#}", self.faketime().err()?)))
        })
    }

    /// Why no tool would help: no Linux, or no root
    #[must_use]
    pub fn forbidden() -> Option<String> {
        Some(format!("{:#}", Place::new("trial", &Self { folder: None }).err()?))
    }

    /// A tool, to be given its words
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let Some(folder) = &self.folder else { return command };
        let path = env::var_os("PATH").unwrap_or_default();
        let programs = PROGRAMS.map(|below| folder.join(below));
        let libraries = self.libraries();
        for (name, paths) in [
            ("PATH", programs.into_iter().chain(env::split_paths(&path)).collect::<Vec<_>>()),
            ("LD_LIBRARY_PATH", libraries),
        ] {
            if let Ok(joined) = env::join_paths(paths) {
                command.env(name, joined);
            }
        }
        command
    }

    /// Runs a tool with something to read; what it says
    pub(crate) fn run(&self, program: &str, words: &[&str], input: &str) -> Result<String> {
        let line = || format!("`{program} {}`", words.join(" "));
        let mut command = self.command(program);
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = match command.spawn() {
            Err(error) if error.kind() == ErrorKind::NotFound => bail!("there is no `{program}`"),
            spawned => spawned.with_context(line)?,
        };
        if let Some(mut stdin) = child.stdin.take() {
            // Who does not read what it is to do says why.
            _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output().with_context(line)?;
        if !output.status.success() {
            bail!("{}: {}", line(), String::from_utf8_lossy(&output.stderr).trim());
        }
        String::from_utf8(output.stdout).with_context(line)
    }

    /// The library that lets the time of a program jump
    pub(crate) fn faketime(&self) -> Result<PathBuf> {
        let root = Path::new("/");
        let folders =
            self.libraries().into_iter().chain(libraries(root)).chain([root.join("usr/lib64")]);
        let found = folders.map(|folder| folder.join(FAKETIME)).find(|path| path.exists());
        found.context("there is no libfaketime (Debian's package libfaketime has it)")
    }

    fn libraries(&self) -> Vec<PathBuf> {
        self.folder.as_deref().map(libraries).unwrap_or_default()
    }
}

/// The folders below `root` that have an architecture's libraries
fn libraries(root: &Path) -> Vec<PathBuf> {
    let below = LIBRARIES.iter().filter_map(|folder| fs::read_dir(root.join(folder)).ok());
    let all = below.flatten().filter_map(|entry| Some(entry.ok()?.path()));
    all.filter(|path| path.to_string_lossy().contains("-linux-")).collect()
}

/// Says that something was not tried, and why, so that a test that passes by it cannot hide it: a
/// test's own output is shown only if it fails
pub fn skipped(what: &str, why: &str) {
    // Nobody may be listening.
    _ = stderr().write_all(format!("SKIPPED {what}: {why}\n").as_bytes());
}
