//! The steps of the CI and what each group of them may take, cold, on two cores. Edit me.
//!
//! Steps share one target folder, one profile and one set of features, so that the second step
//! finds what the first has built: whole-workspace commands with filters, never `--package`.

use std::time::Duration;

use anyhow::{Result, bail};

use super::{
    Outcome, alone, autobahn, chaos, demo, examples, idle, interop, msrv, one_runtime, packaging,
    sim, sim_check, sim_storm, soak, streams, syscalls, typos,
};
use crate::shell::Shell;
use crate::{bench, dashboard, fuzz, instructions, memory, nostd, program, tidy};

/// What all groups together may take, with `--full`: none of them takes all that it may
pub(super) const WHOLE: Duration = Duration::from_secs(60 * 60);

/// Steps that share a budget
pub(super) struct Group {
    pub(super) name: &'static str,
    pub(super) minutes: u64,
    /// Run with `--full` only
    pub(super) full: bool,
    pub(super) steps: &'static [Step],
}

/// One thing to check
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) run: fn(&Shell) -> Result<Outcome>,
}

impl Group {
    pub(super) const fn budget(&self) -> Duration {
        Duration::from_secs(self.minutes * 60)
    }
}

const fn step(name: &'static str, about: &'static str, run: fn(&Shell) -> Result<Outcome>) -> Step {
    Step { name, about, run }
}

pub(super) const GROUPS: &[Group] = &[
    Group {
        name: "build and lint",
        // Cold, clippy and build each compile everything once: five minutes where this was measured.
        minutes: 7,
        full: false,
        steps: &[
            step("fmt", "rustfmt has nothing to change", |shell| cargo(shell, "fmt --all --check")),
            step("typos", "words are spelt as meant", typos::run),
            step("clippy", "no warning anywhere", |shell| {
                cargo(shell, "clippy --workspace --all-targets -- -D warnings")
            }),
            step("clippy-core", "core without its features", |shell| {
                cargo(shell, "clippy --package everbeat-core --no-default-features -- -D warnings")
            }),
            step("clippy-no-tls", "without the feature `tls`, as most will use it", |shell| {
                // One package after the other would not have it on by a neighbour's tests.
                cargo(shell, "clippy --package everbeat-ws --all-targets -- -D warnings")?;
                let runtimes = "--package everbeat-tokio --package everbeat-smol \
                                --package everbeat-async-std";
                cargo(shell, &format!("clippy {runtimes} -- -D warnings"))
            }),
            step("build", "every crate, example and bench", |shell| {
                cargo(shell, "build --workspace --all-targets")
            }),
        ],
    },
    Group {
        name: "tests",
        minutes: 6,
        full: false,
        steps: &[
            step("tidy", "what people forget", |shell| {
                tidy::passes(shell).map(|()| Outcome::Passed)
            }),
            step("test", "unit tests, integration tests, doctests", |shell| {
                cargo(shell, "test --workspace --no-fail-fast")
            }),
            step("benches", "each benchmark runs once, unmeasured", |shell| {
                cargo(shell, "test --workspace --bench *")
            }),
        ],
    },
    Group {
        name: "docs, no-std, packaging",
        minutes: 3,
        full: false,
        steps: &[
            step("doc", "rustdoc has nothing to warn of", doc),
            step("no-std", "core links without std, and would not with it", |shell| {
                nostd::check(shell).map(|()| Outcome::Passed)
            }),
            step("only-one-runtime", "a user of one runtime pulls no other", one_runtime::run),
            step("package", "what a registry would get", packaging::run),
        ],
    },
    Group {
        name: "instructions and bytes",
        // A minute and a half of it compiles, for these are the only programs that are optimised;
        // another half of a minute is the silence behind a burst.
        minutes: 5,
        full: false,
        steps: &[
            step("measured", "the programs that are measured, optimised", measured),
            step("instructions", "what a message costs, in instructions", instructions::check),
            step("memory", "what an idle connection holds, in bytes", |shell| {
                memory::check(shell).map(|()| Outcome::Passed)
            }),
        ],
    },
    Group {
        name: "simulator",
        minutes: 3,
        full: false,
        steps: &[
            step("simulator", "behaviour under twice as many seeds", |shell| simulate(shell, 2)),
            step("sim", "deaths are noticed as soon as promised, and no others", sim::in_short),
            step("storm", "a tenth of a crowd comes back in time", sim_storm::in_short),
        ],
    },
    Group {
        name: "fuzz corpus replay",
        // Dependencies are compiled by the groups before it, in the same folder.
        minutes: 1,
        full: false,
        steps: &[
            step("fuzz-lint", "the targets' format and lints", |shell| {
                fuzz::lint(shell).map(|()| Outcome::Passed)
            }),
            step("fuzz-corpus", "no kept input breaks a property", |shell| {
                fuzz::replay(shell).map(|()| Outcome::Passed)
            }),
        ],
    },
    Group {
        name: "programs",
        minutes: 3,
        full: false,
        steps: &[
            step("demo", "every fault is noticed in time", demo::holds),
            step("break-heartbeat", "without beats the demo fails", |shell| {
                demo::fails(shell, "heartbeat")
            }),
            step("break-backoff", "without backoff the demo fails", |shell| {
                demo::fails(shell, "backoff")
            }),
            step("break-expiry", "without expiry the demo fails", |shell| {
                demo::fails(shell, "expiry")
            }),
            step("break-jitter", "without jitter the demo fails", |shell| {
                demo::fails(shell, "jitter")
            }),
            step("break-queue", "without a queue the demo fails", |shell| {
                demo::fails(shell, "queue")
            }),
            step("examples", "pairs talk to each other, stories end well", examples::run),
        ],
    },
    Group {
        name: "interop smoke",
        // On a machine that has none of them it installs them first.
        minutes: 5,
        full: false,
        steps: &[step("interop", "other people's peers, each scenario once", interop::smoke)],
    },
    Group {
        name: "full",
        minutes: 40,
        full: true,
        steps: &[
            step("demo-1-of-3", "three times in a row, and no stall excuses", demo::surely_holds),
            step("demo-2-of-3", "again", demo::surely_holds),
            step("demo-3-of-3", "and again", demo::surely_holds),
            step("demo-runtimes", "on each runtime alone, ws and wss", demo::surely_holds_on_each),
            step("breaks", "each broken mechanism, and no stall excuses", demo::surely_fails),
            step("soak", "accounts add up under faults, on all runtimes at once", soak::holds),
            step("soak-breaks", "and what is done wrong is seen", soak::fails),
            step("streams", "random frames in any pieces, on every runtime", streams::hold),
            step("sim-full", "and on fifteen times as many days", sim::at_length),
            step("storm-full", "the whole crowd comes back in time", sim_storm::at_length),
            step("storm-real", "a process is replaced, as was predicted", sim_storm::for_real),
            step(
                "interop-full",
                "every peer, every scenario, runtimes and schemes in turn",
                interop::whole,
            ),
            step(
                "interop-excuses",
                "what peers are excused for is not our doing: another is in our place",
                interop::excuses,
            ),
            step("autobahn", "its suite of RFC 6455, on every runtime", autobahn::holds),
            step(
                "syscalls",
                "idle connections ask nothing of the kernel but beats",
                syscalls::holds,
            ),
            step("dashboard", "Prometheus has data for whatever it asks", dashboard::holds),
            step("idle", "19,000 connections in one process, for a short while", idle::held),
            step("seeds", "behaviour under 5 times as many seeds", |shell| simulate(shell, 5)),
            step(
                "sim-check",
                "the simulator against this kernel and real programs",
                sim_check::holds,
            ),
            step("memory-tls", "what TLS adds to an idle connection, and nothing else", |shell| {
                memory::check_tls(shell).map(|()| Outcome::Passed)
            }),
            step("networks", "networks of this kernel, made, broken and removed", chaos::networks),
            step("chaos", "real faults are judged as they must be, on tokio", chaos::holds),
            step("chaos-seed", "faults by a seed: each promise, each message", chaos::by_seed),
            step("msrv", "library crates with the oldest Rust that we promise", msrv::run),
            step(
                "alone",
                "each published crate by itself, with few features and with all",
                alone::run,
            ),
            step("release", "the examples, optimised", |shell| {
                cargo(shell, "build --release --package everbeat-examples --all-targets")
            }),
            step("bench", "the benchmarks, optimised and short", |shell| {
                bench::criterion::measure(shell, true, &[]).map(|_| Outcome::Passed)
            }),
        ],
    },
];

