//! `cargo xtask idle`: as many idle connections as one process may have, held by one real server for
//! minutes, with a beat a second: none is lost, nothing grows, and what a beat costs.
//!
//! The peers are `benches/load`, in a process of their own. What is promised in time is held against
//! the promise and the run's own measured lateness.

mod judge;

use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use self::judge::{Seen, judge};
use crate::args::Args;
use crate::lateness::Lateness;
use crate::process::{self, Cost};
use crate::program::{self, Program, number};
use crate::report::Report;
use crate::runtimes::RUNTIMES;
use crate::shell::Shell;

/// So often all of them beat
const BEAT: Duration = Duration::from_secs(1);

/// Behind the last upgrade, until what is left of upgrades is gone: their deadline, and a beat
const SETTLE: Duration = Duration::from_secs(12);

const LOOK: Duration = Duration::from_secs(1);
/// Looks between two lines of progress
const A_LINE: u64 = 10;

/// What is to be held, and for how long
#[derive(Debug)]
struct Wanted {
    runtime: &'static str,
    connections: u64,
    seconds: u64,
}

pub(crate) fn run(shell: &Shell, mut args: Args) -> Result<ExitCode> {
    let wanted = Wanted {
        runtime: args.runtime()?,
        connections: args.number("--connections")?.unwrap_or(19_000),
        seconds: args.number("--seconds")?.unwrap_or(300),
    };
    args.finish()?;
    ensure!(wanted.connections > 0 && wanted.seconds >= 10, "ten seconds of one, at least");
    Ok(hold(shell, &wanted)?.finish(shell))
}

/// All of them on tokio, for a short while, as an exit code
pub(crate) fn check(shell: &Shell) -> Result<i32> {
    let wanted = Wanted { runtime: RUNTIMES[0], connections: 19_000, seconds: 20 };
    Ok(hold(shell, &wanted)?.code().into())
}

fn hold(shell: &Shell, wanted: &Wanted) -> Result<Report> {
    program::build(shell)?;
    let connections = wanted.connections.to_string();
    let mut command = shell.program(program::path(shell, program::OPTIMISED, "everbeat-idle"));
    command.args(["server", "--runtime", wanted.runtime, "--connections", &connections]);
    command.args(["--beat", &BEAT.as_millis().to_string()]);
    let mut server = Program::start(command)?;
    let address = server.says("listening ").context("the server")?;
    let alone = process::resident(server.id())?;

    let mut command = shell.program(program::path(shell, program::OPTIMISED, "everbeat-load"));
    command.args([&address, "--connections", &connections]);
    let begun = Instant::now();
    let mut load = Program::start(command)?;
    load.says("connected").context("the load")?;
    let took = begun.elapsed().as_secs_f64();
    eprintln!("{connections} connections stand after {took:.1} s, on {} ..", wanted.runtime);
    sleep(SETTLE);

    let mut seen = Seen { alone, ..Seen::default() };
    let lateness = Lateness::measure();
    let ended = watch(wanted, &mut server, &mut load, &mut seen);
    seen.late = seen.late.max(lateness.worst_since(seen.begun));
    if let Err(error) = ended {
        eprintln!("{error:#}");
        seen.lost = Some(format!("{error:#}"));
    }
    Ok(judge(wanted, &seen))
}

/// Looks at both once a second, and says how it goes
fn watch(wanted: &Wanted, server: &mut Program, load: &mut Program, seen: &mut Seen) -> Result<()> {
    load.tells().context("the load")?;
    server.is_well().context("the server")?;
    let (pings, cost) = (number(load.told(), "pings"), Cost::of(server.id())?);
    (seen.begun, seen.load) = (Instant::now(), Cost::of(load.id())?);
    for look in 1..=wanted.seconds {
        sleep((seen.begun + LOOK * look as u32).saturating_duration_since(Instant::now()));
        server.is_well().context("the server")?;
        for told in load.tells().context("the load")? {
            seen.gap_ms = seen.gap_ms.max(number(&told, "gap_ms"));
            seen.late = seen.late.max(Duration::from_secs_f64(number(&told, "late_ms") / 1e3));
        }
        let resident = process::resident(server.id())?;
        seen.resident.push(resident);
        seen.pings = number(load.told(), "pings") - pings;
        seen.unanswered = number(load.told(), "pings") - number(load.told(), "answered");
        seen.closed = number(load.told(), "closed");
        if look % A_LINE == 0 || look == wanted.seconds {
            eprintln!(
                "{look:>5} s  {:>9} Pings answered  {:>6} closed  {:>7.1} MiB  longest without a Ping {:.0} ms",
                seen.pings - seen.unanswered,
                seen.closed,
                resident as f64 / (1 << 20) as f64,
                seen.gap_ms,
            );
        }
    }
    seen.seconds = seen.begun.elapsed().as_secs_f64();
    seen.cost = Cost::of(server.id())?.since(cost);
    seen.load = Cost::of(load.id())?.since(seen.load);
    Ok(())
}
