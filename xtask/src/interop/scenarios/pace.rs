//! A peer at the numbers of its own examples: they count in seconds what a run has in parts of one.

use anyhow::{Result, ensure};

use super::super::judge;
use super::super::note::Note;
use super::super::peer::Pace;
use super::super::settings::{MARGIN, PATIENCE};
use super::super::stage::Stage;
use super::super::wire;
use super::idle::watch;
use super::stopped::until_they_hang_up;

/// Of its intervals, how many are watched
const BEATS: u32 = 5;

/// It beats and we do not: we answer each of its Pings, and it lives with us
pub(super) fn is_borne(stage: &mut Stage<'_>) -> Result<String> {
    let Pace { beat, .. } = stage.pace()?;
    let span = beat * BEATS + beat / 2;
    let (theirs, begun) = watch(stage, span)?;
    let role = stage.role();
    let seen = stage.on_the_wire(begun, |wires| {
        wire::idle(wires)?;
        ensure!(wire::answered(wires, role.other())? == 0, "everbeat Pings, and was to be quiet");
        wire::answered(wires, role)
    })?;
    let told = theirs.iter().filter(|note| matches!(note, Note::Pong(_))).count();
    let pings = seen.unwrap_or(told);
    ensure!(pings >= BEATS as usize, "{pings} of its Pings were answered in {span:?}");
    Ok(format!("{pings} of its Pings answered, one in {beat:?}, in {span:?}"))
}

/// We are stopped behind an answer of ours, and it hangs up once it has gone without another for as long
/// as it bears: at the first look after that, and it looks once a beat
pub(super) fn is_kept(stage: &mut Stage<'_>) -> Result<String> {
    let Pace { beat, timeout } = stage.pace()?;
    let pong = |note: &Note| matches!(note, Note::Pong(_)).then_some(());
    let (heard, ()) = stage.theirs.expect("an answer to its Ping", PATIENCE, pong)?;
    let (at, told) = until_they_hang_up(stage)?;
    let took = at.saturating_duration_since(heard);
    ensure!(took + MARGIN >= timeout, "it hung up after {took:.2?}, and bears {timeout:?}");
    judge::within("hung up", took, timeout + beat + MARGIN, stage.late())?;
    Ok(format!("{took:.1?} after our last Pong, and bears {timeout:?}: {told}"))
}
