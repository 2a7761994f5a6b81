//! `cargo xtask interop`: everbeat against other people's WebSockets, in both roles, on every
//! runtime, plain and with TLS, as a matrix.
//!
//! A peer is a folder in `interop/` with a description; the scenarios know none of them. Every
//! program that is started here ends with us: it reads our pipe.

mod browsers;
mod inability;
mod install;
mod judge;
mod kept;
mod leash;
mod matrix;
mod messages;
mod middle;
pub(crate) mod note;
mod pairing;
mod passage;
mod pause;
mod peer;
mod plan;
pub(crate) mod program;
mod refuser;
mod road;
mod scenarios;
pub(crate) mod settings;
mod stage;
mod tap;
mod theatre;
mod trial;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, anyhow, ensure};

use self::install::Installed;
use self::matrix::Row;
use self::peer::{Peer, Role};
pub(crate) use self::plan::{Extent, scenario_names};
use self::plan::{Plan, STAND_IN, Trial};
use self::refuser::Refuser;
use self::theatre::{Theatre, Wanted};
use self::trial::Troupe;
use crate::args::Args;
use crate::lateness::Lateness;
use crate::report::Report;
use crate::runtimes::RUNTIMES;
use crate::shell::Shell;

/// What a run came to
pub(crate) struct Sum {
    /// Cells that failed while the machine kept up
    pub(crate) failed: usize,
    /// Why peers could not be had here
    pub(crate) skipped: Vec<String>,
    /// The machine kept up in every cell
    pub(crate) valid: bool,
}

/// As much as is played with
const BUILD: &str = "build --quiet --package everbeat-interop";

pub(crate) fn run(shell: &Shell, mut args: Args) -> Result<ExitCode> {
    let extent = extent(&mut args)?;
    let (keep, list) = (args.flag("--keep"), args.flag("--list"));
    let pairing = args.flag("--pairing");
    let words = args.rest();
    if pairing {
        ensure!(words.is_empty(), "the pairing is one, and has no parts");
        return pairing::run(shell, &peers(shell)?, keep);
    }
    ensure!(!keep || extent == Extent::Whole && words.is_empty(), "kept is the whole matrix");
    let peers = peers(shell)?;
    let plan = Plan::new(&peers, extent, &words)?;
    if list {
        plan.trials().iter().for_each(|trial| println!("{}", trial.words().join(" ")));
        return Ok(ExitCode::SUCCESS);
    }
    let (rows, versions) = play(shell, BUILD, &plan, extent)?;
    if keep {
        kept::keep(shell, &rows, &versions)?;
    }
    let mut report = Report::new("interop");
    for row in &rows {
        report.cell(row.object(), row.met());
    }
    if !Sum::of(&rows).says_something() {
        report.invalidate();
    }
    Ok(report.finish(shell))
}

/// How much of the matrix is asked for
fn extent(args: &mut Args) -> Result<Extent> {
    let known =
        [("--smoke", Extent::Smoke), ("--turns", Extent::Turns), ("--stand-in", Extent::StandIn)];
    let asked = known.into_iter().filter(|(flag, _)| args.flag(flag)).collect::<Vec<_>>();
    ensure!(asked.len() <= 1, "one of `--smoke`, `--turns` and `--stand-in` at a time");
    Ok(asked.first().map_or(Extent::Whole, |(_, extent)| *extent))
}

/// The command line of who is put in our place
fn stand_in(shell: &Shell) -> Result<Vec<String>> {
    program(shell, STAND_IN)?.map_err(|why| anyhow!("nobody can be put in our place: {why}"))
}

/// So much of the matrix; `build` is cargo's line
pub(crate) fn sum(shell: &Shell, build: &str, extent: Extent) -> Result<Sum> {
    let peers = peers(shell)?;
    Ok(Sum::of(&play(shell, build, &Plan::new(&peers, extent, &[])?, extent)?.0))
}

