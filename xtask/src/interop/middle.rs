//! What stands between peers in the real world: nginx and HAProxy, those of this machine or Debian's,
//! and how each is told to stand between a port and a server.

use std::ffi::OsString;
use std::fmt::Write;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::leash::Leash;
use super::settings::PATIENCE;
use crate::debian;
use crate::shell::Shell;

/// Between two looks whether it listens
const LOOK: Duration = Duration::from_millis(20);
/// How long Debian's configuration of HAProxy lets a connection be idle
const HAPROXYS: Duration = Duration::from_secs(50);
/// And nginx, if nobody says anything
const NGINXS: Duration = Duration::from_secs(60);

/// Which of them
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Nginx,
    Haproxy,
}

/// A program, and where its libraries are if they are not the machine's
#[derive(Debug, Clone)]
struct Found {
    program: PathBuf,
    libraries: Option<PathBuf>,
}

/// Those that can be had here, or why they cannot
#[derive(Debug)]
pub(super) struct Middles([Result<Found, String>; 2]);

/// What it is to do
#[derive(Debug)]
pub(super) struct Job<'a> {
    /// Where connections go
    pub(super) server: &'a str,
    /// After how long without a byte it ends one; its own default without
    pub(super) limit: Option<Duration>,
    /// The folder with `cert.pem` and `key.pem`, if it is to end TLS
    pub(super) tls: Option<&'a Path>,
    /// What it refuses by itself: paths, and what it does to them, as lines of its configuration
    pub(super) refuses: &'a str,
}

/// One that stands there
#[derive(Debug)]
pub(super) struct Middle {
    _leash: Leash,
    pub(super) address: SocketAddr,
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

    /// Debian's packages, with what few machines have already
    const fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Nginx => &["nginx"],
            Self::Haproxy => {
                &["haproxy", "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1"]
            }
        }
    }

    fn configuration(self, job: &Job<'_>, port: u16) -> String {
        match self {
            Self::Nginx => nginx(job, port),
            Self::Haproxy => haproxy(job, port),
        }
    }
}

/// As its documentation has it for WebSockets
fn nginx(job: &Job<'_>, port: u16) -> String {
    let limit = job.limit.map_or_else(String::new, |limit| {
        format!("proxy_read_timeout {0}s; proxy_send_timeout {0}s;", limit.as_secs())
    });
    let (ssl, certificate) = match job.tls {
        None => ("", String::new()),
        Some(folder) => {
            let pem = |file| folder.join(file).display().to_string();
            let (cert, key) = (pem("cert.pem"), pem("key.pem"));
            (" ssl", format!("ssl_certificate {cert}; ssl_certificate_key {key};"))
        }
    };
    let folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let folders = folders.map(|name| format!("    {name}_temp_path {name};\n")).concat();
    format!(
        "daemon off; master_process off; pid nginx.pid; error_log stderr error;\n\
         events {{}}\nhttp {{\n    access_log off;\n{folders}    server {{\n\
         \x20       listen 127.0.0.1:{port}{ssl}; {certificate}\n{refuses}\
         \x20       location / {{\n            proxy_pass http://{server};\n\
         \x20           proxy_http_version 1.1; {limit}\n\
         \x20           proxy_set_header Upgrade $http_upgrade;\n\
         \x20           proxy_set_header Connection \"upgrade\";\n        }}\n    }}\n}}\n",
        refuses = job.refuses,
        server = job.server,
    )
}

fn haproxy(job: &Job<'_>, port: u16) -> String {
    let mut limits = String::new();
    for side in ["client", "server"] {
        let limit = job.limit.unwrap_or(HAPROXYS).as_secs();
        // Nothing that is written into a string fails.
        _ = writeln!(limits, "    timeout {side} {limit}s");
    }
    format!(
        "defaults\n    mode http\n    timeout connect 5s\n{limits}\
         frontend door\n    bind 127.0.0.1:{port}\n    default_backend house\n\
         backend house\n    server one {}\n",
        job.server
    )
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
    pub(super) fn find(shell: &Shell) -> Result<Self> {
        let [nginx, haproxy] = [Kind::Nginx, Kind::Haproxy].map(|kind| find(shell, kind));
        Ok(Self([nginx?, haproxy?]))
    }

    fn found(&self, kind: Kind) -> &Result<Found, String> {
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
        // It cannot tell which port the system has chosen, so that we ask for one and let go of it.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let folder = folder.join("middle").join(port.to_string());
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let file = folder.join("conf");
        fs::write(&file, kind.configuration(job, port))?;
        let mut command = found.command();
        match kind {
            Kind::Nginx => command.arg("-p").arg(&folder).args(["-e", "stderr", "-c"]).arg(&file),
            Kind::Haproxy => command.args(["-db", "-q", "-f"]).arg(&file),
        };
        let leash = Leash::start(&command)?;
        let address = (Ipv4Addr::LOCALHOST, port).into();
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            if Instant::now() > deadline {
                bail!("{} does not listen", kind.name());
            }
            sleep(LOOK);
        }
        Ok(Middle { _leash: leash, address })
    }
}

impl Found {
    fn command(&self) -> Command {
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

fn find(shell: &Shell, kind: Kind) -> Result<Result<Found, String>> {
    let on_path = OsString::from(kind.name());
    let installed = ["".into(), PathBuf::from("/usr/sbin")]
        .map(|folder: PathBuf| Found { program: folder.join(&on_path), libraries: None });
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_said_and_a_default_is_not() {
        let five = Some(Duration::from_secs(5));
        let job = |limit| Job { server: "127.0.0.1:7", limit, tls: None, refuses: "" };
        assert!(nginx(&job(five), 8).contains("proxy_read_timeout 5s;"));
        assert!(!nginx(&job(None), 8).contains("timeout"), "its own default is what is tried");
        assert!(haproxy(&job(five), 8).contains("timeout client 5s\n    timeout server 5s\n"));
        assert!(haproxy(&job(None), 8).contains("timeout client 50s"), "as Debian's has it");
        for text in [nginx(&job(None), 8), haproxy(&job(None), 8)] {
            assert!(text.contains("127.0.0.1:7") && text.contains("127.0.0.1:8"), "{text}");
        }
    }

    #[test]
    fn tls_ends_where_there_are_certificates() {
        let tls = Some(Path::new("there"));
        let text = nginx(&Job { server: "127.0.0.1:7", limit: None, tls, refuses: "" }, 8);
        assert!(text.contains("listen 127.0.0.1:8 ssl; ssl_certificate there/cert.pem;"), "{text}");
    }
}
