//! `cargo xtask instructions`: what a message costs over bare async-tungstenite, in instructions, so
//! that no other load on the machine can change it.
//!
//! A message is counted from `send` at one end to `recv` at the other, with what both ends and the
//! pipe between them do: half an echo. The beat is on, but none is due. What a beat, a wake and a look
//! at the road cost is counted of the heartbeat alone, which has no rival.

mod baseline;
mod callgrind;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use self::baseline::Baseline;
use self::callgrind::Callgrind;
use crate::args::Args;
use crate::ci::Outcome;
use crate::metadata;
use crate::report::Report;
use crate::shell::{GREEN, RED, Shell, YELLOW, paint};

/// The most that a message may cost over bare async-tungstenite
const BUDGET: i64 = 400;

const ECHOES: u64 = 1_000;
const KINDS: [&str; 2] = ["binary", "text"];
const BYTES: [&str; 2] = ["64", "1024"];
/// What the heartbeat does alone, and what that is called
const DUTIES: [(&str, &str); 4] = [
    ("message", "heartbeat, a message heard"),
    ("wake", "heartbeat, a wake that finds nothing due"),
    ("beat", "heartbeat, a Ping and its Pong"),
    ("look", "heartbeat, the same with a look at the road"),
];

const BASELINE: &str = "benches/instructions/baseline.json";

/// What a count depends on besides our own code
const PACKAGES: [&str; 3] = ["async-tungstenite", "tungstenite", "bytes"];

/// Instructions a message, or whatever is counted
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counts {
    /// `None` where there is nothing to compare with
    bare: Option<u64>,
    ours: u64,
}

impl Counts {
    fn over_bare(self) -> i64 {
        self.ours as i64 - self.bare.unwrap_or(0) as i64
    }
}

pub(crate) fn run(shell: &Shell, mut args: Args) -> Result<ExitCode> {
    let bless = args.flag("--bless");
    args.finish()?;
    let callgrind = Callgrind::find(shell).context("no valgrind here and none to be had")?;
    let counts = count(shell, &callgrind)?;
    let made_with = made_with(shell)?;
    let path = shell.root().join(BASELINE);
    if bless {
        Baseline::write(&path, &made_with, &counts)?;
    }
    Ok(judge(&Baseline::read(&path)?, &made_with, &counts).finish(shell))
}

/// The step of the CI: skipped, loudly, where there is no valgrind
pub(crate) fn check(shell: &Shell) -> Result<Outcome> {
    let callgrind = match Callgrind::find(shell) {
        Ok(callgrind) => callgrind,
        Err(error) => {
            let why = format!("no valgrind here and none to be had: {error:#}");
            return Ok(Outcome::Skipped(why));
        }
    };
    let counts = count(shell, &callgrind)?;
    let baseline = Baseline::read(&shell.root().join(BASELINE))?;
    let made_with = made_with(shell)?;
    if !judge(&baseline, &made_with, &counts).all_met() {
        bail!("a message costs too much, or not what {BASELINE} says");
    }
    Ok(compared(&baseline.made_otherwise(&made_with)))
}

/// Within the budget, but was it compared with the baseline?
fn compared(otherwise: &[String]) -> Outcome {
    match otherwise {
        [] => Outcome::Passed,
        _ => Outcome::Skipped(format!("the baseline is another's: {}", otherwise.join("; "))),
    }
}

fn count(shell: &Shell, callgrind: &Callgrind) -> Result<Vec<(String, Counts)>> {
    let build = "build --package everbeat-benches --bin instructions --profile instructions";
    shell.run(&mut shell.cargo(build))?;
    let folder = shell.target("instructions");
    let program = folder.join("instructions");
    let mut counts = Vec::new();
    for kind in KINDS {
        for bytes in BYTES {
            let of = |side| {
                let profile = profile(&folder, &[side, kind, bytes]);
                let words = [side, kind, bytes, &ECHOES.to_string()];
                let sum = callgrind.count(shell, &program, &words, &profile)?;
                Ok::<_, anyhow::Error>(sum / (2 * ECHOES))
            };
            let both = Counts { bare: Some(of("bare")?), ours: of("ours")? };
            counts.push((format!("{kind}, {bytes} B"), both));
        }
    }
    for (duty, name) in DUTIES {
        let words = ["heartbeat", duty, &ECHOES.to_string()];
        let sum = callgrind.count(shell, &program, &words, &profile(&folder, &words[..2]))?;
        counts.push((name.to_owned(), Counts { bare: None, ours: sum / ECHOES }));
    }
    eprintln!("profiles: callgrind_annotate {}", profile(&folder, &["ours", "*", "*"]).display());
    Ok(counts)
}

fn profile(folder: &Path, words: &[&str]) -> PathBuf {
    folder.join(format!("callgrind-{}.out", words.join("-")))
}

