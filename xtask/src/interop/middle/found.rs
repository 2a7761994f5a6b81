//! Where nginx and HAProxy are: on this machine, or unpacked from Debian's packages into a folder of
//! ours.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::Result;

use super::Kind;
use crate::debian;
use crate::shell::Shell;

/// A program, and where its libraries are if they are not the machine's
#[derive(Debug, Clone)]
pub(super) struct Found {
    program: PathBuf,
    libraries: Option<PathBuf>,
}

impl Found {
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        if let Some(libraries) = &self.libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        command
    }

    fn runs(&self) -> bool {
        let mut command = self.command();
        command.arg("-v").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }
}

/// That of this machine, or else Debian's; or why there is none
pub(super) fn find(shell: &Shell, kind: Kind) -> Result<Result<Found, String>> {
    let installed = ["".into(), PathBuf::from("/usr/sbin")]
        .map(|folder: PathBuf| Found { program: folder.join(kind.name()), libraries: None });
    if let Some(found) = installed.into_iter().find(Found::runs) {
        return Ok(Ok(found));
    }
    let root = shell.target("interop").join("debian").join(kind.name());
    let unpacked = || {
        let libraries = fs::read_dir(root.join("usr/lib")).into_iter().flatten().flatten();
        let mut libraries = libraries.map(|entry| entry.path());
        let libraries = libraries.find(|path| path.to_string_lossy().contains("-linux-"));
        Found { program: root.join("usr/sbin").join(kind.name()), libraries }
    };
    if !unpacked().runs() {
        eprintln!("unpacking Debian's {} ..", kind.name());
        let packages = kind.packages().iter().map(ToString::to_string).collect::<Vec<_>>();
        if let Err(error) = debian::unpack(shell, &root, &packages) {
            return Ok(Err(format!(
                "there is no {}, and Debian's is not to be had: {error:#}",
                kind.name()
            )));
        }
    }
    let found = unpacked();
    Ok(if found.runs() {
        Ok(found)
    } else {
        Err(format!("Debian's {} does not run here", kind.name()))
    })
}
