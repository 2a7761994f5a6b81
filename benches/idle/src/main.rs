//! Connections that have nothing to say: a server's process, or a client's with a thousand of them,
//! each as the library makes it, with its default heartbeat. There is nothing else in here that would
//! wake up; `cargo xtask syscalls` counts what is left, `idle` what it costs for long and for many,
//! `instructions` what a beat costs. To whoever does say something the server says it back, and beside
//! it there is a bare one for comparison.
//!
//! Says in lines where it listens, when all are connected, and what was lost; a server is told on its
//! stdin what to say to all of them, and both end with it.

mod args;
mod bare;
mod client;
mod ends;
mod runtimes;
mod server;

use std::fmt::Display;
use std::io::{BufRead, Write, stdin, stdout};
use std::process::ExitCode;

use anyhow::{Context, Result};
use everbeat_load::order;
use everbeat_support::exit;
use futures_channel::mpsc::unbounded;

use crate::args::{Args, Role, USAGE};

/// Beside a connection's own: what the process has open anyway
const OTHER_DESCRIPTORS: u64 = 64;

fn main() -> ExitCode {
    match args::parse(std::env::args().skip(1)) {
        Ok(args) => match run(&args) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => exit::failure("idle connections", &error),
        },
        Err(problem) => exit::usage(&problem, USAGE),
    }
}

fn run(args: &Args) -> Result<()> {
    rlimit::increase_nofile_limit(args.connections as u64 + OTHER_DESCRIPTORS)
        .context("so many descriptors are not allowed")?;
    let (orders, broadcasts) = unbounded();
    let _executor = match args.role {
        Role::Server(beat) => {
            if args.counted {
                ends::tell();
            }
            let counted = args.counted;
            runtimes::host(args, server::Hosting { beat, broadcasts, counted })
        }
        Role::Bare => bare::start(),
        Role::Client(address) => {
            runtimes::crowd(args, client::Crowd { address, connections: args.connections })
        }
    }?;
    // Not as a task: whoever waits here is asleep in the kernel until a line, or the end.
    for line in stdin().lock().lines() {
        match order::broadcast(&line?) {
            Ok(bytes) => orders.unbounded_send(bytes)?,
            Err(problem) => say(format_args!("lost {problem}")),
        }
    }
    Ok(())
}

/// A line for whoever started us
fn say(line: impl Display) {
    // A reader who has gone has closed our stdin, too.
    _ = writeln!(stdout(), "{line}");
}
