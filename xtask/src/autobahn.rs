//! `cargo xtask autobahn`: Autobahn's suite against everbeat, on every runtime, in both roles. Beside
//! it stands bare tungstenite, than which everbeat may be worse in no case.
//!
//! Ours beats ten times a second meanwhile: no case may notice.

mod case;
mod index;
mod judge;
mod play;
mod suite;
mod table;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use self::case::Case;
use self::index::Index;
use self::play::{Cast, Role};
use self::suite::Suite;
use self::table::Row;
use crate::args::Args;
use crate::interop::at_a_time;
use crate::lateness::Lateness;
use crate::report::Report;
use crate::runtimes::RUNTIMES;
use crate::shell::{Shell, YELLOW, paint};

/// A machine that is later than this is what some cases are about, which wait for a second
const TOO_LATE: Duration = Duration::from_millis(500);
/// How often cases that went wrong on such a machine are tried
const TRIES: u32 = 3;
/// Plays that go on at one time: two processes each, of which one works
const AT_A_TIME: usize = 2;

const NO_PYTHON: &str =
    "there is no Python 2.7 with pip on this machine, and the suite runs on no other";

/// What is tried
#[derive(Debug)]
struct Wanted {
    roles: Vec<Role>,
    runtimes: Vec<&'static str>,
    patterns: String,
}

impl Wanted {
    /// Words play a part; none play everything
    fn new(words: &[String], patterns: Option<String>) -> Result<Self> {
        let (mut roles, mut runtimes) = (Vec::new(), Vec::new());
        for word in words {
            let role = Role::ALL.into_iter().find(|role| role.name() == word);
            let runtime = RUNTIMES.iter().copied().find(|runtime| runtime == word);
            match (role, runtime) {
                (Some(role), _) => roles.push(role),
                (_, Some(runtime)) => runtimes.push(runtime),
                _ => bail!("`{word}` is neither a role nor a runtime"),
            }
        }
        if roles.is_empty() {
            roles.extend(Role::ALL);
        }
        if runtimes.is_empty() {
            runtimes.extend(RUNTIMES);
        }
        Ok(Self { roles, runtimes, patterns: patterns.unwrap_or_else(|| "*".into()) })
    }

    /// Bare tungstenite comes first: what it does is what ours is held against
    fn casts(&self, bare: bool) -> Vec<Cast> {
        let runtimes = match bare {
            true => vec![None],
            false => self.runtimes.iter().copied().map(Some).collect(),
        };
        let cast = |role| runtimes.iter().map(move |&runtime| Cast { role, runtime });
        self.roles.iter().flat_map(|&role| cast(role)).collect()
    }
}

