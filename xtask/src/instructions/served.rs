//! What a server's process executes for a beat, and for an echo: the process as it is, over real
//! sockets, in user space. It is counted from its start to its end, twice, and what differs is divided
//! by how much more was done in the second run: what it takes to start, to upgrade and to end is the
//! same in both.
//!
//! Server and load share one processor, where there is `taskset`: on two, a large message arrives in as
//! many parts as chance will have it, and each costs a look. Neither takes it from the other, by
//! `chrt --batch`: else the next message is there before the server has looked whether it is, and what
//! waiting for one costs is not counted. So a count is the same to within 1 %; without these tools it is
//! not, and that is said.

use anyhow::{Context, Result};

use super::callgrind::{self, Callgrind};
use crate::processors;
use crate::program::{self, Program, number};
use crate::shell::Shell;

/// How many beat, and how often, in milliseconds: as many in a tick of the wheel as of thousands of
/// connections with a beat of a second
const BEATING: u64 = 400;
const BEAT: &str = "200";
/// Pings in the first run and in the second
const PINGS: [u64; 2] = [4_000, 24_000];

/// Echoes in the first run and in the second, of one connection
const ECHOES: [u64; 2] = [100, 500];

/// Who is counted
#[derive(Clone, Copy)]
pub(super) enum Server {
    Ours,
    Bare,
}

/// What it does all the time
#[derive(Clone, Copy)]
enum Duty {
    Beat,
    Echo { bytes: u64 },
}

/// Instructions for a Ping and its Pong
pub(super) fn beat(shell: &Shell, callgrind: &Callgrind) -> Result<u64> {
    difference(shell, callgrind, Server::Ours, Duty::Beat, PINGS)
}

/// Instructions for a message that is received and sent back
pub(super) fn echo(
    shell: &Shell,
    callgrind: &Callgrind,
    server: Server,
    bytes: u64,
) -> Result<u64> {
    difference(shell, callgrind, server, Duty::Echo { bytes }, ECHOES)
}

fn difference(
    shell: &Shell,
    callgrind: &Callgrind,
    server: Server,
    duty: Duty,
    times: [u64; 2],
) -> Result<u64> {
    let run = |times| one(shell, callgrind, server, duty, times);
    let ([few, few_done], [many, many_done]) = (run(times[0])?, run(times[1])?);
    Ok(many.saturating_sub(few) / many_done.saturating_sub(few_done).max(1))
}

/// One life of the server's process: its instructions, and how often it did its duty
fn one(
    shell: &Shell,
    callgrind: &Callgrind,
    server: Server,
    duty: Duty,
    times: u64,
) -> Result<[u64; 2]> {
    let words: &[&str] = match (server, duty) {
        (Server::Bare, _) => &["bare"],
        (Server::Ours, Duty::Beat) => &["server", "--threads", "1", "--beat", BEAT],
        (Server::Ours, Duty::Echo { .. }) => &["server", "--threads", "1"],
    };
    let profile = shell.target(program::OPTIMISED).join(match (server, duty) {
        (Server::Ours, Duty::Beat) => "callgrind-served-beat.out".to_owned(),
        (Server::Ours, Duty::Echo { bytes }) => format!("callgrind-served-ours-{bytes}.out"),
        (Server::Bare, _) => "callgrind-served-bare.out".to_owned(),
    });
    let mut command = callgrind.watched(shell, &profile);
    command.arg(program::path(shell, program::OPTIMISED, "everbeat-idle")).args(words);
    let mut server = Program::start(command)?;
    let address = server.says("listening ").context("the server")?;
    let done = loaded(shell, &address, server, duty, times)?;
    Ok([callgrind::sum(&profile)?, done])
}

/// Puts the load on a server until it has done its duty so often, and ends it; how often it did
fn loaded(shell: &Shell, address: &str, server: Program, duty: Duty, times: u64) -> Result<u64> {
    let mut command = shell.program(program::path(shell, program::OPTIMISED, "everbeat-load"));
    command.arg(address);
    let (what, connections) = match duty {
        Duty::Beat => ("answered", BEATING),
        Duty::Echo { bytes } => {
            command.args(["--echo", &bytes.to_string(), "--times", &times.to_string()]);
            ("echoes", 1)
        }
    };
    command.args(["--connections", &connections.to_string()]);
    let mut load = Program::start(command)?;
    if let Err(error) = put_together(shell, &[server.id(), load.id()]) {
        eprintln!("NOT on one processor, so counts are not the same from run to run: {error:#}");
    }
    load.says("connected").context("the load")?;
    load.tells_until(|told| number(told, what) >= times as f64).context("the load")?;
    server.end().context("the server")?;
    // What came up to the last moment was executed, too.
    load.tells_until(|told| number(told, "closed") >= connections as f64).context("the load")?;
    Ok(number(load.told(), what) as u64)
}

/// Has these processes run on one processor, the first that is ours, each until it waits; without the
/// tools they stay apart
fn put_together(shell: &Shell, processes: &[u32]) -> Result<()> {
    let first = processors::ours()?.first().context("no processor is ours")?.to_string();
    for process in processes {
        let process = process.to_string();
        shell.read(shell.program("taskset").args(["-a", "-c", "-p", &first, &process]))?;
        shell.read(shell.program("chrt").args(["-a", "--batch", "-p", "0", &process]))?;
    }
    Ok(())
}