impl Sum {
    /// What failed while the machine kept up stands, whatever it did later; but that all is well
    /// only a run says that has tried all of it
    fn says_something(&self) -> bool {
        self.failed > 0 || self.valid && self.skipped.is_empty()
    }

    fn of(rows: &[Row]) -> Self {
        let skipped = rows.iter().filter_map(Row::skipped).map(String::from);
        Self {
            failed: rows.iter().filter(|row| row.counts() && !row.met()).count(),
            skipped: skipped.collect::<BTreeSet<_>>().into_iter().collect(),
            valid: rows.iter().all(Row::counts),
        }
    }
}

/// Every word that a trial may be chosen by, of runtimes, roles and schemes, but for names
pub(crate) fn words() -> impl Iterator<Item = &'static str> {
    let roles = Role::ALL.map(Role::name).into_iter().chain(["proxy"]);
    let schemes = [false, true].map(plan::scheme);
    roles.chain(RUNTIMES.iter().copied()).chain(schemes)
}

/// What stands between or refuses, by name
pub(crate) fn others() -> impl Iterator<Item = &'static str> {
    let between = passage::ALL.iter().map(|passage| passage.kind.name());
    between.chain(Refuser::ALL.map(Refuser::name))
}

/// A peer as its description has it, for whoever reads descriptions only
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) name: String,
    /// The scenarios of which it makes an exception
    pub(crate) excused: Vec<String>,
}

/// Those of a folder's `peer.json` with whom scenarios can be played
pub(crate) fn described(folder: &str, text: &str) -> Result<Vec<Described>> {
    let peers = Peer::parse(Path::new(folder), text)?.into_iter().filter(Peer::converses);
    let described = peers.map(|peer| Described {
        excused: peer.excused().map(String::from).collect(),
        name: peer.name,
    });
    Ok(described.collect())
}

/// The command line of a peer's program, installed; or why there is none here
pub(crate) fn program(shell: &Shell, name: &str) -> Result<Result<Vec<String>, String>> {
    let peers = Peer::load_all(&shell.root().join("interop"))?;
    let peer = peers.iter().find(|peer| peer.name == name);
    let peer = peer.with_context(|| format!("there is no peer `{name}`"))?;
    Ok(match install::ready(shell, peer)? {
        Installed::At(home) => Ok(peer.line(&peer.start, &home)),
        Installed::Not(why) => Err(why),
    })
}

/// The version of a peer that is installed, if it tells one
pub(crate) fn version(shell: &Shell, name: &str) -> Result<Option<String>> {
    let peers = Peer::load_all(&shell.root().join("interop"))?;
    let peer = peers.iter().find(|peer| peer.name == name);
    let peer = peer.with_context(|| format!("there is no peer `{name}`"))?;
    Ok(match install::ready(shell, peer)? {
        Installed::At(home) => says_version(&peer.line(&peer.version, &home)),
        Installed::Not(_) => None,
    })
}

/// What a command line that tells a version says first
fn says_version(line: &[String]) -> Option<String> {
    let (program, words) = line.split_first()?;
    let output = Command::new(program).args(words).output().ok()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let version = said.lines().next()?.trim().trim_start_matches("Python ");
    (!version.is_empty()).then(|| version.to_owned())
}

/// Who takes part in a benchmark
#[derive(Debug)]
pub(crate) struct Entrant {
    pub(crate) name: String,
    /// Its command line, or why there is none here
    pub(crate) line: Result<Vec<String>, String>,
    /// Its library's, if its description says how it is told
    pub(crate) version: Option<String>,
}

/// Those of all peers, each installed
pub(crate) fn entrants(shell: &Shell) -> Result<Vec<Entrant>> {
    let mut all = Vec::new();
    for peer in Peer::load_all(&shell.root().join("interop"))? {
        if peer.bench.is_empty() {
            continue;
        }
        let installed = install::ready(shell, &peer)?;
        for (name, line) in &peer.bench {
            let (line, version) = match &installed {
                Installed::At(home) => {
                    let version = says_version(&peer.version_line(name, home));
                    (Ok(peer.line(line, home)), version)
                }
                Installed::Not(why) => (Err(why.clone()), None),
            };
            all.push(Entrant { name: name.clone(), line, version });
        }
    }
    Ok(all)
}

