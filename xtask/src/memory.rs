//! `cargo xtask memory`: the live heap bytes of an idle connection, each part by its name, against the
//! goals and against what was committed.

mod baseline;
mod beyond;

use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use self::baseline::Baseline;
use self::beyond::Beyond;
use crate::args::Args;
use crate::report::Report;
use crate::shell::{GREEN, RED, Shell, YELLOW, paint};

/// Beside the program whose heap it is
const BASELINE: &str = "benches/memory/baseline.json";

/// What no call stack names may be so much of a sum, in per cent
const UNNAMED: f64 = 3.0;

/// What is counted, the words for the program, and how many bytes it may be
struct Case {
    name: &'static str,
    words: &'static [&'static str],
    goal: Option<f64>,
    /// What is left of 64 KiB each way, and not all that there is
    burst: bool,
    /// With the feature `tls`, which is a build of its own
    tls: bool,
}

const fn case(name: &'static str, words: &'static [&'static str], goal: f64) -> Case {
    Case { name, words, goal: Some(goal), burst: false, tls: false }
}

const fn left(name: &'static str, words: &'static [&'static str]) -> Case {
    Case { burst: true, ..case(name, words, LEFT) }
}

const ASYNC_STD: &[&str] = &["server", "--runtime", "async-std"];
const SMOL: &[&str] = &["server", "--runtime", "smol"];

const CASES: &[Case] = &[
    case("server, tokio", &["server"], 700.0),
    case("server, async-std", ASYNC_STD, 900.0),
    case("server, smol", SMOL, 900.0),
    case("client, tokio", &["client"], 1_500.0),
    case("client, async-std", &["client", "--runtime", "async-std"], 1_500.0),
    case("client, smol", &["client", "--runtime", "smol"], 1_500.0),
    left("server, tokio: left of 64 KiB each way", &["server"]),
    left("server, async-std: left of 64 KiB each way", ASYNC_STD),
    left("server, smol: left of 64 KiB each way", SMOL),
    Case { goal: None, tls: true, ..case("wss server, tokio", &["wss"], 0.0) },
];

/// A silence behind a burst, in seconds: as promised, and for who is in a hurry, which is stricter. A
/// beat must fit into it, which comes every 25 s.
const A_MINUTE: &str = "60";
const A_MOMENT: &str = "30";
/// What may be left of a burst, in bytes of a connection: as much as a few beats hold that are under
/// way when it is counted
const LEFT: f64 = 2.0;
/// How many blocks a thread may keep for the next large message, whosever it is
const ROOM: u64 = 4;

/// What one process counted
#[derive(Debug)]
struct Counted {
    name: String,
    goal: Option<f64>,
    object: Value,
}

impl Counted {
    fn bytes(&self) -> f64 {
        self.object["bytes"].as_f64().unwrap_or(f64::INFINITY)
    }

    /// What a burst has left, where there was one, without what is nobody's in particular
    fn left(&self) -> Option<f64> {
        self.object["left"].as_f64()
    }

    /// What is held against goal and baseline
    fn judged(&self) -> f64 {
        self.left().unwrap_or_else(|| self.bytes())
    }

    /// Blocks of a connection; what a burst leaves is judged by its bytes
    fn blocks(&self) -> f64 {
        if self.left().is_some() { 0.0 } else { self.parts().map(|part| part.2).sum() }
    }

    fn parts(&self) -> impl Iterator<Item = (&str, f64, f64)> {
        let parts = self.object["parts"].as_array().into_iter().flatten();
        parts.filter_map(|part| {
            Some((part["name"].as_str()?, part["bytes"].as_f64()?, part["blocks"].as_f64()?))
        })
    }
}

pub(crate) fn run(shell: &Shell, mut args: Args) -> Result<ExitCode> {
    let (bless, quick) = (args.flag("--bless"), args.flag("--quick"));
    args.finish()?;
    let counts = count(shell, quick)?;
    let path = shell.root().join(BASELINE);
    if bless {
        Baseline::of(&counts).write(&path)?;
    }
    Ok(judge(&Baseline::read(&path)?, &counts).report.finish(shell))
}

/// Without TLS and without the minute: whether anything is dearer than what was committed
pub(crate) fn check(shell: &Shell) -> Result<()> {
    let baseline = Baseline::read(&shell.root().join(BASELINE))?;
    if !judge(&baseline, &count(shell, true)?).kept {
        bail!("an idle connection holds more than {BASELINE} says");
    }
    Ok(())
}

fn count(shell: &Shell, quick: bool) -> Result<Vec<Counted>> {
    let silence = if quick { A_MOMENT } else { A_MINUTE };
    let mut counts = Vec::new();
    // One after the other, for the second build takes the first one's place.
    for (tls, features) in [(false, ""), (true, "--features tls")] {
        if tls && quick {
            break;
        }
        let program = program(shell, features)?;
        // All at once, for they mostly wait, and what is counted is no time.
        let all = thread::scope(|scope| {
            let cases = CASES.iter().filter(|case| case.tls == tls);
            let all = cases.map(|case| scope.spawn(|| one(shell, &program, case, silence)));
            let all = all.collect::<Vec<_>>().into_iter().map(|one| one.join());
            all.map(|one| one.unwrap_or_else(|_| bail!("a measurement panicked")))
                .collect::<Vec<_>>()
        });
        for one in all {
            counts.push(one?);
        }
    }
    Ok(counts)
}

fn program(shell: &Shell, features: &str) -> Result<PathBuf> {
    let build =
        format!("build --quiet --package everbeat-memory --profile instructions {features}");
    shell.run(&mut shell.cargo(&build))?;
    let name = format!("everbeat-memory{}", std::env::consts::EXE_SUFFIX);
    Ok(shell.target("instructions").join(name))
}

fn one(shell: &Shell, program: &PathBuf, case: &Case, silence: &str) -> Result<Counted> {
    let mut command = shell.program(program);
    command.args(case.words);
    if case.burst {
        command.args(["--burst", silence]);
    }
    let said = shell.read(&mut command)?;
    let object = said.lines().last().context("it says nothing")?;
    Ok(Counted { name: case.name.into(), goal: case.goal, object: serde_json::from_str(object)? })
}

/// What became of goals and baseline
struct Judged {
    report: Report,
    /// Nothing is dearer than it was, and everything has a name: what the CI asks until goals are met
    kept: bool,
}

/// Holds what was counted against its goal and against the baseline; the table goes to stderr
fn judge(baseline: &Baseline, counts: &[Counted]) -> Judged {
    let mut all_kept = true;
    let mut report = Report::new("memory");
    let mut table = String::new();
    for counted in counts {
        let bytes = counted.judged();
        let allowed = baseline.allowed(&counted.name);
        let kept =
            allowed.is_some_and(|[most, blocks]| bytes <= most && counted.blocks() <= blocks);
        let met = counted.goal.is_none_or(|goal| bytes <= goal);
        all_kept &= kept;
        report.row(&*counted.name, bytes, "bytes", counted.goal, met);
        report.row(
            format!("{}: baseline", counted.name),
            allowed.map(|most| most[0]),
            "bytes",
            None::<f64>,
            kept,
        );
        let goal = counted.goal.map_or_else(String::new, |goal| {
            let (colour, verdict) = if met { (GREEN, "met") } else { (YELLOW, "not yet") };
            format!("  goal {goal}: {}", paint(colour, verdict))
        });
        let since = match (allowed, kept) {
            (Some(_), true) => String::new(),
            (Some([most, blocks]), false) => {
                format!("  {}", paint(RED, &format!("MORE than {most:.0} in {blocks:.1} blocks")))
            }
            (None, _) => format!("  {}", paint(RED, "NEW")),
        };
        table += &format!("\n{bytes:>9.1}          {}{goal}{since}\n", counted.name);
        if let Some(room) = counted.object["room_blocks"].as_u64() {
            // And one that the message to all may still be
            let threads = thread::available_parallelism().map_or(1, |n| n.get() as u64);
            let most = ROOM * threads + 1;
            let met = room <= most;
            all_kept &= met;
            let colour = if met { GREEN } else { RED };
            let kept = paint(colour, &format!("{room:>9}"));
            table += &format!("{kept}          blocks kept by the threads, in all, of {most}\n");
            let name = format!("{}: blocks kept by the threads", counted.name);
            report.row(name, room, "blocks", most, met);
        }
        for (part, bytes, blocks) in counted.parts() {
            table += &format!("{bytes:>9.1} {blocks:>6.2}x    {part}\n");
            let unit = "bytes";
            report.row(format!("{}: {part}", counted.name), bytes, unit, None::<f64>, true);
        }
        let unnamed =
            counted.parts().filter(|part| part.0 == "other").map(|part| part.1).sum::<f64>();
        let share = unnamed * 100.0 / counted.bytes().max(1.0);
        // What a burst leaves is judged to the byte, whatever it is called
        let named = counted.left().is_some() || share <= UNNAMED;
        all_kept &= named;
        report.row(format!("{}: unnamed", counted.name), share, "%", UNNAMED, named);
        if !named {
            table += &format!("          {}\n", paint(RED, "too much of it has no name"));
        }
    }
    if let Some(beyond) = Beyond::of(counts) {
        let (bytes, most) = (beyond.bytes, Beyond::MOST);
        let colour = if beyond.is_nothing() { GREEN } else { RED };
        let told = paint(colour, &format!("{bytes:>9.1}"));
        table +=
            &format!("{told}          of ours beyond a plain one, of {most} that may jitter\n");
        let name = format!("{}: of ours beyond a plain one", beyond.name);
        report.row(name, bytes, "bytes", most, beyond.is_nothing());
        all_kept &= beyond.is_nothing();
    }
    eprint!("{table}");
    eprintln!("\nLive heap bytes for one idle connection, as asked for of the allocator.");
    if !all_kept {
        eprintln!("If it is meant: `cargo xtask memory --bless` makes it the baseline.");
    }
    Judged { report, kept: all_kept }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn counted(bytes: f64, other: f64, blocks: f64) -> Counted {
        let object = json!({
            "bytes": bytes,
            "parts": [{ "name": "other", "bytes": other, "blocks": blocks }],
        });
        Counted { name: "server".into(), goal: Some(700.0), object }
    }

    fn passes(then: f64, now: Counted) -> bool {
        judge(&Baseline::of(&[counted(then, 0.0, 2.0)]), &[now]).kept
    }

    #[test]
    fn whoever_holds_more_than_was_committed_fails_and_a_goal_far_away_does_not() {
        assert!(passes(2_800.0, counted(2_850.0, 0.0, 2.0)));
        assert!(passes(2_800.0, counted(600.0, 0.0, 2.0)));
        assert!(!passes(2_800.0, counted(2_870.0, 0.0, 2.0)));
        assert!(!passes(2_800.0, counted(2_808.0, 0.0, 3.0)), "a small block for each");
        assert!(!passes(600.0, counted(670.0, 0.0, 2.0)), "also below the goal");
    }

    #[test]
    fn a_goal_that_is_missed_is_not_met() {
        let judged = judge(&Baseline::of(&[counted(983.0, 0.0, 2.0)]), &[counted(983.0, 0.0, 2.0)]);
        assert!(judged.kept && !judged.report.all_met());
    }

    #[test]
    fn what_nobody_names_fails() {
        assert!(!passes(600.0, counted(600.0, 19.0, 2.0)));
        assert!(passes(600.0, counted(600.0, 17.0, 2.0)));
    }

    #[test]
    fn what_is_new_wants_a_baseline() {
        assert!(!judge(&Baseline::of(&[]), &[counted(1.0, 0.0, 1.0)]).kept);
    }

    fn burst(left: f64, room_blocks: u64) -> Counted {
        let object = json!({
            "bytes": 9_999.0, "left": left, "room_blocks": room_blocks,
            "parts": [{ "name": "wheel", "bytes": 9_999.0, "blocks": 1.0 }],
        });
        Counted { name: "left of a burst".into(), goal: Some(LEFT), object }
    }

    #[test]
    fn what_threads_keep_is_counted_in_blocks_and_not_one_for_each_connection() {
        let kept = |blocks| judge(&Baseline::of(&[burst(0.0, 0)]), &[burst(0.0, blocks)]).kept;
        assert!(kept(5) && !kept(2_250), "a rest of each one's own, however small it is");
    }

    #[test]
    fn what_a_burst_leaves_is_judged_and_not_the_sum() {
        let judged = |then, now| judge(&Baseline::of(&[burst(then, 0)]), &[burst(now, 0)]).kept;
        assert!(judged(0.0, 1.9) && judged(500.0, 90.0));
        assert!(!judged(0.0, 2.6), "once nothing was left, nothing may be");
        assert!(!judged(500.0, 800.0));
    }
}
