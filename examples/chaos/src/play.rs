//! The whole run: a lane for each runtime, on a thread of its own, until all have ended or we are told
//! to; and what it came to.

use std::process::ExitCode;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use everbeat_netns::{Tools, skipped};
use everbeat_support::{Timeline, overslept, span};
use everbeat_tokio::transport::TokioTimer;
use tokio::signal::ctrl_c;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::args::Options;
use crate::judge::Late;
use crate::lane::{Played, Player, Stopped};
use crate::program::Told;
use crate::stage::Setup;
use crate::{report, settings};

/// Neither green nor red: it says nothing
const INVALID: u8 = 2;

/// A lane that is being played
struct Playing {
    tell: Sender<Told>,
    thread: JoinHandle<Result<Played>>,
}

pub(crate) fn chaos(options: &Options) -> Result<ExitCode> {
    let tools = Tools::default();
    if let Some(why) = tools.missing() {
        skipped("chaos", &why);
        return Ok(ExitCode::from(INVALID));
    }
    let own = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    own.block_on(play(options, &tools))
}

async fn play(options: &Options, tools: &Tools) -> Result<ExitCode> {
    let timeline = Arc::new(Timeline::new(options.json));
    let setups = Setup::all(options.seed);
    preface(&timeline, options, &setups);
    let late = Mutex::new(Vec::new());
    let (mut lanes, mut ends) = (Vec::new(), Vec::new());
    for setup in setups {
        let (lane, end) = begin(&timeline, tools, setup, options.length)?;
        lanes.push(lane);
        ends.push(end);
    }
    let all = async {
        for end in ends {
            // One that fails ends what the others need not finish.
            end.await.ok().filter(|went_well| *went_well).context("a lane has failed")?;
        }
        anyhow::Ok(())
    };
    let ended = tokio::select! {
        ended = all => ended,
        stopped = told_to_stop() => stopped,
        () = measure(&timeline, &late) => Ok(()),
    };
    if ended.is_err() {
        for lane in &lanes {
            // One that has ended is told in vain.
            _ = lane.tell.send(Told::Stop);
        }
    }
    let mut played = Vec::new();
    for (lane, setup) in lanes.into_iter().zip(setups) {
        let lane = lane.thread.join().map_err(|_| anyhow!("its thread panicked"));
        played.push(
            lane.and_then(|lane| lane).with_context(|| format!("the lane of {}", setup.runtimes.0)),
        );
    }
    // What a lane says of itself is worth more than that one has failed, or than that it was told to stop.
    let first = played.iter().position(|lane| lane.as_ref().is_err_and(|why| !why.is::<Stopped>()));
    if let Some(first) = first {
        played.swap_remove(first)?;
    }
    ended?;
    let mut played = played.into_iter().collect::<Result<Vec<_>>>()?;
    let late = late.into_inner().unwrap_or_else(PoisonError::into_inner);
    for lane in &mut played {
        lane.lane.late.extend(&late);
    }
    report::print(&timeline, options, &setups, &played)
}

/// A lane on a thread of its own; it says when it has ended, and whether well
fn begin(
    timeline: &Arc<Timeline>,
    tools: &Tools,
    setup: Setup,
    length: Duration,
) -> Result<(Playing, oneshot::Receiver<bool>)> {
    let (tell, told) = mpsc::channel();
    let (over, end) = oneshot::channel();
    let (player, tools) = (Player::new(timeline.clone(), told, setup), tools.clone());
    let sender = tell.clone();
    let thread = thread::Builder::new().name("lane".into()).spawn(move || {
        let played = player.play(&tools, &sender, length);
        // Nobody waits any more if another lane was first.
        _ = over.send(played.is_ok());
        played
    })?;
    Ok((Playing { tell, thread }, end))
}

/// Until we are interrupted, or told to end
async fn told_to_stop() -> Result<()> {
    #[cfg(unix)]
    let terminated = async {
        use tokio::signal::unix::{SignalKind, signal};

        let [mut terminate, mut hangup] =
            [signal(SignalKind::terminate())?, signal(SignalKind::hangup())?];
        tokio::select! {
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        anyhow::Ok(())
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<Result<()>>();
    tokio::select! {
        interrupted = ctrl_c() => interrupted?,
        terminated = terminated => terminated?,
    }
    Err(anyhow!("interrupted; networks, devices and processes are gone"))
}

/// How late this process is, which reads what the others tell
async fn measure(timeline: &Timeline, late: &Mutex<Vec<Late>>) {
    let timer = TokioTimer::new();
    loop {
        let by = overslept(&timer).await;
        let at = Instant::now().saturating_duration_since(timeline.start());
        late.lock().unwrap_or_else(PoisonError::into_inner).push((at, by));
    }
}

fn preface(timeline: &Timeline, options: &Options, setups: &[Setup]) {
    timeline.plain(format_args!(
        "chaos      {} of faults by seed {}, each death to be noticed within {}",
        span(options.length),
        options.seed,
        span(settings::PROMISE),
    ));
    for setup in setups {
        timeline.plain(format_args!("lane       {}", setup.words()));
    }
}