/// The compiler, the machine and the packages that counts depend on
fn made_with(shell: &Shell) -> Result<Value> {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let version = shell.read(shell.program(rustc).arg("--version"))?;
    let mut made_with = json!({ "rustc": version.trim(), "machine": std::env::consts::ARCH });
    let metadata = metadata::read(&["--locked"])?;
    for name in PACKAGES {
        let versions = metadata::list(&metadata, "packages").filter(|p| p["name"] == name);
        made_with[name] = versions.map(|package| package["version"].clone()).collect();
    }
    Ok(made_with)
}

/// Holds counts against the budget and, if they can be compared, against the baseline; the table
/// goes to stderr
fn judge(baseline: &Baseline, made_with: &Value, counts: &[(String, Counts)]) -> Report {
    let otherwise = baseline.made_otherwise(made_with);
    let mut report = Report::new("instructions");
    let mut table = String::from("\n  bare  ours  over bare  since baseline  what\n");
    let verdict = |met, otherwise| match (met, otherwise) {
        (true, _) => GREEN,
        (false, true) => YELLOW,
        (false, false) => RED,
    };
    for (name, both) in counts {
        let over = both.bare.map(|_| both.over_bare());
        let within_budget = over.is_none_or(|over| over <= BUDGET);
        report.row(format!("{name}: ours"), both.ours, "instructions", None::<u64>, true);
        if let (Some(bare), Some(over)) = (both.bare, over) {
            report.row(format!("{name}: bare"), bare, "instructions", None::<u64>, true);
            report.row(format!("{name}: over bare"), over, "instructions", BUDGET, within_budget);
        }

        let drift = baseline.drift(name, *both);
        let kept = drift.as_ref().is_some_and(|drift| drift.is_allowed());
        let (by, allowed) = drift.map_or((None, None), |d| (Some(d.by), Some(d.allowed)));
        let name_of_drift = format!("{name}: over bare since the baseline");
        report.row(name_of_drift, by, "instructions", allowed, kept || !otherwise.is_empty());
        let shown = |count: Option<i64>| count.map_or_else(String::new, |count| count.to_string());
        let over = paint(verdict(within_budget, false), &format!("{:>9}", shown(over)));
        let bare = shown(both.bare.map(|bare| bare as i64));
        let by = by.map_or_else(|| "new".to_owned(), |by| format!("{by:+}"));
        let by = paint(verdict(kept, !otherwise.is_empty()), &format!("{by:>14}"));
        let remark = match (within_budget, kept, otherwise.is_empty()) {
            (false, _, _) => ": OVER the budget",
            (true, false, true) => ": NOT what the baseline says",
            _ => "",
        };
        table += &format!("{bare:>6}{:>6}  {over}  {by}  {name}{remark}\n", both.ours);
    }
    eprint!("{table}");
    eprintln!("The budget is {BUDGET} over bare, and 2 % of ours since the baseline, either way.");
    if !otherwise.is_empty() {
        let what = otherwise.join("; ");
        eprintln!("{} {what}", paint(YELLOW, "The baseline is another's and was not judged:"));
    }
    if !report.all_met() || !otherwise.is_empty() {
        eprintln!("If it is meant: `cargo xtask instructions --bless` makes it the baseline.");
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(then: Counts, rustc: &str, now: Counts) -> bool {
        let path = std::env::temp_dir().join(format!("everbeat-judge-{}", std::process::id()));
        let made_with = |rustc: &str| json!({ "rustc": rustc });
        Baseline::write(&path, &made_with("1"), &[("text".into(), then)]).unwrap();
        let baseline = Baseline::read(&path);
        std::fs::remove_file(&path).unwrap();
        judge(&baseline.unwrap(), &made_with(rustc), &[("text".into(), now)]).all_met()
    }

    #[test]
    fn a_baseline_that_was_not_judged_is_no_pass() {
        assert_eq!(compared(&[]), Outcome::Passed);
        let skipped = compared(&["rustc: 2, not 1".into()]);
        assert!(matches!(skipped, Outcome::Skipped(why) if why.contains("rustc")));
    }

    #[test]
    fn another_compiler_excuses_a_drift_and_never_the_budget() {
        let counts = |ours| Counts { bare: Some(2_000), ours };
        let then = counts(2_000);
        assert!(judged(then, "1", then));
        let dearer = counts(2_041);
        assert!(!judged(then, "1", dearer));
        assert!(judged(then, "2", dearer));
        let full = counts(2_400);
        assert!(judged(full, "1", full));
        let over = counts(2_401);
        assert!(!judged(over, "1", over) && !judged(over, "2", over));
    }

    #[test]
    fn what_has_no_rival_is_held_against_the_baseline_alone() {
        let counts = |ours| Counts { bare: None, ours };
        assert!(judged(counts(2_000), "1", counts(2_040)));
        assert!(!judged(counts(2_000), "1", counts(2_041)));
    }
}
