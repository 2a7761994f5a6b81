//! Two hosts, a server and a client, connected; what the rows are played on.

use std::fmt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use everbeat_netns::{Clock, Host, Network, Rate, Tools};
use serde_json::json;

use crate::interop::note::{Note, Payload};
use crate::interop::program::Program;
use crate::interop::settings::PATIENCE;
use crate::lateness::Lateness;
use crate::shell::Shell;

/// What the client is promised
pub(super) const PROMISE: Duration = Duration::from_secs(5);
/// The server's patience, which is no row's: nobody but the client is to judge
const PATIENT: Duration = Duration::from_secs(120);
/// How long all is well before a fault: a beat and its answer
const CALM: Duration = Duration::from_millis(1_500);
/// Where every server listens
const PORT: u16 = 9_001;
/// Where it is among a network's hosts
const SERVER: u8 = 2;
/// A slow uplink, and as much as a modem has wait before it
const UPLINK: Rate = Rate { bits: 1_000_000, queue: 64 << 10 };

/// What is uploaded
pub(super) const UPLOAD: Payload = Payload::Bytes(2_500_000);
/// What is said otherwise
const ECHO: Payload = Payload::Bytes(4);

/// What carries a connection
#[derive(Debug, Clone, Copy)]
pub(super) struct Stack {
    pub(super) runtime: &'static str,
    pub(super) tls: bool,
}

impl fmt::Display for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.runtime, if self.tls { "wss" } else { "ws" })
    }
}

/// What every stage is built from
#[derive(Debug)]
pub(super) struct Theatre {
    /// Our program
    program: PathBuf,
    /// Where it has put `ca.pem`, `cert.pem` and `key.pem`
    certificates: PathBuf,
    tools: Tools,
    /// One is built at a time, so that who is played on already has the machine
    building: Mutex<()>,
}

/// A network without programs, for one row
#[derive(Debug)]
pub(super) struct Scene<'a> {
    theatre: &'a Theatre,
    stack: Stack,
    lateness: &'a Lateness,
    pub(super) network: Network,
    pub(super) near: Host,
    pub(super) far: Host,
}

/// How a client is started
#[derive(Debug, Clone, Copy)]
pub(super) struct Role<'a> {
    pub(super) promise: Duration,
    /// How often the server says something
    pub(super) tick: Option<Duration>,
    /// Whether it watches the addresses of its host
    pub(super) watch: bool,
    /// It is hindered itself, so that what it tells of its lateness says nothing of the machine's
    pub(super) hindered: bool,
    pub(super) clock: Option<&'a Clock>,
}

impl Default for Role<'_> {
    fn default() -> Self {
        Self { promise: PROMISE, tick: None, watch: false, hindered: false, clock: None }
    }
}

/// A client and a server that are connected
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) client: Program,
    pub(super) server: Program,
    /// What the client has told, as far as it was waited for
    pub(super) told: Vec<Note>,
}

impl Theatre {
    /// Certificates are made anew for each run
    pub(super) fn new(shell: &Shell, tools: Tools) -> Result<Self> {
        let program = shell.target("debug").join("everbeat-interop");
        let certificates = shell.target("chaos").join("certificates");
        let mut make = shell.program(&program);
        make.arg("certificates").arg(&certificates).arg(Host::v4_of(SERVER).to_string());
        shell.run(&mut make)?;
        Ok(Self { program, certificates, tools, building: Mutex::default() })
    }

    /// A network for one row
    pub(super) fn scene<'a>(&'a self, stack: Stack, lateness: &'a Lateness) -> Result<Scene<'a>> {
        let _one_at_a_time = self.building.lock().unwrap_or_else(PoisonError::into_inner);
        let (network, [near, far]) = Network::join(&self.tools, ["client", "server"])?;
        Ok(Scene { theatre: self, stack, lateness, network, near, far })
    }
}

