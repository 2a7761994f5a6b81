//! `cargo xtask syscalls`: what a thousand connections that have nothing to say ask of the kernel,
//! counted by strace while all is well: a server's process and a client's, with their default beats.

mod counts;
mod strace;

use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use self::counts::Counts;
use self::strace::{Attached, Strace};
use crate::args::Args;
use crate::lateness::Lateness;
use crate::program::{self, Program};
use crate::report::Report;
use crate::runtimes::RUNTIMES;
use crate::shell::{GREEN, RED, Shell, paint};

/// Later than this the machine was not ours, and what was counted is about something else
const TOO_LATE: Duration = Duration::from_millis(500);

/// The longest that a client of default settings is silent; its Pings are the beats here
const CLIENTS_INTERVAL: u64 = 20;

/// What an idle connection has no use for
const NEVER: [&str; 3] = ["getsockopt", "setsockopt", TIMERS];
/// The reactor that smol and async-std share sets one each time before it waits: not ours to change
const TIMERS: &str = "timerfd_";

/// What is counted
#[derive(Debug)]
struct Wanted {
    runtime: &'static str,
    connections: u64,
    seconds: u64,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { runtime: RUNTIMES[0], connections: 1_000, seconds: 60 }
    }
}

pub(crate) fn run(shell: &Shell, mut args: Args) -> Result<ExitCode> {
    let usual = Wanted::default();
    let wanted = Wanted {
        runtime: args.runtime()?,
        connections: args.number("--connections")?.unwrap_or(usual.connections),
        seconds: args.number("--seconds")?.unwrap_or(usual.seconds),
    };
    args.finish()?;
    let strace = Strace::find(shell).context("no strace here and none to be had")?;
    Ok(count(shell, &strace, &wanted)?.finish(shell))
}

/// Counted on tokio, as an exit code
pub(crate) fn check(shell: &Shell) -> Result<i32> {
    let strace = Strace::find(shell).context("no strace here and none to be had")?;
    Ok(count(shell, &strace, &Wanted::default())?.code().into())
}

fn count(shell: &Shell, strace: &Strace, wanted: &Wanted) -> Result<Report> {
    shell.run(&mut shell.cargo("build --quiet --package everbeat-idle"))?;
    let lateness = Lateness::measure();
    let (mut server, address) = start(shell, wanted, &["server"], "listening ")?;
    let (mut client, _) = start(shell, wanted, &["client", &address], "connected")?;
    eprintln!("{} connections stand; counting for {} s ..", wanted.connections, wanted.seconds);

    let begun = Instant::now();
    let attached = [("client", &client), ("server", &server)].map(|(name, program)| {
        let trace = shell.target("syscalls").join(name);
        strace.attach(shell, program.id(), trace)
    });
    let [of_client, of_server] = attached;
    let (of_client, of_server) = (of_client?, of_server?);
    sleep(Duration::from_secs(wanted.seconds));
    let late = lateness.worst_since(begun);
    let counts = [of_client, of_server].map(Attached::detach);
    for (name, program) in [("client", &mut client), ("server", &mut server)] {
        program.is_well().with_context(|| format!("the {name}'s process"))?;
    }
    let [client, server] = counts;
    Ok(judge(wanted, &[("client", client?), ("server", server?)], late))
}

/// A process, and what it says first
fn start(shell: &Shell, wanted: &Wanted, role: &[&str], words: &str) -> Result<(Program, String)> {
    let mut command = shell.program(program::path(shell, "debug", "everbeat-idle"));
    let connections = wanted.connections.to_string();
    command.args(role).args(["--runtime", wanted.runtime, "--connections", &connections]);
    let mut program = Program::start(command)?;
    let said = program.says(words).with_context(|| format!("the {}", role[0]))?;
    Ok((program, said))
}

