//! The user leaves the page, comes back, or closes the tab.

use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use super::super::note::Note;
use super::super::settings::{IDLE, PATIENCE};
use super::super::stage::{Stage, end};
use super::page;

/// To another page: whoever keeps the old one for its return still answers
pub(super) fn left(stage: &mut Stage<'_>) -> Result<String> {
    gone(stage, "leave")?;
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
    gone(stage, "shut")?;
    page::closes(stage, 1001)?;
    Ok("1001".into())
}

/// Waits until the browser says that the page is gone; the page may tell of its connection's end first
fn gone(stage: &mut Stage<'_>, state: &str) -> Result<()> {
    page::ask(stage, state)?;
    loop {
        let (_, said) = stage.theirs.expect(state, PATIENCE, |note| match note {
            Note::Page(told) if told["done"] == state => Some(Ok(true)),
            Note::Closed(_) => Some(Ok(false)),
            Note::Failed(why) => Some(Err(why.clone())),
            _ => None,
        })?;
        match said {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(why) => bail!("{state}: {why}"),
        }
    }
}
