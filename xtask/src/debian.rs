//! Debian's packages, unpacked into a folder of ours: nothing is installed, nobody is asked for rights.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::shell::Shell;

/// Downloads packages, named as `apt-get download` wants them, and unpacks them under `root`
pub(crate) fn unpack(shell: &Shell, root: &Path, packages: &[String]) -> Result<()> {
    fs::create_dir_all(root)?;
    let mut download = shell.program("apt-get");
    shell
        .read(download.arg("download").args(packages).current_dir(root))
        .context("try `apt-get update`")?;
    for entry in fs::read_dir(root)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "deb") {
            shell.read(shell.program("dpkg").arg("-x").arg(&path).arg(root))?;
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}
