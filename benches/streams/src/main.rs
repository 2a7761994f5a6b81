//! Random streams in any pieces over real sockets, on every runtime at once, either role, plain and
//! through TLS, for as long as one likes: contents and order are checked. Exit code 0 if nothing was
//! wrong, 1 if something was, 3 if it could not run.

mod args;
mod play;
mod report;

use std::process::ExitCode;

use everbeat_support::exit;

use crate::args::Wanted;

fn main() -> ExitCode {
    match args::parse(std::env::args().skip(1)) {
        Ok(Wanted::Streams(options)) => {
            let seed = options.seed.unwrap_or_else(|| fastrand::u64(..1 << 48));
            report::begin(&options, seed);
            report::print(&play::all(&options, seed), seed, options.json)
        }
        Ok(Wanted::Help) => exit::help(args::USAGE),
        Err(problem) => exit::usage(&problem, args::USAGE),
    }
}
