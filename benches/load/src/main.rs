//! The load: connects so many to a WebSocket server, has them say what they are to, and answers Pings.
//!
//! Says in lines when all are connected, a few times a second what was seen so far, as an object, and
//! what was lost; ends with its stdin.

#![expect(clippy::disallowed_methods, reason = "it times real sockets")]

mod args;

use std::fmt::Display;
use std::io::{Read, Write, stdin, stdout};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use everbeat_load::counts::Counts;
use everbeat_load::crowd;
use everbeat_support::{STEP, exit};

use crate::args::{Args, USAGE};

/// Beside a connection's own: what the process has open anyway
const OTHER_DESCRIPTORS: u64 = 64;

/// Steps between two lines
const A_LINE: u32 = 4;

fn main() -> ExitCode {
    match args::parse(std::env::args().skip(1)) {
        Ok(args) => match run(args) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => exit::failure("load", &error),
        },
        Err(problem) => exit::usage(&problem, USAGE),
    }
}

fn run(args: Args) -> Result<()> {
    rlimit::increase_nofile_limit(args.connections as u64 + OTHER_DESCRIPTORS)
        .context("so many descriptors are not allowed")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || runtime.block_on(load(args)));
    // Not as a task: whoever waits here is asleep in the kernel until the end.
    _ = stdin().read_to_end(&mut Vec::new());
    Ok(())
}

async fn load(Args { address, connections, words }: Args) {
    let counts = Arc::new(Counts::of(connections));
    tokio::spawn(tell(counts.clone()));
    crowd::come(address, words, &counts, connections, |error| say(format_args!("lost {error:#}")))
        .await;
    say("connected");
    std::future::pending::<()>().await;
}

/// Says what was seen, from time to time
async fn tell(counts: Arc<Counts>) {
    loop {
        let mut late = Duration::ZERO;
        for _ in 0..A_LINE {
            let due = Instant::now() + STEP;
            tokio::time::sleep(STEP).await;
            late = late.max(due.elapsed());
        }
        say(counts.tell(late));
    }
}

/// A line for whoever started us
fn say(line: impl Display) {
    // A reader who has gone has closed our stdin, too.
    _ = writeln!(stdout(), "{line}");
}
