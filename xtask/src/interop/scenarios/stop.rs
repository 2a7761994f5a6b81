//! The peer's process is stopped: its kernel acknowledges, nobody answers. That is noticed in time, by
//! what it is, and over once the process goes on.

use std::time::Instant;

use anyhow::{Result, ensure};

use super::super::judge;
use super::super::note::{Note, Payload};
use super::super::peer::Role;
use super::super::settings::{BACK, PATIENCE};
use super::super::stage::{Stage, connected, end};
use super::super::wire;

pub(super) fn is_noticed(stage: &mut Stage<'_>) -> Result<String> {
    // A Ping that waited for its answer until now would be judged from when it was sent.
    stage.echo(&Payload::Text("before".into()))?;
    let begun = Instant::now();
    let pause = stage.theirs.pause()?;
    let suspected = |note: &Note| (*note == Note::Suspect).then_some(());
    stage.ours.expect("its suspicion", PATIENCE, suspected)?;
    let (at, ended) = stage.ours.expect("the silence", PATIENCE, end)?;
    let took = at.saturating_duration_since(begun);
    let verdict = judge::dead(&ended, "app")?;
    judge::silence(took, stage.late())?;
    let us = stage.role().other();
    stage.on_the_wire(begun, |wires| wire::unanswered(wires, us))?;
    let resumed = Instant::now();
    pause.end()?;
    let (_, told) = stage.theirs.expect("the cut", PATIENCE, end)?;
    ensure!(told.code == 1006, "we were not rude to it: {told:?}");
    let back = back(stage, resumed)?;
    Ok(format!("{verdict} after {took:.2?}, {back}"))
}

/// Both are connected again and talk; told in a few words
pub(super) fn back(stage: &mut Stage<'_>, mut reachable: Instant) -> Result<String> {
    if stage.role() == Role::Client {
        // A client that comes back is a feature of its own, and not every peer's.
        reachable = stage.restart_theirs()?;
    }
    let took = stage.connected()?.saturating_duration_since(reachable);
    if stage.role() == Role::Client {
        // It takes a command only once it knows so itself.
        connected(&stage.theirs)?;
    }
    stage.echo_again(&Payload::Text("again".into()))?;
    if stage.role() == Role::Client {
        return Ok("served again".into());
    }
    judge::within("back", took, BACK, stage.late())?;
    Ok(format!("back after {took:.2?}"))
}
