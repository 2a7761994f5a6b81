//! The whole play: a run to warm up, and the one that counts, between two looks at what this
//! process holds.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use everbeat_support::{Timeline, span};
use fastrand::Rng;

use crate::args::Options;
use crate::judge::Run;
use crate::phase::{perform, tasks_left, until};
use crate::runtimes::Executors;
use crate::watch::Sample;
use crate::{machine, plan, plot, report, settings, watch};

/// Soaks, and prints the report
pub(crate) fn soak(options: &Options) -> anyhow::Result<ExitCode> {
    let wanted = options.connections as u64 * settings::DESCRIPTORS_EACH + 500;
    let allowed = machine::allow_descriptors(wanted).context("descriptors cannot be had")?;
    ensure!(
        allowed >= wanted,
        "{} connections take up to {wanted} descriptors, and {allowed} are allowed here \
         (`ulimit -Hn`): take {} connections at most",
        options.connections,
        allowed.saturating_sub(500) / settings::DESCRIPTORS_EACH,
    );
    let executors = Executors::start()?;
    // The proxies and this play have an executor of their own, of two threads.
    let own = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    own.block_on(play(&executors, options))
}

async fn play(executors: &Executors, options: &Options) -> anyhow::Result<ExitCode> {
    let timeline = Timeline::new(options.json);
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..));
    preface(&timeline, options, seed);
    let mut rng = Rng::with_seed(seed);

    timeline.plain("warming up");
    let warm_up = Options { length: settings::WARM_UP, broken: None, ..options.clone() };
    drop(perform(executors, &warm_up, &mut rng, &timeline, &mut Vec::new()).await?);
    tasks_left(executors).await;
    // Before the look, for what this report needs is no leak.
    let mut samples = Vec::with_capacity(watch::looks(options.length));
    let (descriptors, resident) = (machine::descriptors(), machine::resident());
    let heap = machine::heap();

    timeline.plain("soaking");
    let mut run = perform(executors, options, &mut rng, &timeline, &mut samples).await?;
    (run.ends.tasks, run.ends.tokio_tasks) = tasks_left(executors).await;
    until(settings::PATIENCE, || machine::descriptors() <= descriptors).await;
    run.ends.descriptors = descriptors.zip(machine::descriptors());
    run.ends.heap = (heap, machine::heap());
    run.ends.resident = resident.zip(machine::resident());

    if let Some(file) = &options.plot {
        draw(file, &run, &samples, seed)?;
        timeline.plain(format_args!("plotted    {}", file.display()));
    }
    Ok(report::print(&timeline, &run, &samples, seed, options.json))
}

fn preface(timeline: &Timeline, options: &Options, seed: u64) {
    let runtimes: Vec<_> = options.runtimes().into_iter().map(|runtime| runtime.name()).collect();
    let roads = runtimes.len() * plan::ROADS;
    timeline.plain(format_args!(
        "soak       {} clients, {} roads, servers and clients on {}",
        options.connections,
        roads,
        runtimes.join(", "),
    ));
    timeline.plain(format_args!(
        "settings   interval {}, timeout {}, dial {}; faults for {}; seed {seed}",
        span(settings::INTERVAL),
        span(settings::TIMEOUT),
        span(settings::DIAL),
        span(options.length),
    ));
    if let Some(broken) = options.broken {
        timeline.plain(format_args!("broken     {}: a row must be missed", broken.name()));
    }
}

fn draw(file: &Path, run: &Run, samples: &[Sample], seed: u64) -> anyhow::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let title = format!("{} clients, {} connections, seed {seed}", run.clients, run.connected);
    fs::write(file, plot::svg(&title, samples)).with_context(|| format!("{}", file.display()))
}