/// Those with whom scenarios can be played
fn peers(shell: &Shell) -> Result<Vec<Peer>> {
    let mut peers = Peer::load_all(&shell.root().join("interop"))?;
    peers.retain(Peer::converses);
    Ok(peers)
}

/// What came of each trial, and the versions of who took part, by name
type Played = (Vec<Row>, BTreeMap<String, String>);

fn play(shell: &Shell, build: &str, plan: &Plan<'_>, extent: Extent) -> Result<Played> {
    eprintln!("building everbeat-interop ..");
    shell.run(&mut shell.cargo(build))?;
    let mut wanted = Wanted::default();
    if extent == Extent::StandIn {
        wanted.stand_in = Some(stand_in(shell)?);
    }
    let mut peers = Vec::new();
    for trial in plan.trials() {
        match trial {
            Trial::Peer(cast, scenario) => {
                wanted.roads |= scenario.setting.apart;
                peers.push(cast.peer);
            }
            Trial::Pairing(pairing) => peers.extend(pairing.peers()),
            Trial::Passage(..) | Trial::Refusal(..) => wanted.middles = true,
        }
    }
    let homes = install::all(shell, peers)?;
    let theatre = Theatre::new(shell, wanted)?;
    let troupe = Troupe { theatre, homes, machine: Lateness::measure() };
    let perform = |trial: &Trial<'_>| {
        let row = troupe.perform(trial);
        eprintln!("{}", row.line());
        row
    };
    let (waiting, busy) = plan.apart();
    let rows = thread::scope(|scope| {
        let waiting = scope.spawn(|| at_a_time(settings::WAITING, &waiting, perform));
        let mut rows = at_a_time(settings::AT_A_TIME, &busy, perform);
        match waiting.join() {
            Ok(waited) => rows.extend(waited),
            Err(panic) => resume_unwind(panic),
        }
        rows
    });
    eprintln!("{}", matrix::summary(&rows));
    Ok((rows, troupe.versions(plan)))
}

/// What `work` makes of each, in their order, while `most` of them are worked on
pub(crate) fn at_a_time<T: Sync, U: Send>(
    most: usize,
    items: &[T],
    work: impl Fn(&T) -> U + Sync,
) -> Vec<U> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..most {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(place) else { return };
                    let made = work(item);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((place, made));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, made)| made).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_run_that_tried_all_of_it_says_that_all_is_well() {
        let sum = |failed, skipped: &[&str], valid| {
            let skipped = skipped.iter().map(|why| (*why).to_owned()).collect();
            Sum { failed, skipped, valid }.says_something()
        };
        assert!(sum(0, &[], true));
        assert!(!sum(0, &["no python3 here"], true) && !sum(0, &[], false));
        assert!(sum(1, &["no python3 here"], false), "a failure stands");
    }

    #[test]
    fn a_version_is_the_first_line_that_is_said() {
        let line = |script: &str| ["sh", "-c", script].map(String::from);
        let version = |script| says_version(&line(script));
        assert_eq!(version("echo 'Python 3.11.7'; echo more").as_deref(), Some("3.11.7"));
        assert_eq!(version("echo v1.5.3").as_deref(), Some("v1.5.3"));
        assert_eq!(version("true"), None);
        assert_eq!(version("echo"), None);
        assert_eq!(says_version(&[]), None);
        assert_eq!(says_version(&["there-is-no-such-program".into()]), None);
    }

    #[test]
    fn everything_is_done_once_and_keeps_its_place() {
        let made = at_a_time(3, &[5, 1, 4, 2, 3], |item| item * 10);
        assert_eq!(made, [50, 10, 40, 20, 30]);
        assert!(at_a_time(3, &[0; 0], |item| *item).is_empty());
    }
}
