//! The runs: a server, its clients, its successor, and what the change came to.

use std::net::TcpListener;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use everbeat_server::storm::Restart;
use everbeat_support::{Timeline, overslept, span};
use everbeat_tokio::transport::TokioTimer;

use super::TOLD_WITHIN;
use super::clients::Clients;
use super::generation::Generation;
use super::verdict::{self, Prediction};
use crate::args::Options;
use crate::outcome::{A_SECOND, Outcome};
use crate::policy::Kind;
use crate::world::{self, Setup, Way};

/// A machine that holds a short sleep back for longer than this proves nothing
const STALLED: Duration = Duration::from_millis(500);
/// How many runs there may be for each that counts
const TRIES: usize = 3;
/// Sockets that are not clients'
const DESCRIPTORS: u64 = 100;

pub(super) fn run(options: &Options) -> Result<ExitCode> {
    let wanted = u64::from(options.clients) + DESCRIPTORS;
    let got = rlimit::increase_nofile_limit(wanted)?;
    anyhow::ensure!(got >= wanted, "{wanted} open files are needed, the system allows {got}");
    let capacity = *options.capacities.first().context("there is a capacity")?;
    let timeline = Timeline::new(true);
    timeline.plain(format_args!(
        "{} clients, {capacity} connections a second, a process that is replaced, {} times",
        options.clients, options.runs
    ));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut counted, mut invalid) = (Vec::new(), 0);
    for number in 1..=options.runs * TRIES {
        let (outcome, late) = runtime.block_on(once(options.clients, capacity))?;
        let counts = late <= STALLED;
        timeline.plain(format_args!(
            "  run {number}: peak {:.0} a second, {:.3} attempts, all back after {:.1} s, away {:.1} \
             s on average; {} late{}",
            outcome.peak(A_SECOND),
            outcome.attempts_each(),
            outcome.back(1.0).unwrap_or(f64::NAN),
            outcome.mean_away(),
            span(late),
            if counts { "" } else { ": does not count" },
        ));
        if counts {
            counted.push(outcome);
        } else {
            invalid += 1;
        }
        if counted.len() == options.runs {
            break;
        }
    }
    let prediction = Prediction::new(&predicted(options, capacity));
    let valid = counted.len() == options.runs;
    let rows = verdict::rows(&counted, &prediction, invalid);
    rows.iter().for_each(|row| timeline.row(row));
    Ok(crate::report::verdict(&timeline, options, &rows, rows.clone(), valid))
}

/// What the study says of it, under a few seeds
fn predicted(options: &Options, capacity: u32) -> Vec<Outcome> {
    let plan = Restart::per_second(capacity).plan(options.clients as usize, TOLD_WITHIN);
    let setup = |seed| Setup {
        clients: options.clients,
        capacity,
        backlog: options.backlog,
        slots: true,
        kind: Kind::Everbeat,
        others: None,
        way: Way::InTurn(plan),
        opens: Duration::ZERO,
        // Loopback
        roads: (0.02, 0.2),
        seed,
    };
    (options.seed..options.seed.saturating_add(5)).map(|seed| world::run(&setup(seed))).collect()
}

/// One restart; what the clients did, and how late the latest of the three processes was
async fn once(clients: u32, capacity: u32) -> Result<(Outcome, Duration)> {
    let timer = TokioTimer::new();
    let mut late = Duration::ZERO;
    let mut restart = Box::pin(restart(clients, capacity));
    loop {
        tokio::select! {
            done = &mut restart => {
                let (outcome, theirs) = done?;
                return Ok((outcome, late.max(theirs)));
            }
            overslept = overslept(&timer) => late = late.max(overslept),
        }
    }
}

async fn restart(count: u32, capacity: u32) -> Result<(Outcome, Duration)> {
    let socket = TcpListener::bind("127.0.0.1:0")?;
    let address = socket.local_addr()?;
    let old = Generation::start(&socket, capacity).await?;
    let mut clients = Clients::start(address, count, 0.8 * f64::from(capacity)).await?;
    let new = Generation::start(&socket, capacity).await?;
    clients.watch();
    old.tell().await?;
    let outcome = clients.all_back().await?;
    let late = old.ended().await?;
    drop(clients);
    new.tell().await?;
    Ok((outcome, late.max(new.ended().await?)))
}
