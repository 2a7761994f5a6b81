//! Two peers that are connected: ours and theirs. The scenarios play on it and know neither which
//! peer it is nor which runtime.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;

use super::note::{End, Note, Payload};
use super::peer::{Peer, Role};
use super::program::Program;
use super::settings::{DIAL, FRAGMENT, INTERVAL, PATIENCE, RETRY, TIMEOUT};
use crate::lateness::Lateness;
use crate::shell::Shell;

/// What every stage is built from
#[derive(Debug)]
pub(super) struct Theatre {
    /// Our program
    ours: PathBuf,
    /// Where it has put `ca.pem`, `cert.pem` and `key.pem`
    certificates: PathBuf,
}

/// Who plays with whom, and over what
#[derive(Debug, Clone, Copy)]
pub(super) struct Cast<'a> {
    pub(super) peer: &'a Peer,
    /// The peer's
    pub(super) role: Role,
    /// Ours
    pub(super) runtime: &'static str,
    pub(super) tls: bool,
}

/// Where to start programs from
#[derive(Debug, Clone, Copy)]
struct Backstage<'a> {
    theatre: &'a Theatre,
    cast: Cast<'a>,
    home: &'a Path,
    lateness: &'a Lateness,
    /// The peer is to Ping by itself
    beating: bool,
}

/// Two peers that are connected
#[derive(Debug)]
pub(super) struct Stage<'a> {
    backstage: Backstage<'a>,
    begun: Instant,
    address: String,
    pub(super) ours: Program,
    pub(super) theirs: Program,
}

impl Theatre {
    /// Certificates are made anew for each run
    pub(super) fn new(shell: &Shell) -> Result<Self> {
        let program = format!("everbeat-interop{}", std::env::consts::EXE_SUFFIX);
        let ours = shell.target("debug").join(program);
        let certificates = shell.target("interop").join("certificates");
        shell.run(shell.program(&ours).arg("certificates").arg(&certificates))?;
        Ok(Self { ours, certificates })
    }

    /// What TLS needs in this role
    fn certificates(&self, role: Role) -> impl Iterator<Item = (&'static str, PathBuf)> {
        let options: &[(&str, &str)] = match role {
            Role::Server => &[("--cert", "cert.pem"), ("--key", "key.pem")],
            Role::Client => &[("--ca", "ca.pem")],
        };
        options.iter().map(|(option, file)| (*option, self.certificates.join(file)))
    }
}

impl Backstage<'_> {
    /// Our program
    fn ours(self, place: &str) -> Result<Program> {
        let Cast { role, runtime, .. } = self.cast;
        let mut command = Command::new(&self.theatre.ours);
        command.args([role.other().name(), place, "--runtime", runtime]);
        for (option, duration) in
            [("--beat", INTERVAL), ("--timeout", TIMEOUT), ("--dial", DIAL), ("--retry", RETRY)]
        {
            command.args([option, &duration.as_millis().to_string()]);
        }
        self.add_certificates(&mut command, role.other());
        Program::start("everbeat", &mut command, self.lateness)
    }

    /// The peer's program
    fn theirs(self, place: &str) -> Result<Program> {
        let Cast { peer, role, .. } = self.cast;
        let line = peer.line(&peer.start, self.home);
        let (program, words) = line.split_first().unwrap_or((&peer.name, &[]));
        let mut command = Command::new(program);
        command.args(words).args([role.name(), place, "--fragment", &FRAGMENT.to_string()]);
        if self.beating {
            command.args(["--beat", &INTERVAL.as_millis().to_string()]);
            command.args(["--timeout", &TIMEOUT.as_millis().to_string()]);
        }
        self.add_certificates(&mut command, role);
        Program::start(&peer.name, &mut command, self.lateness)
    }

    fn add_certificates(self, command: &mut Command, role: Role) {
        let options = self.theatre.certificates(role).filter(|_| self.cast.tls);
        for (option, path) in options {
            command.arg(option).arg(path);
        }
    }

    fn url(self, address: &str) -> String {
        let scheme = if self.cast.tls { "wss" } else { "ws" };
        format!("{scheme}://{address}/")
    }
}

