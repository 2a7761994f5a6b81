//! The study of detectors: how soon each notices a death, and how often it notices one that was
//! none, in scenarios that are committed, on simulated hosts and roads, with everbeat's real code
//! and the rules of other libraries. Exit code 0 if every goal was met, 1 if one was missed, 3 if
//! the study could not run.

mod args;
mod contenders;
mod figures;
mod goals;
mod job;
mod page;
mod parameters;
mod plot;
mod programs;
mod report;
mod stage;
mod study;
mod tally;
mod traffic;
mod weather;

use std::process::ExitCode;

use anyhow::Result;
use everbeat_support::{Timeline, exit};

use crate::args::{Options, Wanted};
use crate::parameters::Parameters;

fn main() -> ExitCode {
    let ended = match args::parse(std::env::args().skip(1)) {
        Ok(Wanted::Study(options)) => run(&options),
        Ok(Wanted::Help) => return exit::help(args::USAGE),
        Err(problem) => return exit::usage(&problem, args::USAGE),
    };
    ended.unwrap_or_else(|error| exit::failure("study", &error))
}

fn run(options: &Options) -> Result<ExitCode> {
    let parameters = Parameters::committed()?;
    let seeds = options.seed.map_or_else(|| parameters.report_seeds.clone(), |seed| vec![seed]);
    Timeline::new(true).plain(format_args!(
        "parameters {}, seeds {seeds:?}, {} days",
        report::hash(&parameters),
        options.days
    ));
    let measured = study::study(&parameters, options)?;
    report::report(&parameters, options, &measured)
}
