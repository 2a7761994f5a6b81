//! Nothing passes between the two, and nobody is told: a black hole. It is noticed in time, by what it
//! is; one that is repaired before is none.

use std::thread::sleep;
use std::time::Instant;

use anyhow::{Result, ensure};

use super::super::judge;
use super::super::note::{Note, Payload};
use super::super::settings::{BRIEF, PATIENCE};
use super::super::stage::{Stage, end};
use super::stop::back;

pub(super) fn is_noticed(stage: &mut Stage<'_>) -> Result<String> {
    stage.echo(&Payload::Text("before".into()))?;
    let begun = Instant::now();
    stage.road()?.cut()?;
    let (at, ended) = stage.ours.expect("the hole", PATIENCE, end)?;
    let took = at.saturating_duration_since(begun);
    let verdict = judge::dead(&ended, "path")?;
    judge::silence(took, stage.late())?;
    let repaired = Instant::now();
    stage.road()?.repair()?;
    let back = back(stage, repaired)?;
    Ok(format!("{verdict} after {took:.2?}, {back}"))
}

/// Shorter than the timeout, and long enough for a Ping to be lost in it
pub(super) fn repaired_is_survived(stage: &mut Stage<'_>) -> Result<String> {
    let _ = (stage.ours.told(), stage.theirs.told());
    stage.road()?.cut()?;
    sleep(BRIEF);
    stage.road()?.repair()?;
    let repaired = Instant::now();
    stage.echo(&Payload::Text("after".into()))?;
    let took = repaired.elapsed();
    let told = stage.ours.told();
    let lost = told.iter().find(|note| matches!(note, Note::Closed(_) | Note::Connected));
    ensure!(lost.is_none(), "it lost what was not lost: {lost:?}");
    Ok(format!("{BRIEF:?} of nothing, an echo {took:.2?} later"))
}
