//! Debian's packages, unpacked into a folder of ours: nothing is installed, nobody is asked for rights.
//!
//! Two commands may want the same at one time. Each unpacks into a folder of its own beside the one
//! that is wanted, and moves every file into its place whole: whoever looks meanwhile finds a program
//! that runs, or finds that something is missing and unpacks it too, and never half a file.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{fs, process};

use anyhow::{Context, Result};

use crate::lock::Lock;
use crate::shell::Shell;

/// Downloads packages, named as `apt-get download` wants them, and unpacks them under `root`
pub(crate) fn unpack(shell: &Shell, root: &Path, packages: &[String]) -> Result<()> {
    let aside = Aside::of(root)?;
    let download = || {
        let mut download = shell.program("apt-get");
        shell.read(download.arg("download").args(packages).current_dir(&aside.0))
    };
    if let Err(error) = download() {
        // What this machine knows of Debian may be old, or nothing.
        update(shell).with_context(|| format!("{error:#}, and `apt-get update` does not help"))?;
        download()?;
    }
    let unpacked = aside.0.join("unpacked");
    for entry in fs::read_dir(&aside.0)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "deb") {
            shell.read(shell.program("dpkg").arg("-x").arg(&path).arg(&unpacked))?;
        }
    }
    move_into(&unpacked, root)
}

/// Asks Debian what there is, for which one has to be root; one at a time, for apt does not wait
fn update(shell: &Shell) -> Result<()> {
    let _alone = Lock::hold(&shell.target("apt.lock"), "apt-get")?;
    shell.read(shell.program("apt-get").args(["update", "-qq"])).map(drop)
}

/// A folder that nobody else uses, until this is dropped
struct Aside(PathBuf);

impl Aside {
    /// Beside `root`, for only what is on the same file system can be moved whole
    fn of(root: &Path) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = root.file_name().context("packages are unpacked into a folder")?;
        let (ours, next) = (process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let name = format!("{}.{ours}-{next}", name.to_string_lossy());
        let aside = Self(root.with_file_name(name));
        fs::create_dir_all(&aside.0).with_context(|| aside.0.display().to_string())?;
        Ok(aside)
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}

/// Each file below `from` to the same place below `to`, over what is there
fn move_into(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| to.display().to_string())?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        // Of a link to a folder this says that it is none.
        if entry.file_type()?.is_dir() {
            move_into(&from, &to)?;
        } else {
            fs::rename(&from, &to).with_context(|| to.display().to_string())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;

    use super::*;

    #[test]
    fn what_is_in_use_stays_whole_when_another_comes_in_its_place() {
        let scene = Aside::of(&std::env::temp_dir().join("everbeat-debian")).unwrap();
        let (first, second, root) =
            (scene.0.join("first"), scene.0.join("second"), scene.0.join("root"));
        for (folder, text) in [(&first, "the first's"), (&second, "the second's")] {
            fs::create_dir_all(folder.join("usr/bin")).unwrap();
            fs::write(folder.join("usr/bin/tool"), text).unwrap();
        }
        fs::write(first.join("usr/bin/other"), "stays").unwrap();
        move_into(&first, &root).unwrap();
        let mut in_use = File::open(root.join("usr/bin/tool")).unwrap();
        move_into(&second, &root).unwrap();
        let mut text = String::new();
        in_use.read_to_string(&mut text).unwrap();
        assert_eq!(text, "the first's");
        assert_eq!(fs::read_to_string(root.join("usr/bin/tool")).unwrap(), "the second's");
        assert_eq!(fs::read_to_string(root.join("usr/bin/other")).unwrap(), "stays");
    }

    #[test]
    fn two_who_unpack_the_same_have_a_folder_each_and_leave_none() {
        let root = std::env::temp_dir().join("everbeat-debian-root");
        let (one, two) = (Aside::of(&root).unwrap(), Aside::of(&root).unwrap());
        let folders = [one.0.clone(), two.0.clone()];
        assert!(folders[0] != folders[1] && folders.iter().all(|folder| folder.is_dir()));
        drop((one, two));
        assert!(!folders.iter().any(|folder| folder.exists()));
    }
}
