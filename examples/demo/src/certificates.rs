//! The certificates of one run: made by the demo, found by its children in a folder that goes with
//! it. A demo that is killed leaves it behind, beside its own program, where builds are cleaned.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context;
use everbeat_conformance::certificates::Authority;
use everbeat_core::config::ConfigError;
use everbeat_ws::tls::{ClientTls, ServerTls};

/// A folder with a root, and a certificate and its key for the server
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Certificates(PathBuf);

const ROOT: &str = "root.pem";
const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "key.pem";

impl Certificates {
    /// In a folder that is there already
    pub(crate) fn at(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }

    pub(crate) fn client(&self) -> Result<ClientTls, ConfigError> {
        ClientTls::roots_file(self.0.join(ROOT))
    }

    pub(crate) fn server(&self) -> Result<ServerTls, ConfigError> {
        ServerTls::from_files(self.0.join(CERTIFICATE), self.0.join(KEY))
    }
}

/// Certificates that are gone with the demo
#[derive(Debug)]
pub(crate) struct Made(Certificates);

impl Made {
    /// For a server of this name
    pub(crate) fn new(server: &str) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?;
        let made = Self(Certificates(new_folder(program.parent().context("no folder")?)?));
        let authority = Authority::new();
        let certified = authority.certify(server);
        for (name, pem) in [
            (ROOT, &authority.root()),
            (CERTIFICATE, &certified.certificate),
            (KEY, &certified.key),
        ] {
            let path = made.0.0.join(name);
            fs::write(&path, pem).with_context(|| path.display().to_string())?;
        }
        Ok(made)
    }

    pub(crate) const fn certificates(&self) -> &Certificates {
        &self.0
    }
}

/// A folder that nobody else has, or may look into
fn new_folder(within: &Path) -> anyhow::Result<PathBuf> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    for number in 0_u32.. {
        // An earlier demo of this process id may have been killed.
        let folder = within.join(format!("demo-certificates-{}-{number}", std::process::id()));
        match builder.create(&folder) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => return made.map(|()| folder.clone()).context(folder.display().to_string()),
        }
    }
    anyhow::bail!("no folder for certificates is free in {}", within.display())
}

impl Drop for Made {
    fn drop(&mut self) {
        // What is left is a few kilobytes that nobody trusts.
        _ = fs::remove_dir_all(&self.0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_was_left_behind_is_passed_over() {
        let first = new_folder(&std::env::temp_dir()).unwrap();
        let second = new_folder(&std::env::temp_dir()).unwrap();
        assert_ne!(first, second);
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(&first).unwrap());
            assert_eq!(mode & 0o777, 0o700);
        }
        fs::remove_dir(first).unwrap();
        fs::remove_dir(second).unwrap();
    }
}
