//! The suite and a peer, until the suite has tried every case and has written its report.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::case::Case;
use super::index::{self, Index};
use super::suite::Suite;
use crate::program::Program;
use crate::shell::Shell;

/// The suite itself gives up a case after 100 s
const PATIENCE: Duration = Duration::from_secs(150);
/// How often our client is looked at, whether it still runs
const LOOK: Duration = Duration::from_millis(50);
/// What it still says when our client has ended
const LAST_WORDS: Duration = Duration::from_secs(5);
/// What it says when it begins a case, and when all is written
const A_CASE: &str = "Running test case ID ";
const REPORTED: &str = "Report generation complete";
/// Cases between two lines of progress
const A_LINE: usize = 100;

/// A beat in the midst of whatever takes its time
const QUICK: Duration = Duration::from_millis(100);
/// And one that does not come while a case lasts, the longest that there is
const SLOW: Duration = Duration::from_secs(24 * 60 * 60);
/// Here the suite waits in the middle of a frame, and if a Ping comes it puts the Pong in there
const MID_FRAME: [&str; 2] = ["6.4.3", "6.4.4"];

/// Who is tried
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cast {
    pub(super) role: Role,
    /// `None` is bare tungstenite
    pub(super) runtime: Option<&'static str>,
}

/// The part of the one who is tried
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Client,
    Server,
}

impl Role {
    pub(super) const ALL: [Self; 2] = [Self::Client, Self::Server];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

impl Cast {
    pub(super) fn peer(self) -> &'static str {
        self.runtime.unwrap_or("tungstenite")
    }

    /// Our program, but for its role and place
    fn program(self, shell: &Shell, words: [&str; 2], beat: Duration) -> Result<Program> {
        let name = format!("everbeat-interop{}", std::env::consts::EXE_SUFFIX);
        let mut command = shell.program(shell.target("debug").join(name));
        match self.runtime {
            None => command.arg("bare").args(words),
            Some(runtime) => {
                let beat = beat.as_millis().to_string();
                command.args(words).args(["--runtime", runtime, "--brief", "--beat", &beat])
            }
        };
        Program::start(command)
    }
}

impl fmt::Display for Cast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as {}", self.peer(), self.role.name())
    }
}

/// Tries a peer in these cases
pub(super) fn play(shell: &Shell, suite: &Suite, cast: Cast, cases: &[Case]) -> Result<Index> {
    let mut index = Index::new();
    for (beat, cases) in by_beat(cases) {
        let folder = shell.target("autobahn").join(format!("{}-{}", cast.peer(), cast.role.name()));
        let folder = folder.join(if beat == QUICK { "beating" } else { "quiet" });
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
        }
        fs::create_dir_all(&folder)?;
        let part = Part { shell, suite, cast, folder, beat, cases: &cases };
        let report = match cast.role {
            Role::Server => part.of_server()?,
            Role::Client => part.of_client()?,
        };
        let text = fs::read_to_string(&report).with_context(|| report.display().to_string())?;
        index.extend(index::parse(&text)?);
    }
    Ok(index)
}

/// The cases that are tried with the same beat
fn by_beat(cases: &[Case]) -> Vec<(Duration, Vec<Case>)> {
    let waits = |case: &Case| MID_FRAME.contains(&&*case.to_string());
    let (slow, quick) = cases.iter().cloned().partition::<Vec<_>, _>(waits);
    [(QUICK, quick), (SLOW, slow)].into_iter().filter(|(_, cases)| !cases.is_empty()).collect()
}

/// A play with one beat
struct Part<'a> {
    shell: &'a Shell,
    suite: &'a Suite,
    cast: Cast,
    folder: PathBuf,
    beat: Duration,
    cases: &'a [Case],
}

impl Part<'_> {
    /// A server is tried by the suite's client; where the report is
    fn of_server(&self) -> Result<PathBuf> {
        let mut server = self.cast.program(self.shell, ["server", "127.0.0.1:0"], self.beat)?;
        let told = server.object("listening")?;
        let address = told["listening"].as_str().context("it listens nowhere")?;
        let servers = json!([{ "agent": "everbeat", "url": format!("ws://{address}") }]);
        let spec = self.spec("servers", servers);
        let suite = self.suite.start("fuzzingclient", &self.folder, &spec)?;
        self.follow(&suite, None)
    }

    /// A client is tried by the suite's server
    fn of_client(&self) -> Result<PathBuf> {
        let spec = self.spec("url", json!("ws://127.0.0.1"));
        let suite = self.suite.start("fuzzingserver", &self.folder, &spec)?;
        let address = loop {
            let line = suite.line(PATIENCE).context("the suite listens nowhere")?;
            if let Some(address) = line.strip_prefix("listening ") {
                break address.to_owned();
            }
        };
        let place = format!("ws://{address}");
        let mut client = self.cast.program(self.shell, ["fuzzed", &place], self.beat)?;
        self.follow(&suite, Some(&mut client))
    }

    fn spec(&self, place: &str, what: Value) -> Value {
        let cases = self.cases.iter().map(ToString::to_string).collect::<Vec<_>>();
        let mut spec = json!({ "outdir": "report", "cases": cases });
        spec[place] = what;
        spec
    }

    /// Until the report is written, which the suite's client does last of all, and its server when our
    /// client asks for it; where it is
    fn follow(&self, suite: &Program, mut client: Option<&mut Program>) -> Result<PathBuf> {
        let (mut tried, mut heard, mut client_ended) = (0, Instant::now(), false);
        loop {
            match suite.line(LOOK) {
                Ok(line) if line.starts_with(A_CASE) => {
                    tried += 1;
                    self.show(tried);
                }
                Ok(line) if line.starts_with(REPORTED) && client.is_some() => break,
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => {
                    client_ended |= client.as_mut().is_some_and(|client| client.is_well().is_err());
                    let (patience, what) = match client_ended {
                        true => (LAST_WORDS, "our client ended"),
                        false => (PATIENCE, "the suite stands still"),
                    };
                    ensure!(heard.elapsed() < patience, "{what} after {tried} cases");
                    continue;
                }
                // That it has left something out the report will tell.
                Err(RecvTimeoutError::Disconnected) => break,
            }
            heard = Instant::now();
        }
        Ok(self.folder.join("report/index.json"))
    }

    fn show(&self, tried: usize) {
        if tried % A_LINE == 0 {
            eprintln!("{}: {tried} of {} cases", self.cast, self.cases.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_suite_waits_in_mid_frame_no_ping_comes() {
        let cases = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect();
        let (quick, slow): (Vec<Case>, Vec<Case>) = (cases(&["6.4.2", "6.5.1"]), cases(&["6.4.3"]));
        let mixed = cases(&["6.4.2", "6.4.3", "6.5.1"]);
        assert_eq!(by_beat(&mixed), [(QUICK, quick.clone()), (SLOW, slow)]);
        assert_eq!(by_beat(&quick), [(QUICK, quick)]);
    }
}
