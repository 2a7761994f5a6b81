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
    format!("everbeat {runtime}")
}

/// All that can take part, those too that cannot be had here
pub(super) fn all(shell: &Shell, peers: bool) -> Result<Vec<Contestant>> {
    let path = |name| program::path(shell, program::OPTIMISED, name).display().to_string();
    let own = |name: &str, kind, words: &[&str]| Contestant {
        name: name.into(),
        kind,
        line: Ok(words.iter().map(|word| (*word).to_owned()).collect()),
        environment: None,
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
        for (name, line) in interop::contestants(shell)? {
            all.push(Contestant { name, kind: Kind::Peer, line, environment: None });
        }
    }
    Ok(all)
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