/// What a run came to
pub(crate) enum Found {
    Judged(Report),
    /// The suite could not be had here, and why
    Skipped(&'static str),
}

pub(crate) fn run(shell: &Shell, mut args: Args) -> Result<ExitCode> {
    let patterns = args.value("--cases")?;
    let wanted = Wanted::new(&args.rest(), patterns)?;
    Ok(match find(shell, "build --quiet --package everbeat-interop", &wanted)? {
        Found::Judged(report) => report.finish(shell),
        Found::Skipped(why) => skipping(&wanted, why).finish(shell),
    })
}

/// Everything; `build` is cargo's line
pub(crate) fn whole(shell: &Shell, build: &str) -> Result<Found> {
    find(shell, build, &Wanted::new(&[], None)?)
}

fn skipping(wanted: &Wanted, why: &str) -> Report {
    let mut report = Report::new("autobahn");
    for cast in wanted.casts(true).into_iter().chain(wanted.casts(false)) {
        report.cell(table::skipped(cast, &wanted.patterns, why), true);
    }
    report.invalidate();
    eprintln!("{} {why}", paint(YELLOW, "SKIPPED:"));
    report
}

fn find(shell: &Shell, build: &str, wanted: &Wanted) -> Result<Found> {
    let Some(suite) = Suite::ready(shell)? else { return Ok(Found::Skipped(NO_PYTHON)) };
    let patterns = wanted.patterns.split(',').collect::<Vec<_>>();
    let cases = suite.cases(shell, &patterns)?;
    ensure!(!cases.is_empty(), "`{}` names no case that is tried", wanted.patterns);
    eprintln!("building everbeat-interop ..");
    shell.run(&mut shell.cargo(build))?;
    eprintln!("{} cases; 12.* and 13.* try compression, which is not built", cases.len());

    let lateness = Lateness::measure();
    let hall = Hall { shell, suite, cases, patterns: &wanted.patterns, lateness };
    let bare = hall.play_all(&wanted.casts(true), &BTreeMap::new())?;
    let indices = bare.iter().map(|(row, index)| (row.cast.role, index.clone())).collect();
    let ours = hall.play_all(&wanted.casts(false), &indices)?;
    let rows = bare.into_iter().chain(ours).map(|(row, _)| row).collect::<Vec<_>>();

    eprint!("{}", table::of(&rows));
    let mut report = Report::new("autobahn");
    for row in &rows {
        report.cell(row.object(), row.met());
    }
    // What went right on a machine that stalled went right.
    if rows.iter().any(|row| !row.counts()) {
        report.invalidate();
    }
    Ok(Found::Judged(report))
}

/// All that the plays share
struct Hall<'a> {
    shell: &'a Shell,
    suite: Suite,
    cases: Vec<Case>,
    patterns: &'a str,
    lateness: Lateness,
}

impl Hall<'_> {
    fn play_all(&self, casts: &[Cast], bare: &BTreeMap<Role, Index>) -> Result<Vec<(Row, Index)>> {
        let played = at_a_time(AT_A_TIME, casts, |&cast| {
            self.play(cast, bare.get(&cast.role)).with_context(|| cast.to_string())
        });
        played.into_iter().collect()
    }

    /// Until the machine did not stall while a case went wrong
    fn play(&self, cast: Cast, bare: Option<&Index>) -> Result<(Row, Index)> {
        let begun = Instant::now();
        let (mut index, mut left, mut tries) = (Index::new(), self.cases.clone(), 0);
        loop {
            tries += 1;
            let then = Instant::now();
            for case in &left {
                index.remove(case);
            }
            index.extend(play::play(self.shell, &self.suite, cast, &left)?);
            let late = self.lateness.worst_since(then);
            let faults = judge::faults(&self.cases, &index, bare);
            left = faults.keys().cloned().collect();
            if left.is_empty() || late <= TOO_LATE || tries == TRIES {
                let behaved = judge::by_behaviour(&self.cases, &index);
                let (took, patterns) = (begun.elapsed(), self.patterns.to_owned());
                let row = Row { cast, patterns, behaved, faults, took, late };
                eprintln!("{}", row.line());
                return Ok((row, index));
            }
            eprintln!("{cast}: {} cases again, for the machine stalled", left.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(line: &str) -> Result<Wanted> {
        Wanted::new(&line.split_whitespace().map(String::from).collect::<Vec<_>>(), None)
    }

    #[test]
    fn no_word_is_every_runtime_in_both_roles() {
        let all = wanted("").unwrap();
        assert_eq!(all.casts(false).len(), 2 * RUNTIMES.len());
        assert_eq!(all.casts(true).len(), 2);
    }

    #[test]
    fn a_word_is_a_part_of_it() {
        let part = wanted("smol client").unwrap();
        assert_eq!(part.casts(false), [Cast { role: Role::Client, runtime: Some("smol") }]);
        assert_eq!(part.casts(true), [Cast { role: Role::Client, runtime: None }]);
        assert_eq!(wanted("server").unwrap().casts(false).len(), RUNTIMES.len());
        assert!(wanted("peer").unwrap_err().to_string().contains("peer"));
    }
}