fn cargo(shell: &Shell, line: &str) -> Result<Outcome> {
    shell.run(&mut shell.cargo(line))?;
    Ok(Outcome::Passed)
}

fn doc(shell: &Shell) -> Result<Outcome> {
    // Nobody reads the benches' documentation, and criterion would be checked once more for it.
    let mut command = shell.cargo("doc --workspace --no-deps --exclude everbeat-benches");
    shell.run(command.env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(Outcome::Passed)
}

/// Here, so that the steps behind it tell what counting takes
fn measured(shell: &Shell) -> Result<Outcome> {
    program::build(shell)?;
    instructions::build(shell)?;
    memory::build(shell, false)?;
    Ok(Outcome::Passed)
}

/// The simulator's tests under this many times as many seeds
fn simulate(shell: &Shell, factor: u64) -> Result<Outcome> {
    let mut command = shell.cargo("test --workspace --no-fail-fast");
    let sim = shell.workspace.package("everbeat-sim");
    let tests = sim.map(|sim| sim.targets.iter().filter(|target| target.kind == "test"));
    let names = tests.into_iter().flatten().map(|target| &target.name).collect::<Vec<_>>();
    if names.is_empty() {
        bail!("everbeat-sim has no tests in its folder `tests`");
    }
    for name in names {
        command.args(["--test", name]);
    }
    shell.run(command.env("EVERBEAT_SEEDS", factor.to_string()))?;
    Ok(Outcome::Passed)
}
