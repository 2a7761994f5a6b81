//! The command `everbeat`, as a library so that its parts can be tested: each subcommand is a module,
//! whose decisions are pure modules of their own below it.
//!
//! What a script may rest on is written in the project's `docs/command.md`: the exit codes, the lines
//! of `--json`, and what each figure is.

#![forbid(unsafe_code)]

mod args;
mod connect;
mod dial;
mod doctor;
mod events;
mod exit;
mod header;
mod lines;
mod listen;
mod output;
mod pages;
mod ping;
mod proxy;
mod road;
mod serve;
mod span;
mod target;
mod tls;

use std::future::Future;
use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::Builder;

use args::{Cli, Command};
use exit::{Exit, Failure};
use output::Output;

/// Does what the command line says; the exit code is documented in `everbeat help`
#[must_use]
pub fn run() -> ExitCode {
    // What cannot be on a command line ends here, with clap's words and exit code 2.
    let cli = Cli::parse();
    let mut output = Output::new(cli.json, cli.color);
    let done = match cli.command {
        Command::Ping(args) => alone(ping::run(args, &mut output)),
        Command::Doctor(args) => alone(doctor::run(args, &mut output)),
        Command::Connect(args) => alone(connect::run(args, &mut output)),
        Command::Serve(args) => crowd(serve::run(args, &mut output)),
        Command::Proxy(args) => alone(proxy::run(args, &mut output)),
        Command::Completions { shell } => pages::completions(shell),
        Command::Man => pages::man(),
    };
    let exit = done.unwrap_or_else(|failure| {
        // Whoever closed our stdout, a `head` say, wants to hear no more.
        if !failure.is_broken_pipe() {
            output.complain(&failure);
        }
        failure.exit()
    });
    exit.into()
}

/// One thread is enough for a few connections, and times them without being moved about
fn alone(work: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(work);
    // Whatever still blocks a thread, such as a name that is being resolved, is not waited for.
    runtime.shutdown_background();
    done
}

/// A server has all processors
fn crowd(work: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    done
}
