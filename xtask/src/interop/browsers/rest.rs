//! A page that does little or nothing of its own: whoever answers Pings for it still does.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::super::note::{Note, Payload};
use super::super::settings::{MARGIN, PATIENCE};
use super::super::stage::{Stage, end};
use super::page::{self, Facts, TICKS};

/// How rarely Chromium lets a timer fire at last
const MINUTE: Duration = Duration::from_secs(60);
/// Until it does so, which its driver has made 20 s, a minute that has begun, and the next, which is whole
const A_WHILE: Duration = MINUTE.saturating_mul(3);

/// Another tab is in front
pub(super) fn hidden(stage: &mut Stage<'_>) -> Result<String> {
    page::go(stage, "hide")?;
    let facts = page::until(stage, "hidden", |facts| facts.hidden)?;
    ensure!(facts.has("visibilitychange"), "it was not told so: {facts:?}");
    let seen = page::answers(stage, Instant::now())?;
    stage.echo(&Payload::Text("hidden".into()))?;
    page::go(stage, "show")?;
    page::until(stage, "shown", |facts| !facts.hidden)?;
    Ok(format!("{seen}, an echo"))
}

/// A timer of the hidden page fires a tenth as often, and nothing else is slower
pub(super) fn throttled(stage: &mut Stage<'_>) -> Result<String> {
    let before = page::until(stage, "awake", |facts| facts.ticks > TICKS / 2)?.ticks;
    page::go(stage, "hide")?;
    let ticks = page::until(stage, "throttled", |facts| facts.ticks < TICKS / 4)?.ticks;
    let seen = page::answers(stage, Instant::now())?;
    let begun = Instant::now();
    stage.echo(&Payload::Text("throttled".into()))?;
    let took = begun.elapsed();
    Ok(format!("{ticks} ticks for {before}, {seen}, an echo in {took:.0?}"))
}

/// A page that stays hidden: its timer fires once a minute, and nothing else is slower
pub(super) fn throttled_long(stage: &mut Stage<'_>) -> Result<String> {
    page::go(stage, "hide")?;
    let begun = Instant::now();
    let slow = |facts: &Facts| facts.hidden && facts.gap >= MINUTE - MARGIN;
    let gap = page::until_within(stage, "throttled to a minute", A_WHILE, slow)?.gap;
    let seen = page::answers(stage, begun)?;
    let asked = Instant::now();
    stage.echo(&Payload::Text("throttled".into()))?;
    let took = asked.elapsed();
    Ok(format!("no tick for {gap:.1?}, {seen} since it was hidden, an echo in {took:.0?}"))
}

/// Nothing of the page runs, by the browser's own word; what it finds when it does again
pub(super) fn frozen(stage: &mut Stage<'_>) -> Result<String> {
    freeze(stage)?;
    let seen = page::answers(stage, Instant::now())?;
    page::ask(stage, "thaw")?;
    page::closes(stage, 1001)?;
    let (_, told) = stage.theirs.expect("its end", PATIENCE, end)?;
    ensure!(told.code == 1006, "the page is told {told:?}");
    Ok(format!("{seen}, and gone at the thaw: 1001 for us, 1006 for the page"))
}

pub(super) fn freeze(stage: &mut Stage<'_>) -> Result<()> {
    page::go(stage, "freeze")?;
    let still = page::until(stage, "frozen", |facts| facts.ticks == 0)?;
    ensure!(still.has("freeze") && !still.has("resume"), "it was not frozen: {still:?}");
    Ok(())
}

/// A loop of the page's own script lets nothing else of it run
pub(super) fn hung(stage: &mut Stage<'_>) -> Result<String> {
    hang(stage)?;
    let seen = page::answers(stage, Instant::now())?;
    still_hangs(stage)?;
    stage.echo(&Payload::Text("after".into()))?;
    Ok(format!("{seen}, an echo afterwards"))
}

pub(super) fn hang(stage: &mut Stage<'_>) -> Result<()> {
    page::ask(stage, "hang")?;
    page::tells(stage, "that it hangs", |told| (told["hangs"] == true).then_some(()))
}

/// It hung until now, and ends it a little later
pub(super) fn still_hangs(stage: &Stage<'_>) -> Result<()> {
    let told = stage.theirs.told();
    let over = told.iter().any(|note| matches!(note, Note::Page(told) if told["hangs"] == false));
    ensure!(!over, "it hung for too short a time");
    page::tells(stage, "that it goes on", |told| (told["hangs"] == false).then_some(()))
}
