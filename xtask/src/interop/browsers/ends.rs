//! The user leaves the page, comes back, or closes the tab.

use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::super::settings::{IDLE, PATIENCE};
use super::super::stage::{Stage, end};
use super::page;

/// To another page: whoever keeps the old one for its return still answers
pub(super) fn left(stage: &mut Stage<'_>) -> Result<String> {
    page::gone(stage, "leave")?;
    page::closes_within(stage, 1001, IDLE).context("it was left")?;
    Ok("1001".into())
}

/// And back: the page is as it was, and its connection is not
pub(super) fn returned(stage: &mut Stage<'_>) -> Result<String> {
    page::go(stage, "leave")?;
    let seen = page::answers(stage, Instant::now())?;
    page::ask(stage, "back")?;
    page::closes(stage, 1001)?;
    let (_, told) = stage.theirs.expect("its end", PATIENCE, end)?;
    ensure!(told.code == 1006, "the page is told {told:?}");
    let facts = page::look(stage)?;
    let kept = facts.has("pagehide") && facts.has("pageshow");
    ensure!(kept && facts.has("freeze"), "it was not kept: {facts:?}");
    Ok(format!("{seen} while it was away; 1001 for us, 1006 for the page when it is back"))
}

/// The tab
pub(super) fn shut(stage: &mut Stage<'_>) -> Result<String> {
    page::gone(stage, "shut")?;
    page::closes(stage, 1001)?;
    Ok("1001".into())
}
