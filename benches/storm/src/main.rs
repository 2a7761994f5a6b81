//! The study of storms: what a server's restart does to it, and how soon its clients are back, with
//! everbeat's rules and with those that are usual; and one restart for real, beside what the study
//! says of it. Exit code 0 if every goal was met, 1 if one was missed, 2 if the machine stalled in a
//! real run, 3 if it could not run.

mod args;
mod goals;
mod outcome;
mod page;
mod plot;
mod policy;
mod real;
mod report;
mod study;
mod world;

use std::process::ExitCode;

use anyhow::Result;
use everbeat_support::exit;

use crate::args::{Options, Wanted};

fn main() -> ExitCode {
    let ended = match args::parse(std::env::args().skip(1)) {
        Ok(Wanted::Study(options)) => run(&options),
        Ok(Wanted::Real(options)) => real::run(&options),
        Ok(Wanted::Serve { capacity }) => real::serve(capacity),
        Ok(Wanted::Help) => return exit::help(args::USAGE),
        Err(problem) => return exit::usage(&problem, args::USAGE),
    };
    ended.unwrap_or_else(|error| exit::failure("study", &error))
}

fn run(options: &Options) -> Result<ExitCode> {
    let scenarios = study::study(options)?;
    report::report(options, &scenarios)
}
