//! The peer's process is killed: its kernel tells, and once there is one again, two seconds later, all
//! is well.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::super::judge;
use super::super::peer::Role;
use super::super::settings::{PATIENCE, TOLD};
use super::super::stage::{Stage, end};
use super::stop::back;

/// How long there is none
const AWAY: Duration = Duration::from_secs(2);

pub(super) fn is_survived(stage: &mut Stage<'_>) -> Result<String> {
    let begun = Instant::now();
    stage.theirs.kill()?;
    let (at, ended) = stage.ours.expect("the cut", PATIENCE, end)?;
    ensure!(ended.how.as_deref() == Some("cut"), "not noticed as a cut: {ended:?}");
    let took = at.saturating_duration_since(begun);
    judge::within("noticed", took, TOLD, stage.late())?;
    sleep(AWAY.saturating_sub(begun.elapsed()));
    let mut reachable = Instant::now();
    if stage.role() == Role::Server {
        reachable = stage.restart_theirs()?;
    }
    let back = back(stage, reachable)?;
    Ok(format!("noticed after {took:.2?}, {back}"))
}
