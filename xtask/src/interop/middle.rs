//! What stands between peers in the real world: nginx and HAProxy, each between a port and a server.

mod configuration;

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

pub(super) use self::configuration::Job;
use self::configuration::{HAPROXYS, haproxy, nginx};
use super::leash::Leash;
use super::settings::PATIENCE;
use crate::port::Port;
use crate::shell::Shell;
use crate::tool::{Told, Tool, Wanted};

/// Between two looks whether it listens
const LOOK: Duration = Duration::from_millis(20);
/// How long nginx lets a connection be idle, if nobody says anything
const NGINXS: Duration = Duration::from_secs(60);

/// Which of them
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Nginx,
    Haproxy,
}

/// Those that can be had here, or why they cannot
#[derive(Debug)]
pub(super) struct Middles([Result<Tool, String>; 2]);

/// One that stands there
#[derive(Debug)]
pub(super) struct Middle {
    _leash: Leash,
    port: Port,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
        }
    }

    /// What it does if it is told nothing
    pub(super) const fn default_limit(self) -> Duration {
        match self {
            Self::Nginx => NGINXS,
            Self::Haproxy => HAPROXYS,
        }
    }

    /// Where it is
    const fn wanted(self) -> Wanted {
        let (packages, within): (&'static [&'static str], _) = match self {
            Self::Nginx => (&["nginx"], "usr/sbin/nginx"),
            Self::Haproxy => {
                let packages =
                    &["haproxy", "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1"];
                (packages, "usr/sbin/haproxy")
            }
        };
        let (name, folders, told) = (self.name(), &["/usr/sbin"], Told::Libraries);
        Wanted { name, folders, version: "-v", packages, within, told }
    }

    fn configuration(self, job: &Job<'_>, port: u16) -> String {
        match self {
            Self::Nginx => nginx(job, port),
            Self::Haproxy => haproxy(job, port),
        }
    }
}

impl Middle {
    pub(super) const fn address(&self) -> SocketAddr {
        self.port.address
    }
}

impl Default for Middles {
    fn default() -> Self {
        Self(
            [Kind::Nginx, Kind::Haproxy].map(|kind| Err(format!("{} was not wanted", kind.name()))),
        )
    }
}

impl Middles {
    /// Those of this machine, or else Debian's, unpacked into a folder of ours
    pub(super) fn find(shell: &Shell) -> Self {
        let folder = shell.target("interop").join("debian");
        Self([Kind::Nginx, Kind::Haproxy].map(|kind| {
            let found = Tool::find(shell, &kind.wanted(), &folder.join(kind.name()));
            found.map_err(|error| format!("{error:#}"))
        }))
    }

    fn found(&self, kind: Kind) -> &Result<Tool, String> {
        let Self([nginx, haproxy]) = self;
        match kind {
            Kind::Nginx => nginx,
            Kind::Haproxy => haproxy,
        }
    }

    /// Why it cannot be had here, if it cannot
    pub(super) fn missing(&self, kind: Kind) -> Option<&str> {
        self.found(kind).as_ref().err().map(String::as_str)
    }

    /// What it says of its version
    pub(super) fn version(&self, kind: Kind) -> Option<String> {
        let output = self.found(kind).as_ref().ok()?.command().arg("-v").output().ok()?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        // The first word that begins as a number does, with or without its name before it.
        let words = said.split(|c: char| c.is_whitespace() || c == '/');
        let mut numbers = words.filter(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        numbers.next().map(String::from)
    }

    /// Starts one; returns once it can be reached
    pub(super) fn start(&self, kind: Kind, job: &Job<'_>, folder: &Path) -> Result<Middle> {
        let found = self.found(kind).as_ref().map_err(|why| anyhow::anyhow!("{why}"))?;
        let port = Port::reserve()?;
        let number = port.address.port();
        let folder = folder.join("middle").join(number.to_string());
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let file = folder.join("conf");
        fs::write(&file, kind.configuration(job, number))?;
        let mut command = found.command();
        match kind {
            Kind::Nginx => command.arg("-p").arg(&folder).args(["-e", "stderr", "-c"]).arg(&file),
            Kind::Haproxy => command.args(["-db", "-q", "-f"]).arg(&file),
        };
        let leash = Leash::start(&command)?;
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(port.address).is_err() {
            if Instant::now() > deadline {
                bail!("{} does not listen", kind.name());
            }
            sleep(LOOK);
        }
        Ok(Middle { _leash: leash, port })
    }
}