/// Holds what was counted against the goals; the table goes to stderr
fn judge(wanted: &Wanted, counts: &[(&str, Counts)], late: Duration) -> Report {
    let mut report = Report::new("syscalls");
    let mut table = Table::default();
    // Each client beats at least so often; the last beat may be answered when nobody counts any more.
    let beats = wanted.connections * (wanted.seconds / CLIENTS_INTERVAL).saturating_sub(1).max(1);
    for (name, counts) in counts {
        let mut row = |what: &str, value: f64, unit: &str, goal: Option<f64>, met: bool| {
            report.row(format!("{name}: {what}"), number(value), unit, goal.map(number), met);
            table.row(name, what, value, goal, met);
        };
        for never in NEVER {
            let calls = counts.beginning_with(never) as f64;
            let goal = (never != TIMERS || wanted.runtime == RUNTIMES[0]).then_some(0.0);
            row(&format!("{never}*"), calls, "calls", goal, goal.is_none_or(|goal| calls <= goal));
        }
        let (pings, pongs) = (counts.pings as f64, counts.pongs as f64);
        let both = pings + pongs;
        row("Pings sent", pings, "frames", None, true);
        row("Pongs sent", pongs, "frames", None, true);
        row("beats, begun or answered", both, "beats", Some(beats as f64), both >= beats as f64);
        let per_beat = |calls: u64| round(calls as f64 / both.max(1.0));
        let sends = per_beat(counts.sends());
        row(
            "sends a beat",
            sends,
            "calls",
            Some(1.0),
            counts.sends() == counts.pings + counts.pongs,
        );
        let receives = per_beat(counts.receives());
        row("receives a beat", receives, "calls", Some(2.0), receives <= 2.0);
        row("of these in vain, a beat", per_beat(counts.empty), "calls", None, true);
        for (call, times) in counts.all() {
            row(call, times as f64, "calls", None, true);
        }
    }
    let late_ms = late.as_millis() as f64;
    report.row(
        "worst lateness",
        number(late_ms),
        "ms",
        TOO_LATE.as_millis() as u64,
        late <= TOO_LATE,
    );
    eprint!("{}", table.0);
    eprintln!(
        "on {}, over {} s; the machine was late by {late_ms} ms",
        wanted.runtime, wanted.seconds
    );
    if late > TOO_LATE {
        eprintln!("{} the machine stalled, so that this says nothing", paint(RED, "INVALID:"));
        report.invalidate();
    }
    report
}

/// In hundredths: a beat that was under way when the counting began, or ended, does not show
fn round(ratio: f64) -> f64 {
    (ratio * 100.0).round() / 100.0
}

/// Whole, if it is
fn number(value: f64) -> Value {
    if value.fract() == 0.0 { json!(value as u64) } else { json!(value) }
}

/// What people read
#[derive(Debug, Default)]
struct Table(String);

impl Table {
    fn row(&mut self, name: &str, what: &str, value: f64, goal: Option<f64>, met: bool) {
        let goal = goal.map_or_else(String::new, |goal| {
            let verdict = if met { paint(GREEN, "met") } else { paint(RED, "MISSED") };
            format!("{goal:>8}  {verdict}")
        });
        let line = format!("{name:<8}{what:<28}{value:>10}  {goal}");
        self.0 += line.trim_end();
        self.0.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How the process ends after this trace
    fn judged(trace: &str, late: Duration) -> u8 {
        let wanted = Wanted { runtime: "tokio", connections: 1, seconds: 20 };
        judge(&wanted, &[("client", Counts::of(trace))], late).code()
    }

    const BEAT: &str = "7 sendto(9, \"\\x89\"..., 14, MSG_NOSIGNAL, NULL, 0) = 14\n\
        7 epoll_wait(3, [], 1024, 5) = 0\n7 recvfrom(9, \"\\x8a\"..., 8192, 0, NULL, NULL) = 10\n";

    #[test]
    fn a_beat_is_one_send_and_at_most_two_receives() {
        let receive = "7 recvfrom(9, 0x7, 8192, 0, NULL, NULL) = -1 EAGAIN (..)\n";
        let send = "7 sendto(9, \"\\x82\"..., 3) = 3\n";
        assert_eq!(judged(BEAT, Duration::ZERO), 0);
        assert_eq!(judged(&format!("{BEAT}{receive}"), Duration::ZERO), 0);
        assert_eq!(judged(&format!("{BEAT}{receive}{receive}"), Duration::ZERO), 1);
        assert_eq!(judged(&format!("{BEAT}{send}"), Duration::ZERO), 1);
    }

    #[test]
    fn what_it_has_no_use_for_fails_and_so_does_silence() {
        for call in ["getsockopt", "setsockopt", "timerfd_settime"] {
            assert_eq!(judged(&format!("{BEAT}7 {call}(9) = 0\n"), Duration::ZERO), 1, "{call}");
        }
        assert_eq!(judged("", Duration::ZERO), 1);
    }

    #[test]
    fn on_a_machine_that_stalls_nothing_was_counted() {
        assert_eq!(judged(BEAT, TOO_LATE), 0);
        assert_eq!(judged(BEAT, TOO_LATE + Duration::from_millis(1)), 2);
    }
}
