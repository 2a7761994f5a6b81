//! A browser that was told to Ping by itself: it does so in silence only, and has a rule.

use std::thread::sleep;
use std::time::Instant;

use anyhow::{Result, ensure};

use super::super::settings::{IDLE, INTERVAL, PATIENCE};
use super::super::stage::{Stage, end};
use super::super::wire;

pub(super) fn in_silence(stage: &mut Stage<'_>) -> Result<String> {
    let begun = Instant::now();
    sleep(IDLE);
    let role = stage.role();
    let seen = stage.on_the_wire(begun, |wires| wire::answered(wires, role))?;
    ensure!(seen.is_none_or(|seen| seen > 1), "{seen:?} Pings of its own in {IDLE:?}");
    let pause = stage.ours.pause()?;
    let begun = Instant::now();
    let (at, told) = stage.theirs.expect("the end by its own rule", PATIENCE, end)?;
    ensure!(told.code == 1006, "the page is told {told:?}");
    let took = at.saturating_duration_since(begun);
    sleep(INTERVAL);
    pause.end()?;
    let (_, ours) = stage.ours.expect("how it ended", PATIENCE, end)?;
    ensure!(ours.how.as_deref() == Some("cut"), "we say {ours:?}");
    let seen = seen.map_or_else(String::new, |seen| format!("{seen} Pings in {IDLE:?}; "));
    Ok(format!("{seen}we are stopped, it ends after {took:.1?}, and we say `cut`"))
}