impl<'a> Stage<'a> {
    /// Starts both and waits until they are connected; `beating`: the peer Pings by itself
    pub(super) fn open(
        theatre: &'a Theatre,
        cast: Cast<'a>,
        home: &'a Path,
        lateness: &'a Lateness,
        beating: bool,
    ) -> Result<Self> {
        let begun = Instant::now();
        let backstage = Backstage { theatre, cast, home, lateness, beating };
        let anywhere = "127.0.0.1:0";
        let (address, ours, theirs) = match cast.role {
            Role::Server => {
                let theirs = backstage.theirs(anywhere)?;
                let address = listening(&theirs)?;
                (address.clone(), backstage.ours(&backstage.url(&address))?, theirs)
            }
            Role::Client => {
                let ours = backstage.ours(anywhere)?;
                let address = listening(&ours)?;
                (address.clone(), ours, backstage.theirs(&backstage.url(&address))?)
            }
        };
        let stage = Self { backstage, begun, address, ours, theirs };
        connected(&stage.ours)?;
        connected(&stage.theirs)?;
        Ok(stage)
    }

    /// Starts the peer anew where it was, and returns when it could be reached again
    pub(super) fn restart_theirs(&mut self) -> Result<Instant> {
        match self.backstage.cast.role {
            Role::Server => {
                self.theirs = self.backstage.theirs(&self.address)?;
                listening(&self.theirs)?;
            }
            Role::Client => {
                self.theirs = self.backstage.theirs(&self.backstage.url(&self.address))?;
            }
        }
        Ok(Instant::now())
    }

    /// The role of the peer
    pub(super) const fn role(&self) -> Role {
        self.backstage.cast.role
    }

    /// How late the machine was since this stage was opened, at worst
    pub(super) fn late(&self) -> Duration {
        self.backstage.lateness.worst_since(self.begun)
    }

    /// Waits until ours is connected, and returns when it was
    ///
    /// The other side's word for it may have come before its word for the end of the last one.
    pub(super) fn connected(&self) -> Result<Instant> {
        connected(&self.ours)
    }

    /// Lets the client say something, and waits until the server's echo is back; in how many frames
    /// ours sent it, if the peer can tell
    pub(super) fn echo(&mut self, message: &Payload) -> Result<Option<u64>> {
        let (client, server) = match self.role() {
            Role::Server => (&mut self.ours, &self.theirs),
            Role::Client => (&mut self.theirs, &self.ours),
        };
        client.tell(&json!({ "send": message.value() }))?;
        let (there, back) = (received(server, message)?, received(client, message)?);
        Ok(match self.role() {
            Role::Server => there,
            Role::Client => back,
        })
    }
}

/// Waits for a message, which must be this one; in how many frames it came
fn received(by: &Program, message: &Payload) -> Result<Option<u64>> {
    let (_, (came, frames)) = by.expect(&message.describe(), PATIENCE, |note| match note {
        Note::Message(came, frames) => Some((came.clone(), *frames)),
        _ => None,
    })?;
    ensure!(came == *message, "{message:?} was sent and became {came:?}");
    Ok(frames)
}

/// Picks the end of a connection
pub(super) fn end(note: &Note) -> Option<End> {
    match note {
        Note::Closed(end) => Some(end.clone()),
        _ => None,
    }
}

fn listening(program: &Program) -> Result<String> {
    let (_, address) = program.expect("where it listens", PATIENCE, |note| match note {
        Note::Listening(address) => Some(address.clone()),
        _ => None,
    })?;
    Ok(address)
}

fn connected(program: &Program) -> Result<Instant> {
    let picked = |note: &Note| (*note == Note::Connected).then_some(());
    Ok(program.expect("a connection", PATIENCE, picked)?.0)
}
