//! A program that this machine has, or else Debian's, unpacked into our target: nothing is installed.

use std::env::consts::ARCH;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::debian;
use crate::shell::Shell;

/// A program, and where it may be
#[derive(Debug)]
pub(crate) struct Wanted {
    /// By this name on the path, or in one of these folders
    pub(crate) name: &'static str,
    pub(crate) folders: &'static [&'static str],
    /// What it tells its version for, and ends well
    pub(crate) version: &'static str,
    /// Debian's packages of it, with what few machines have of those they need
    pub(crate) packages: &'static [&'static str],
    /// Where they have it
    pub(crate) within: &'static str,
    /// What it has to be told of where that is
    pub(crate) told: Told,
}

/// A variable with a folder of what was unpacked
#[derive(Debug, Clone, Copy)]
pub(crate) enum Told {
    /// `LD_LIBRARY_PATH`, with that of this kind of machine
    Libraries,
    /// Another, with this one
    Folder(&'static str, &'static str),
}

/// One that runs here
#[derive(Debug, Clone)]
pub(crate) struct Tool {
    program: PathBuf,
    told: Option<(&'static str, PathBuf)>,
}

impl Tool {
    /// The machine's, or else Debian's, unpacked under `root`
    ///
    /// # Errors
    ///
    /// Neither can be had.
    pub(crate) fn find(shell: &Shell, wanted: &Wanted, root: &Path) -> Result<Self> {
        let folders = [""].iter().chain(wanted.folders);
        let mut installed =
            folders.map(|folder| Self { program: Path::new(folder).join(wanted.name), told: None });
        if let Some(tool) = installed.find(|tool| tool.runs(wanted)) {
            return Ok(tool);
        }
        let unpacked = Self::unpacked(wanted, root);
        if !unpacked.runs(wanted) {
            eprintln!("unpacking Debian's {} ..", wanted.name);
            let packages = wanted.packages.iter().map(ToString::to_string).collect::<Vec<_>>();
            let done = debian::unpack(shell, root, &packages);
            done.with_context(|| format!("no {} here, and Debian's", wanted.name))?;
            ensure!(unpacked.runs(wanted), "Debian's {} does not run here", wanted.name);
        }
        Ok(unpacked)
    }

    fn unpacked(wanted: &Wanted, root: &Path) -> Self {
        let told = match wanted.told {
            Told::Libraries => ("LD_LIBRARY_PATH", root.join(format!("usr/lib/{ARCH}-linux-gnu"))),
            Told::Folder(name, folder) => (name, root.join(folder)),
        };
        Self { program: root.join(wanted.within), told: Some(told) }
    }

    fn runs(&self, wanted: &Wanted) -> bool {
        let mut command = self.command();
        command.arg(wanted.version).stdin(Stdio::null());
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }

    /// What starts it
    pub(crate) fn command(&self) -> Command {
        self.tell(Command::new(&self.program))
    }

    /// The same in the root, as every program that works on this repository
    pub(crate) fn in_root(&self, shell: &Shell) -> Command {
        self.tell(shell.program(&self.program))
    }

    fn tell(&self, mut command: Command) -> Command {
        command.envs(self.told.as_ref().map(|(name, folder)| (name, folder)));
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: Wanted = Wanted {
        name: "there-is-no-such-program",
        folders: &[],
        version: "--version",
        packages: &[],
        within: "usr/bin/program",
        told: Told::Libraries,
    };

    #[test]
    fn what_was_unpacked_is_told_where_its_own_things_are() {
        let root = Path::new("/there");
        let told = |told| {
            let command = Tool::unpacked(&Wanted { told, ..WANTED }, root).command();
            assert_eq!(command.get_program(), "/there/usr/bin/program");
            let mut told = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
            let (name, value) = told.next().unwrap();
            (name.to_owned(), value.to_owned())
        };
        let libraries = format!("/there/usr/lib/{ARCH}-linux-gnu");
        assert_eq!(told(Told::Libraries), ("LD_LIBRARY_PATH".into(), libraries.into()));
        let other = told(Told::Folder("VALGRIND_LIB", "usr/libexec/valgrind"));
        assert_eq!(other, ("VALGRIND_LIB".into(), "/there/usr/libexec/valgrind".into()));
    }

    #[test]
    fn only_a_program_that_ends_well_is_had() {
        let tool = |program: &str| Tool { program: program.into(), told: None };
        assert!(tool(&crate::shell::cargo()).runs(&WANTED));
        assert!(!tool("there-is-no-such-program").runs(&WANTED));
        let no_such_word = Wanted { version: "--no-such-word", ..WANTED };
        assert!(!tool(&crate::shell::cargo()).runs(&no_such_word));
    }
}
