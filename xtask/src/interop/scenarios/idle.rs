//! Nothing is said for many intervals, and nothing is lost.

use std::thread::sleep;

use anyhow::{Result, ensure};

use super::super::judge;
use super::super::note::Note;
use super::super::settings::IDLE;
use super::super::stage::Stage;

/// Our beat alone keeps it alive, and is neither slower nor faster than promised
pub(super) fn only_we_beat(stage: &mut Stage<'_>) -> Result<String> {
    let theirs = watch(stage)?;
    let pings = theirs.iter().filter(|note| matches!(note, Note::Ping(_))).count();
    judge::beats(pings, IDLE, stage.late())?;
    Ok(format!("{pings} Pings in {IDLE:?}"))
}

/// The peer beats too: its Pings are answered, or it would hang up, and life enough for us
pub(super) fn both_beat(stage: &mut Stage<'_>) -> Result<String> {
    let theirs = watch(stage)?;
    let count = |that: fn(&Note) -> bool| theirs.iter().filter(|note| that(note)).count();
    let pongs = count(|note| matches!(note, Note::Pong(_)));
    let pings = count(|note| matches!(note, Note::Ping(_)));
    judge::beats(pongs, IDLE, stage.late())?;
    Ok(format!("{pongs} of their Pings answered, {pings} of ours sent, in {IDLE:?}"))
}

/// What the peer told while nobody said anything; ours must have nothing to tell
fn watch(stage: &Stage<'_>) -> Result<Vec<Note>> {
    let _ = stage.theirs.told();
    sleep(IDLE);
    let (ours, theirs) = (stage.ours.told(), stage.theirs.told());
    ensure!(ours.is_empty(), "everbeat was not content: {ours:?}");
    let ended = theirs.iter().find(|note| matches!(note, Note::Closed(_)));
    ensure!(ended.is_none(), "the peer hung up: {ended:?}");
    Ok(theirs)
}
