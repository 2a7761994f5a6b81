//! Nothing is said for many intervals, and nothing is lost.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::super::judge;
use super::super::note::Note;
use super::super::settings::IDLE;
use super::super::stage::Stage;
use super::super::wire;

/// Our beat alone keeps it alive, and is neither slower nor faster than promised
pub(super) fn only_we_beat(stage: &mut Stage<'_>) -> Result<String> {
    let (theirs, begun) = watch(stage, IDLE)?;
    let role = stage.role();
    let seen = stage.on_the_wire(begun, |wires| {
        wire::idle(wires)?;
        ensure!(wire::answered(wires, role)? == 0, "the peer sends Pings, and was not asked to");
        wire::answered(wires, role.other())
    })?;
    let told = theirs.iter().filter(|note| matches!(note, Note::Ping(_))).count();
    let pings = match seen {
        Some(pings) => pings,
        None if stage.cannot("tell").is_some() => return Ok(format!("quiet for {IDLE:?}")),
        None => told,
    };
    judge::beats(pings, IDLE, stage.late())?;
    Ok(format!("{pings} Pings in {IDLE:?}"))
}

/// The peer beats too: its Pings are answered, or it would hang up, and life enough for us
pub(super) fn both_beat(stage: &mut Stage<'_>) -> Result<String> {
    let (theirs, begun) = watch(stage, IDLE)?;
    let role = stage.role();
    let seen = stage.on_the_wire(begun, |wires| {
        wire::idle(wires)?;
        Ok((wire::answered(wires, role)?, wire::answered(wires, role.other())?))
    })?;
    let count = |that: fn(&Note) -> bool| theirs.iter().filter(|note| that(note)).count();
    let (answered, ours) = match seen {
        Some(seen) => seen,
        None if stage.cannot("tell").is_some() => return Ok(format!("quiet for {IDLE:?}")),
        None => (
            count(|note| matches!(note, Note::Pong(_))),
            count(|note| matches!(note, Note::Ping(_))),
        ),
    };
    // A peer's beat is its own: some count in whole seconds.
    ensure!(answered > 1, "{answered} of their Pings were answered in {IDLE:?}: it does not beat");
    Ok(format!("{answered} of their Pings answered, {ours} of ours sent, in {IDLE:?}"))
}

/// What the peer told while nobody said anything, and since when; ours must have nothing to tell
pub(super) fn watch(stage: &Stage<'_>, span: Duration) -> Result<(Vec<Note>, Instant)> {
    let _ = stage.theirs.told();
    // What was said before the peer told that it is connected, we have heard by now.
    let begun = Instant::now();
    sleep(span);
    let (ours, theirs) = (stage.ours.told(), stage.theirs.told());
    ensure!(ours.is_empty(), "everbeat was not content: {ours:?}");
    let ended = theirs.iter().find(|note| matches!(note, Note::Closed(_)));
    ensure!(ended.is_none(), "the peer hung up: {ended:?}");
    Ok((theirs, begun))
}
