//! Who is measured: what cannot be undercut, everbeat on each runtime, and other people's libraries.

use anyhow::Result;

use crate::program;
use crate::runtimes::RUNTIMES;
use crate::shell::Shell;
use crate::{interop, processors};

/// A server that only says bytes back
pub(super) const RAW_TCP: &str = "raw tcp";
/// A WebSocket server by hand
pub(super) const RAW_EPOLL: &str = "raw epoll";

/// A server's process
#[derive(Clone, Debug)]
pub(super) struct Contestant {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// The command line to which its options are added, or why there is none here
    pub(super) line: Result<Vec<String>, String>,
    /// Keeps its runtime to one thread
    pub(super) environment: Option<(&'static str, &'static str)>,
    /// Its library's, if somebody tells; ours is the commit's
    pub(super) version: Option<String>,
}

/// What it is to us
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Speaks bytes, and no WebSocket
    RawTcp,
    RawEpoll,
    Ours,
    Peer,
}

/// What everbeat is called on this runtime
pub(super) fn ours(runtime: &str) -> String {
    format!("{OURS}{runtime}")
}

/// How all that begins that everbeat is called
const OURS: &str = "everbeat ";

/// Whether what is called so is everbeat
pub(super) fn is_ours(name: &str) -> bool {
    name.starts_with(OURS)
}

/// Whether it is somebody else's, and neither everbeat nor a floor
pub(super) fn is_of_others(name: &str) -> bool {
    !is_ours(name) && ![RAW_TCP, RAW_EPOLL].contains(&name)
}

/// All that can take part, those too that cannot be had here
pub(super) fn all(shell: &Shell, peers: bool) -> Result<Vec<Contestant>> {
    let path = |name| program::path(shell, program::OPTIMISED, name).display().to_string();
    let own = |name: &str, kind, words: &[&str]| Contestant {
        name: name.into(),
        kind,
        line: Ok(words.iter().map(|word| (*word).to_owned()).collect()),
        environment: None,
        version: None,
    };
    let (floor, idle) = (path("everbeat-floor"), path("everbeat-idle"));
    let mut all = vec![
        own(RAW_TCP, Kind::RawTcp, &[&floor, "tcp"]),
        own(RAW_EPOLL, Kind::RawEpoll, &[&floor, "web"]),
    ];
    for runtime in RUNTIMES {
        let words = [&*idle, "server", "--runtime", runtime, "--threads", "1"];
        let environment = match *runtime {
            "async-std" => Some(("ASYNC_STD_THREAD_COUNT", "1")),
            "smol" => Some(("SMOL_THREADS", "1")),
            _ => None,
        };
        all.push(Contestant { environment, ..own(&ours(runtime), Kind::Ours, &words) });
    }
    if peers {
        for interop::Entrant { name, line, version } in interop::entrants(shell)? {
            all.push(Contestant { name, kind: Kind::Peer, line, environment: None, version });
        }
    }
    Ok(all)
}

/// Their libraries' versions by their names, as far as somebody tells
pub(super) fn versions(all: &[Contestant]) -> impl Iterator<Item = (String, String)> + '_ {
    all.iter().filter_map(|who| Some((who.name.clone(), who.version.clone()?)))
}

impl Contestant {
    /// Its command with these options, on one processor
    pub(super) fn command(
        &self,
        shell: &Shell,
        processor: usize,
        options: &[String],
    ) -> Result<std::process::Command, String> {
        let line = [self.line.as_ref().map_err(String::clone)?, options].concat();
        let mut command = processors::on(shell, processor, &line);
        command.envs(self.environment);
        Ok(command)
    }

    /// It speaks RFC 6455
    pub(super) fn is_web(&self) -> bool {
        self.kind != Kind::RawTcp
    }

    /// It can be told to say something to all
    pub(super) const fn broadcasts(&self) -> bool {
        matches!(self.kind, Kind::RawEpoll | Kind::Ours)
    }
}
