//! A proxy between a client and a server of ours: it ends whom it has not seen for its limit, unless
//! something beats.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;

use super::judge;
use super::middle::{Job, Kind};
use super::note::{Note, Payload};
use super::peer::Role;
use super::program::Program;
use super::settings::PATIENCE;
use super::stage::{connected, end, listening};
use super::theatre::{Theatre, add};
use crate::lateness::Lateness;

const SECOND: Duration = Duration::from_secs(1);
/// A short limit
const SHORT: Duration = Duration::from_secs(5);

/// Who beats
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beat {
    /// Nobody: the proxy's cut must come
    Nobody,
    /// One side, as it does if nobody says anything
    Default(Role),
    /// One side, by a setting that knows the proxy's limit
    IdleLimit(Role),
}

/// A row of the table
#[derive(Debug)]
pub(super) struct Passage {
    pub(super) kind: Kind,
    pub(super) name: &'static str,
    /// Its own default without
    limit: Option<Duration>,
    beat: Beat,
    /// Where TLS ends
    pub(super) tls: bool,
}

const fn short(kind: Kind, name: &'static str, beat: Beat) -> Passage {
    Passage { kind, name, limit: Some(SHORT), beat, tls: false }
}

const fn default(kind: Kind, name: &'static str, beat: Beat) -> Passage {
    Passage { kind, name, limit: None, beat, tls: false }
}

use Kind::{Haproxy, Nginx};

/// The long ones first: they decide how long a run takes
pub(super) const ALL: &[Passage] = &[
    default(Nginx, "default-cut", Beat::Nobody),
    default(Nginx, "default-server", Beat::Default(Role::Server)),
    default(Nginx, "default-client", Beat::Default(Role::Client)),
    default(Haproxy, "default-cut", Beat::Nobody),
    default(Haproxy, "default-server", Beat::Default(Role::Server)),
    default(Haproxy, "default-client", Beat::Default(Role::Client)),
    short(Nginx, "5s-cut", Beat::Nobody),
    short(Nginx, "5s-server", Beat::IdleLimit(Role::Server)),
    short(Nginx, "5s-client", Beat::IdleLimit(Role::Client)),
    Passage { tls: true, ..short(Nginx, "5s-tls", Beat::IdleLimit(Role::Client)) },
    short(Haproxy, "5s-cut", Beat::Nobody),
    short(Haproxy, "5s-server", Beat::IdleLimit(Role::Server)),
    short(Haproxy, "5s-client", Beat::IdleLimit(Role::Client)),
];

impl Passage {
    /// It takes longer than a push can wait
    pub(super) const fn is_long(&self) -> bool {
        self.limit.is_none()
    }

    fn limit(&self) -> Duration {
        self.limit.unwrap_or_else(|| self.kind.default_limit())
    }

    pub(super) fn play(
        &self,
        theatre: &Theatre,
        runtime: &str,
        lateness: &Lateness,
    ) -> Result<String> {
        let server = self.ours(theatre, Role::Server, "127.0.0.1:0", runtime, lateness)?;
        let server_address = listening(&server)?;
        let tls = self.tls.then_some(&*theatre.certificates);
        let job = Job { server: &server_address, limit: self.limit, tls, refuses: "" };
        let middle = theatre.middles.start(self.kind, &job, &theatre.folder)?;
        let scheme = if self.tls { "wss" } else { "ws" };
        let url = format!("{scheme}://{}/", middle.address());
        let mut client = self.ours(theatre, Role::Client, &url, runtime, lateness)?;
        connected(&client)?;
        echo(&mut client)?;
        let begun = Instant::now();
        match self.beat {
            Beat::Nobody => self.is_cut(&client, &server, begun, lateness),
            Beat::Default(_) | Beat::IdleLimit(_) => self.lives(&mut client, &server),
        }
    }

    fn ours(
        &self,
        theatre: &Theatre,
        role: Role,
        place: &str,
        runtime: &str,
        lateness: &Lateness,
    ) -> Result<Program> {
        let mut command = theatre.ours(role, place, runtime);
        match self.beat {
            Beat::IdleLimit(beats) if beats == role => {
                add(&mut command, &[("--idle-limit", self.limit())]);
            }
            Beat::Default(beats) if beats == role => {}
            _ => _ = command.arg("--no-beat"),
        }
        for (option, path) in
            theatre.certificates(role, false).filter(|_| self.tls && role == Role::Client)
        {
            command.arg(option).arg(path);
        }
        Program::start(role.name(), &mut command, lateness)
    }

    fn is_cut(
        &self,
        client: &Program,
        server: &Program,
        begun: Instant,
        lateness: &Lateness,
    ) -> Result<String> {
        let (at, ended) = client.expect("the proxy's cut", self.limit() + PATIENCE, end)?;
        let took = at.saturating_duration_since(begun);
        ensure!(ended.how.as_deref() == Some("cut"), "it was no cut: {ended:?}");
        judge::cut(took, self.limit(), lateness.worst_since(begun))?;
        let (_, served) = server.expect("the proxy's cut", PATIENCE, end)?;
        let how = served.how.unwrap_or_default();
        ensure!(how == "cut", "the server says `{how}`: {}", served.reason);
        Ok(format!("cut after {took:.2?}: {}", ended.reason))
    }

    /// For three times a short limit, or a quarter more than a long one
    fn lives(&self, client: &mut Program, server: &Program) -> Result<String> {
        let length = if self.is_long() { self.limit() * 5 / 4 } else { self.limit() * 3 };
        let _ = (client.told(), server.told());
        sleep(length);
        let told = [client.told(), server.told()].concat();
        let lost = told.iter().find(|note| matches!(note, Note::Closed(_)));
        ensure!(lost.is_none(), "it was cut all the same: {lost:?}");
        echo(client)?;
        Ok(format!("alive after {length:?}, a limit of {:?}", self.limit()))
    }
}

/// Says something and waits until it is back
fn echo(client: &mut Program) -> Result<()> {
    let said = Payload::Text("through".into());
    client.tell(&json!({ "send": said.value() }))?;
    client.expect("its echo", PATIENCE + SECOND, |note| {
        matches!(note, Note::Message(back, _) if *back == said).then_some(())
    })?;
    Ok(())
}
