//! The load: connects so many to a WebSocket server, answers Pings, and does what it is told to on its
//! stdin, a line each.
//!
//! Says in lines when all are connected, a few times a second what was seen so far, as an object, what
//! an order came to, as another, and what was lost; ends with its stdin.

mod args;

use std::fmt::Display;
use std::io::{BufRead, Write, stdin, stdout};
use std::process::ExitCode;

use anyhow::{Context, Result};
use everbeat_load::crowd::{self, Told};
use everbeat_load::order::Order;
use everbeat_support::exit;

use crate::args::{Args, USAGE};

/// Beside a connection's own: what the process has open anyway
const OTHER_DESCRIPTORS: u64 = 64;

/// So many losses are told one by one; behind them they are only counted
const LOSSES: usize = 20;

fn main() -> ExitCode {
    let seed = getrandom::u64().unwrap_or_default();
    match args::parse(std::env::args().skip(1), seed) {
        Ok(args) => match run(args) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => exit::failure("load", &error),
        },
        Err(problem) => exit::usage(&problem, USAGE),
    }
}

fn run(Args { settings, first }: Args) -> Result<()> {
    rlimit::increase_nofile_limit(settings.connections as u64 + OTHER_DESCRIPTORS)
        .context("so many descriptors are not allowed")?;
    let mut losses = 0..LOSSES;
    let orders = crowd::start(settings, move |told| match told {
        Told::Connected => say("connected"),
        Told::Object(object) => say(object),
        Told::Lost(error) => {
            if losses.next().is_some() {
                say(format_args!("lost {error:#}"));
            }
        }
    })?;
    first.map_or(Ok(()), |order| orders.give(order))?;
    // Not in the crowd: whoever waits here is asleep in the kernel until a line, or the end.
    for line in stdin().lock().lines() {
        match Order::parse(&line?) {
            Ok(order) => orders.give(order)?,
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
