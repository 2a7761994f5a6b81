//! The floors: servers that do what any server of their kind must, and nothing else, on one epoll and
//! one thread. What a library costs is told by how much more it takes than these.
//!
//! `tcp` says bytes back; `web` is RFC 6455 by hand: it says messages back, pings everybody once a beat
//! and judges nobody. Says in a line where it listens; ends with its stdin.

#![expect(clippy::disallowed_methods, reason = "it serves real sockets")]

mod args;
mod guest;
mod host;

use std::fmt::Display;
use std::io::{BufRead, Write, stdin, stdout};
use std::process::ExitCode;
use std::sync::mpsc;

use anyhow::{Context, Result};
use everbeat_load::order;
use everbeat_support::exit;

use crate::args::{Args, USAGE};
use crate::host::Host;

/// Beside a connection's own: what the process has open anyway
const OTHER_DESCRIPTORS: u64 = 64;

fn main() -> ExitCode {
    match args::parse(std::env::args().skip(1)) {
        Ok(args) => match run(&args) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => exit::failure("floor", &error),
        },
        Err(problem) => exit::usage(&problem, USAGE),
    }
}

fn run(args: &Args) -> Result<()> {
    rlimit::increase_nofile_limit(args.connections as u64 + OTHER_DESCRIPTORS)
        .context("so many descriptors are not allowed")?;
    let (orders, broadcasts) = mpsc::channel();
    let (host, waker) = Host::new(args, broadcasts)?;
    say(format_args!("listening {}", host.address()?));
    std::thread::spawn(|| {
        if let Err(error) = host.serve() {
            say(format_args!("lost {error:#}"));
        }
    });
    for line in stdin().lock().lines() {
        match order::broadcast(&line?) {
            Ok(bytes) => orders.send(bytes)?,
            Err(problem) => say(format_args!("lost {problem}")),
        }
        waker.wake()?;
    }
    Ok(())
}

/// A line for whoever started us
fn say(line: impl Display) {
    // A reader who has gone has closed our stdin, too.
    _ = writeln!(stdout(), "{line}");
}
