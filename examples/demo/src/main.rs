//! The demo: a server, a client on each runtime, a witness and a fault proxy, each in a process of
//! its own where that matters; real faults, what was noticed, what came back. Exit code 0 if every bound held, 1 if
//! one did not, 2 if the machine stalled, 3 if the demo itself could not run.

mod args;
mod causes;
mod certificates;
mod child;
mod children;
mod client;
mod crowd;
mod deeds;
mod judge;
mod lateness;
mod ledger;
mod life;
mod note;
mod object;
mod outcome;
mod play;
mod report;
mod road;
mod runtimes;
mod server;
mod settings;
mod sloth;
mod stage;
mod trials;

use std::process::ExitCode;

use everbeat_support::exit;

use crate::args::Role;

fn main() -> ExitCode {
    let ended = match args::parse(std::env::args().skip(1)) {
        Ok(Role::Demo(options)) => play::demo(options),
        Ok(Role::Child(child)) => child.run().map(|()| ExitCode::SUCCESS),
        Ok(Role::Help) => return exit::help(args::USAGE),
        Err(problem) => return exit::usage(&problem, args::USAGE),
    };
    ended.unwrap_or_else(|error| exit::failure("demo", &error))
}
