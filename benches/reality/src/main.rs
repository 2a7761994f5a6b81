//! The simulator held against reality: its TCP against this machine's kernel, its rules against the
//! real programs. Exit code 0 if every row was met, 1 if one was not, 2 if the machine stalled or
//! something could not be tried here, 3 if nothing could run.

mod args;
mod report;
mod rules;
mod tcp;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use everbeat_support::{exit, overslept};
use everbeat_tokio::transport::TokioTimer;

use crate::args::{Options, Wanted};
use crate::report::{Report, Row};

/// A machine that holds a short sleep back for longer than this proves nothing
const STALLED: Duration = Duration::from_millis(500);
/// How often a part is tried until the machine did not stall meanwhile
const TRIES: u32 = 3;

fn main() -> ExitCode {
    let ended = match args::parse(std::env::args().skip(1)) {
        Ok(Wanted::Check(options)) => check(&options),
        Ok(Wanted::Help) => return exit::help(args::USAGE),
        Err(problem) => return exit::usage(&problem, args::USAGE),
    };
    ended.unwrap_or_else(|error| exit::failure("check", &error))
}

fn check(options: &Options) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut report = Report::default();
    if options.wants("tcp") {
        runtime.block_on(part(&mut report, async || tcp::rows(options.verbose).await))?;
    }
    if options.wants("rules") {
        runtime.block_on(part(&mut report, async || rules::rows(&options.peers).await))?;
    }
    // Threads that wait for packets that nobody sends any more are not to be waited for.
    runtime.shutdown_background();
    Ok(report.finish(options.json))
}

/// Plays a part, again if the machine stalled meanwhile; its rows are judged with what it was late
async fn part(report: &mut Report, play: impl AsyncFn() -> Result<Vec<Row>>) -> Result<()> {
    for attempt in 1..=TRIES {
        let timer = TokioTimer::new();
        let mut late = Duration::ZERO;
        let mut rows = Box::pin(play());
        let rows = loop {
            tokio::select! {
                rows = &mut rows => break rows?,
                overslept = overslept(&timer) => late = late.max(overslept),
            }
        };
        if late <= STALLED || attempt == TRIES {
            report.add(rows, late, late <= STALLED);
            break;
        }
        report::say(format_args!("the machine was {late:.0?} late: again"));
    }
    Ok(())
}