impl Scene<'_> {
    /// Client and server, connected, and a while in which all is well
    pub(super) fn open(&self, role: Role<'_>) -> Result<Stage> {
        let building = self.theatre.building.lock().unwrap_or_else(PoisonError::into_inner);
        let server = self.server(self.stack.tls, role.tick)?;
        let scheme = if self.stack.tls { "wss" } else { "ws" };
        let mut words = self.words("client", &format!("{scheme}://{}/", self.address()));
        words.extend(["--within".into(), role.promise.as_millis().to_string()]);
        if role.watch {
            words.push("--watch".into());
        }
        if self.stack.tls {
            words.extend(["--ca".into(), self.certificate("ca.pem")]);
        }
        let own = Lateness::default();
        let lateness = if role.hindered { &own } else { self.lateness };
        let client = self.start(&self.near, &words, role.clock, lateness)?;
        let mut stage = Stage { client, server, told: Vec::new() };
        stage.expect("a connection", |note| *note == Note::Connected)?;
        drop(building);
        stage.echo()?;
        sleep(CALM);
        Ok(stage)
    }

    /// The same with the usual recipe for a client, which has no TLS
    pub(super) fn open_usual(&self) -> Result<Stage> {
        let server = self.server(false, None)?;
        let words = ["usual".into(), format!("ws://{}/", self.address())];
        let client = self.start(&self.near, &words, None, self.lateness)?;
        let mut stage = Stage { client, server, told: Vec::new() };
        stage.expect("a connection", |note| *note == Note::Connected)?;
        sleep(CALM);
        Ok(stage)
    }

    /// The client's way out is slow
    pub(super) fn slow(&self) -> Result<()> {
        self.network.slow(&self.far, UPLINK)
    }

    /// The clocks, before anything was started that lives by them
    pub(super) const fn tools(&self) -> &Tools {
        &self.theatre.tools
    }

    fn address(&self) -> String {
        format!("{}:{PORT}", self.far.v4())
    }

    fn server(&self, tls: bool, tick: Option<Duration>) -> Result<Program> {
        let mut words = self.words("server", &self.address());
        words.extend(["--within".into(), PATIENT.as_millis().to_string()]);
        if let Some(tick) = tick {
            words.extend(["--tick".into(), tick.as_millis().to_string()]);
        }
        if tls {
            words.extend(["--cert".into(), self.certificate("cert.pem")]);
            words.extend(["--key".into(), self.certificate("key.pem")]);
        }
        let server = self.start(&self.far, &words, None, self.lateness)?;
        server.expect("where it listens", PATIENCE, |note| {
            matches!(note, Note::Listening(_)).then_some(())
        })?;
        Ok(server)
    }

    fn words(&self, role: &str, place: &str) -> Vec<String> {
        [role, place, "--runtime", self.stack.runtime, "--brief"].map(String::from).into()
    }

    fn certificate(&self, file: &str) -> String {
        self.theatre.certificates.join(file).to_string_lossy().into_owned()
    }

    fn start(
        &self,
        host: &Host,
        words: &[String],
        clock: Option<&Clock>,
        lateness: &Lateness,
    ) -> Result<Program> {
        let mut command = host.place().command(&self.theatre.program);
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some(clock) = clock {
            clock.dress(&mut command);
        }
        Program::adopt(host.name(), host.place().spawn(command)?, lateness)
    }
}

impl Stage {
    /// Waits until the client tells of something, and returns when it did
    pub(super) fn expect(
        &mut self,
        what: &str,
        mut is: impl FnMut(&Note) -> bool,
    ) -> Result<Instant> {
        let told = &mut self.told;
        let (at, ()) = self.client.expect(what, PATIENCE, |note| {
            told.push(note.clone());
            is(note).then_some(())
        })?;
        Ok(at)
    }

    /// Lets the client say something; returns when the answer is back
    pub(super) fn echo(&mut self) -> Result<Instant> {
        self.say()?;
        self.expect("an echo", |note| *note == Note::Message(ECHO, None))
    }

    /// Lets the client say something
    pub(super) fn say(&mut self) -> Result<()> {
        self.client.tell(&json!({ "send": ECHO.value() }))
    }

    /// Lets the client say a lot, in one message
    pub(super) fn upload(&mut self) -> Result<()> {
        self.client.tell(&json!({ "send": UPLOAD.value() }))
    }

    /// Watches the client for a while: it must lose nothing and make nothing new
    pub(super) fn watch(&mut self, length: Duration) -> Result<()> {
        sleep(length);
        self.told.extend(self.client.told());
        let lost = self.told.iter().find(|note| matches!(note, Note::Closed(_) | Note::Failed(_)));
        match lost {
            Some(lost) => bail!("it has lost its connection: {lost:?}"),
            None => Ok(()),
        }
    }
}
