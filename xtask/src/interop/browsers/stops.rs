//! Processes of a browser are stopped, one kind at a time. All of them at once is `stop`.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::super::note::Payload;
use super::super::pause::Pause;
use super::super::stage::Stage;
use super::page;

/// Between two looks at a process that is about to stop
const AGAIN: Duration = Duration::from_millis(10);
/// A signal is sent at once and taken a little later
const SOON: Duration = Duration::from_secs(2);

/// Those that run pages
pub(super) fn renderer(stage: &mut Stage<'_>) -> Result<String> {
    stopped(stage, "renderer")
}

/// The first one
pub(super) fn browser(stage: &mut Stage<'_>) -> Result<String> {
    stopped(stage, "browser")
}

fn stopped(stage: &mut Stage<'_>, kind: &str) -> Result<String> {
    let ids = page::processes(stage, kind)?;
    let pause = Pause::of(&ids)?;
    let begun = Instant::now();
    while !ids.iter().all(|id| is_stopped(*id)) {
        ensure!(begun.elapsed() < SOON, "they go on");
        sleep(AGAIN);
    }
    let seen = page::answers(stage, begun);
    pause.end()?;
    let seen = seen?;
    stage.echo(&Payload::Text("after".into()))?;
    Ok(format!("{} stopped, {seen}, an echo afterwards", ids.len()))
}

fn is_stopped(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"));
    stat.is_ok_and(|stat| stat.contains(") T "))
}
