//! `cargo xtask`: everything that is done to this repository, started by plain cargo.
//!
//! This file only knows the commands' names; each module is one command or one tool that they share.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]
#![expect(clippy::disallowed_methods, reason = "it times real builds; nothing here is simulated")]

mod args;
mod autobahn;
mod bench;
mod build;
mod chaos;
mod ci;
mod dashboard;
mod debian;
mod demo;
mod document;
mod fuzz;
mod idle;
mod instructions;
mod interop;
mod lateness;
mod lock;
mod lost;
mod memory;
mod metadata;
mod nostd;
mod port;
mod process;
mod processors;
mod program;
mod report;
mod runtimes;
mod shell;
mod sim;
mod sim_check;
mod sim_storm;
mod soak;
mod source;
mod streams;
mod syscalls;
mod test;
mod tidy;
mod tool;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::args::Args;
use crate::shell::Shell;

const HELP: &str = "\
Everything that is done to everbeat, one word each.

    cargo xtask demo             watch connections die and come back; under a minute
    cargo xtask test             every test of every crate, doctests included

    cargo xtask build            every crate, example and bench; core once more without std
    cargo xtask bench            what everbeat costs, beside what no server can undercut
    cargo xtask fuzz             inputs that break a property are looked for, target by target
    cargo xtask interop          other people's WebSockets as peers, both roles, as a matrix
    cargo xtask autobahn         Autobahn's suite of RFC 6455, both roles, beside bare tungstenite
    cargo xtask soak plain       2,000 connections on every runtime at once, faults all the time
    cargo xtask streams          random frames in any pieces over real sockets, on every runtime
    cargo xtask sim              how soon detectors notice a death, and how often they are wrong
    cargo xtask chaos            real faults in networks of this kernel, as a table; wants root
    cargo xtask sim check        the simulator against this kernel and other people's programs
    cargo xtask sim storm        how a crowd comes back to a server that restarts
    cargo xtask instructions     what a message costs over bare async-tungstenite, counted
    cargo xtask memory           what an idle connection holds of the heap, part by part
    cargo xtask idle             19,000 connections in one process, minutes long; none is lost
    cargo xtask syscalls         what a thousand idle connections ask of the kernel, counted
    cargo xtask dashboard        Debian's Prometheus is asked each expression of our dashboard
    cargo xtask tidy             what people forget: arrows, sizes, docs, names, licences, links
    cargo xtask ci               all that a change must pass, as the CI runs it
    cargo xtask ci --full        and what takes longer; before an issue is called resolved

What may follow:

    demo  [--runtime tokio|async-std|smol] [--tls] [--netns] [--seconds N] [--json]
          [--break heartbeat|backoff|expiry|jitter|queue]
    test  [anything for `cargo test`]              test -p everbeat-core wheel
    bench [idle|echo|broadcast|reconnect|growth|detect|million|all] [--peers] [--quick]
          [--connections N] [--rounds N] [--keep]
          each goal has a row in every run; costs are judged by a part at full size or by all (growth,
          echo beside others: --peers), a million by million alone, late or lost by every run
    bench [--quick] [anything for criterion]       bench --quick wheel
    fuzz  [TARGET..] [--seconds N] [--keep]        fuzz url frames --seconds 600
    interop [--smoke|--turns] [--keep] [--list] [PEER..] [tokio|ws|server|stop|..]   interop websockets stop kill
    autobahn [client|server] [RUNTIME..] [--cases PATTERN,..]   autobahn server smol --cases '2.*'
    interop --pairing [--keep]                     a Java client that pings, a Ruby server, and ours
    interop --stand-in [PEER..] [STOP|..]          what peers are excused for, with Python's in our place
    soak plain [--connections N] [--seconds N] [--runtime R] [--seed N] [--plot FILE] [--json]
          [--break lose|leak|memory|tally|heartbeat]
    streams [--runtime R] [--seconds N] [--streams N] [--seed N] [--json]   streams --seconds 3600
    chaos [--runtime tokio|async-std|smol] [--tls] [--times N] [ROW..]   chaos stopped --times 5
    chaos --minutes M [--seed S] [--plot FILE] [--json]   faults by a seed, on all runtimes at once
    sim   [--days N] [--seed S] [--scenario NAME,..] [--threads N] [--json]   sim --scenario roam
    sim check [tcp|rules] [--verbose] [--json]     its TCP wants root, to have a road of its own
    sim storm [--clients N] [--capacity C,..] [--backlog B] [--real] [--seed S] [--json]
    instructions [--bless]                         makes what it counts the new baseline
    memory [--quick] [--bless]                     quick: without TLS and without the minute
    idle [--runtime R] [--connections N] [--seconds N]
    syscalls [--runtime R] [--connections N] [--seconds N]
    tidy  [--map]                                  lines per crate, median and largest file
    ci    [--full] [--list] [--no-budgets] [STEP..]   ci clippy test

Every command takes --json: one object as the last line of stdout, the rest on stderr.
A failed simulation prints its seed: EVERBEAT_SEED=N cargo xtask test runs it again.
";

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{} {error:#}", shell::paint(shell::RED, "xtask:"));
            ExitCode::FAILURE
        }
    }
}

fn run(words: Vec<String>) -> Result<ExitCode> {
    let Some((command, rest)) = words.split_first() else {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    };
    let mut args = Args::new(rest);
    // These have their own --json and their own exit codes: they get the words as they are.
    match command.as_str() {
        "demo" => return demo::run(&Shell::new(false)?, args.rest()),
        "streams" => return streams::run(&Shell::new(false)?, args.rest()),
        "soak" => return soak::run(&Shell::new(false)?, args.rest()),
        "chaos" if chaos::schedule::is_asked_for(rest) => {
            return chaos::schedule::run(&Shell::new(false)?, args.rest());
        }
        "sim" if rest.first().is_some_and(|word| word == "check") => {
            return sim_check::run(&Shell::new(false)?, args.rest());
        }
        "sim" if rest.first().is_some_and(|word| word == "storm") => {
            return sim_storm::run(&Shell::new(false)?, args.rest());
        }
        "sim" => return sim::run(&Shell::new(false)?, args.rest()),
        _ => {}
    }
    if args.flag("--help") || args.flag("-h") {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    }
    let shell = Shell::new(args.flag("--json"))?;
    match command.as_str() {
        "build" => build::run(&shell, args),
        "test" => test::run(&shell, args),
        "bench" => bench::run(&shell, args),
        "instructions" => instructions::run(&shell, args),
        "memory" => memory::run(&shell, args),
        "idle" => idle::run(&shell, args),
        "syscalls" => syscalls::run(&shell, args),
        "tidy" => tidy::run(&shell, args),
        "dashboard" => dashboard::run(&shell, args),
        "fuzz" => fuzz::run(&shell, args),
        "interop" => interop::run(&shell, args),
        "autobahn" => autobahn::run(&shell, args),
        "chaos" => chaos::run(&shell, args),
        "ci" => ci::run(&shell, args),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        other => bail!("no command `{other}`; `cargo xtask help` names them all"),
    }
}
