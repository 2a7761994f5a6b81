//! The demo: a server, two clients and a fault proxy, each in a process of its own where that
//! matters; real faults, what was noticed, what came back. Exit code 0 if every bound held, 1 if
//! one did not, 2 if the machine stalled, 3 if the demo itself could not run.

mod args;
mod causes;
mod children;
mod client;
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
mod server;
mod settings;
mod sloth;
mod stage;
mod timeline;
mod trials;

use std::process::ExitCode;

use crate::args::{Args, Role};

fn main() -> ExitCode {
    let args = match args::parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(problem) => return report::usage(&problem),
    };
    match run(args) {
        Ok(code) => code,
        Err(error) => report::failure(&error),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.role {
        Role::Server(address) => server::run(address, args.broken).await?,
        Role::Client(name, address) => client::run(name, address, args.broken).await?,
        Role::Demo(options) => return play::demo(options, args.broken).await,
        Role::Help => return Ok(report::help()),
    }
    Ok(ExitCode::SUCCESS)
}
