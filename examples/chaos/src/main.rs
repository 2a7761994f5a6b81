//! Chaos by a seed: a client on every runtime, each with a server, hosts and a link of its own, made of
//! this machine's kernel; faults all the time, and between them a while in which all must come back.
//! Then each death must have been noticed within the promise, nothing else have ended, and every message
//! be accounted for. Exit code 0 if so, 1 if not, 2 if the machine stalled or has no networks for us, 3
//! if it was interrupted or could not run.

#![forbid(unsafe_code)]

mod args;
mod child;
mod client;
mod judge;
mod lane;
mod note;
mod play;
mod program;
mod report;
mod runtimes;
mod schedule;
mod server;
mod settings;
mod stage;
mod table;

use std::process::ExitCode;

use everbeat_support::exit;

use crate::args::Wanted;

fn main() -> ExitCode {
    let ended = match args::parse(std::env::args().skip(1)) {
        Ok(Wanted::Chaos(options)) => play::chaos(&options),
        Ok(Wanted::Child(child)) => child.run().map(|()| ExitCode::SUCCESS),
        Ok(Wanted::Help) => return exit::help(args::USAGE),
        Err(problem) => return exit::usage(&problem, args::USAGE),
    };
    ended.unwrap_or_else(|error| exit::failure("chaos", &error))
}
