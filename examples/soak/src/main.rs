//! The soak: servers and reconnecting clients on every runtime at once, thousands of them, behind
//! proxies that break their connections all the time; then the accounts must add up, and nothing
//! may be left. Exit code 0 if every row was met, 1 if one was not, 2 if the machine stalled, 3 if
//! the soak could not run.

mod args;
mod books;
mod client;
mod ends;
mod found;
mod host;
mod judge;
mod machine;
mod phase;
mod plan;
mod play;
mod plot;
mod report;
mod roads;
mod runtimes;
mod settings;
mod stage;
mod tasks;
mod watch;

use std::process::ExitCode;

use everbeat_support::exit;

use crate::args::Wanted;

fn main() -> ExitCode {
    let ended = match args::parse(std::env::args().skip(1)) {
        Ok(Wanted::Soak(options)) => play::soak(&options),
        Ok(Wanted::Help) => return exit::help(args::USAGE),
        Err(problem) => return exit::usage(&problem, args::USAGE),
    };
    ended.unwrap_or_else(|error| exit::failure("soak", &error))
}
