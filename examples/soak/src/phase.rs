//! A run from its first connection to its last: calm, faults, calm, and the end of everybody.

use std::sync::Arc;
use std::time::Duration;

use everbeat_support::Timeline;
use fastrand::Rng;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::args::Options;
use crate::client::Act;
use crate::ends::Happened;
use crate::found::{Accounts, Count, Found, Times, count};
use crate::judge::{Ends, Run};
use crate::machine;
use crate::plan::Kind;
use crate::runtimes::Executors;
use crate::settings;
use crate::stage::Stage;
use crate::watch::{Sample, sample};

/// How often is looked whether something has come about
const LOOK: Duration = Duration::from_millis(20);

/// Performs a run and tells what it came to, but for what this process needs beyond it
pub(crate) async fn perform(
    executors: &Executors,
    options: &Options,
    rng: &mut Rng,
    timeline: &Timeline,
    samples: &mut Vec<Sample>,
) -> anyhow::Result<Run> {
    let stage = Stage::open(executors, options, rng).await?;
    let books = stage.books.clone();
    tokio::select! {
        run = drive(stage, options.length) => run,
        () = sample(books, timeline, samples) => anyhow::bail!("looked for too long"),
    }
}

async fn drive(mut stage: Stage, length: Duration) -> anyhow::Result<Run> {
    let books = stage.books.clone();
    let clients = books.clients();
    let all_up = || books.up() == clients;
    let start = Instant::now();
    let starting = Duration::from_secs(1) * clients as u32 / settings::STARTS_PER_SECOND;
    until(starting + settings::PATIENCE, all_up).await;
    let never_up = (clients - books.up()) as u64;

    let (began, worked) = (Instant::now(), machine::worked());
    let happened = faults(&stage, length).await?;
    let took = began.elapsed();
    let worked = worked.zip(machine::worked()).map(|(before, after)| after.saturating_sub(before));

    let repaired = Instant::now();
    until(settings::BACK + books.late(), all_up).await;
    let (not_back, back_after) = ((clients - books.up()) as u64, repaired.elapsed());
    // As long again as a beat takes: what was sent last is proven, and no connection ends late.
    sleep(settings::INTERVAL + settings::TIMEOUT).await;

    let closing = Instant::now();
    let ends = end(&mut stage).await;
    let times = Times { start, closing, late: books.late() };
    let mut found = Found::default();
    let mut kinds = Kind::ALL.map(|kind| (kind, Count::default())).to_vec();
    for (road, happened) in stage.roads.iter().zip(&happened) {
        let accounts: Accounts =
            road.clients.iter().map(|&client| (client, books.take(client))).collect();
        found.add(&accounts, happened, times);
        count(&mut kinds, &accounts, happened, times.late);
    }
    Ok(Run {
        clients: clients as u64,
        found,
        kinds,
        never_up,
        not_back,
        back_after,
        connected: books.connected(),
        ends,
        late: times.late,
        busy: worked.map(|worked| (worked.as_secs_f64() / took.as_secs_f64() * 100.0) as u64),
    })
}

/// All roads' faults; what has happened on each
async fn faults(stage: &Stage, length: Duration) -> anyhow::Result<Vec<Vec<Happened>>> {
    let start = Instant::now();
    let mut playing = JoinSet::new();
    for (place, road) in stage.roads.iter().enumerate() {
        let play = Arc::clone(road).play(start, length, stage.books.clone());
        playing.spawn(async move { (place, play.await) });
    }
    let mut happened = vec![Vec::new(); stage.roads.len()];
    while let Some(played) = playing.join_next().await {
        let (place, of_road) = played?;
        if let Some(slot) = happened.get_mut(place) {
            *slot = of_road;
        }
    }
    Ok(happened)
}

/// Most clients close politely, the servers shut down, and the rest of the clients, left without
/// one, close
async fn end(stage: &mut Stage) -> Ends {
    let books = stage.books.clone();
    let leaving = books.clients() - stage.stayers();
    stage.act.send_replace(Act::Most);
    until(settings::PATIENCE, || books.closed() >= leaving && stage.registered() <= books.up())
        .await;
    let stayed = books.up();
    let mut ends = Ends {
        stayed: stayed as u64,
        lingered: stage.registered().saturating_sub(stayed) as u64,
        ..Ends::default()
    };
    for server in &stage.servers {
        server.handle.shutdown();
    }
    for server in &mut stage.servers {
        let Ok(Ok(served)) = timeout(settings::PATIENCE, &mut server.served).await else {
            continue;
        };
        ends.served += served.served;
        ends.closed += served.closed as u64;
        ends.cut += served.cut.len() as u64;
    }
    // Those who stay go on sending, to nobody.
    sleep(settings::SEND_EVERY * 2).await;
    ends.joined = books.joined();
    ends.registered = stage.registered() as u64;
    stage.act.send_replace(Act::All);
    until(settings::PATIENCE, || books.closed() == books.clients()).await;
    ends
}

/// Waits until it has come about, for this long at most
pub(crate) async fn until(limit: Duration, done: impl Fn() -> bool) {
    let waiting = async {
        while !done() {
            sleep(LOOK).await;
        }
    };
    // Whether it has is asked afterwards.
    _ = timeout(limit, waiting).await;
}

/// Waits until no task is left, and tells how many are all the same: as we count, as tokio does
pub(crate) async fn tasks_left(executors: &Executors) -> (u64, u64) {
    let own = Handle::current().metrics();
    let on_tokio = || executors.alive_on_tokio() + own.num_alive_tasks();
    until(settings::PATIENCE, || executors.alive() + on_tokio() == 0).await;
    (executors.alive() as u64, on_tokio() as u64)
}
