//! The certificates of one run: made by the demo, found by its children in a folder that goes with it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use everbeat_conformance::certificates::Authority;
use everbeat_core::config::ConfigError;
use everbeat_ws::tls::{ClientTls, ServerTls};

/// A folder with a root, and a certificate and its key for 127.0.0.1
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
    pub(crate) fn new() -> anyhow::Result<Self> {
        let name = format!("everbeat-demo-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).with_context(|| folder.display().to_string())?;
        let made = Self(Certificates(folder));
        let authority = Authority::new();
        let certified = authority.certify("127.0.0.1");
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

impl Drop for Made {
    fn drop(&mut self) {
        // What is left is a few kilobytes that nobody trusts.
        _ = fs::remove_dir_all(&self.0.0);
    }
}
