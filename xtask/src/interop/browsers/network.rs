//! A page whose network goes: by the browser's own word, by its host's cable, and beside it.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use serde_json::json;

use super::super::judge;
use super::super::note::Payload;
use super::super::settings::{BRIEF, PATIENCE};
use super::super::stage::{Stage, end};
use super::super::wire::{self, PING};
use super::page;

/// What Firefox's own Pings carry
const PAYLOAD: &[u8] = b"PING";
/// How long a browser may take to make something of a change
const LATER: Duration = Duration::from_secs(5);

/// Its tool says that it is offline, which the page believes and the socket does not
pub(super) fn offline(stage: &mut Stage<'_>) -> Result<String> {
    page::go(stage, "offline")?;
    page::until(stage, "offline", |facts| !facts.online && facts.has("offline"))?;
    let seen = page::answers(stage, Instant::now())?;
    page::go(stage, "online")?;
    page::until(stage, "online", |facts| facts.online && facts.has("online"))?;
    stage.echo(&Payload::Text("online".into()))?;
    Ok(format!("{seen}, an echo afterwards"))
}

/// The cable of its host is out: that is a hole for us, and news for the page
pub(super) fn unplugged(stage: &mut Stage<'_>) -> Result<String> {
    stage.echo(&Payload::Text("before".into()))?;
    let begun = Instant::now();
    stage.road()?.unplug()?;
    page::until(stage, "offline", |facts| !facts.online && facts.has("offline"))?;
    let (at, ended) = stage.ours.expect("the hole", PATIENCE, end)?;
    let took = at.saturating_duration_since(begun);
    let verdict = judge::dead(&ended, "path")?;
    judge::silence(took, stage.late())?;
    stage.road()?.plug()?;
    // Its kernel learns from ours that there is nobody any more, once something is said.
    sleep(LATER);
    let by_itself = stage.theirs.told().iter().find_map(end);
    let (told, how) = match by_itself {
        Some(told) => (told, "asks by itself"),
        None => {
            stage.theirs.tell(&json!({ "send": Payload::Text("after".into()).value() }))?;
            (stage.theirs.expect("its end", PATIENCE, end)?.1, "has to say something")
        }
    };
    ensure!(told.code == 1006, "the page is told {told:?}");
    Ok(format!("{verdict} after {took:.2?}; with the cable back the page {how}, and is told 1006"))
}

/// And back before the promise
pub(super) fn unplugged_briefly(stage: &mut Stage<'_>) -> Result<String> {
    let _ = (stage.ours.told(), stage.theirs.told());
    stage.road()?.unplug()?;
    sleep(BRIEF);
    stage.road()?.plug()?;
    let plugged = Instant::now();
    stage.echo(&Payload::Text("after".into()))?;
    let took = plugged.elapsed();
    let facts = page::until(stage, "online", |facts| facts.online)?;
    let heard = if facts.has("offline") { "was told" } else { "was not told" };
    let lost = stage.ours.told().into_iter().find_map(|note| end(&note));
    ensure!(lost.is_none(), "it lost what was not lost: {lost:?}");
    Ok(format!("an echo {took:.2?} after the cable is back, of which the page {heard}"))
}

/// A network goes and comes, and the connection is on another: whoever asks after it is answered
pub(super) fn changes(stage: &mut Stage<'_>) -> Result<String> {
    let begun = Instant::now();
    stage.road()?.unplug()?;
    page::until(stage, "offline", |facts| !facts.online && facts.has("offline"))?;
    stage.road()?.plug()?;
    page::until(stage, "online", |facts| facts.online && facts.has("online"))?;
    sleep(LATER);
    let role = stage.role();
    let asked = stage.on_the_wire(begun, |wires| {
        wire::answered(wires, role.other())?;
        let asked = wire::answered(wires, role)?;
        let frames = wires.iter().filter_map(|wire| wire.frame_of(role));
        let other =
            frames.filter(|frame| frame.code == PING).find(|frame| frame.payload != PAYLOAD);
        ensure!(other.is_none(), "it asks otherwise: {other:?}");
        Ok(asked)
    })?;
    let lost = stage.ours.told().into_iter().find_map(|note| end(&note));
    ensure!(lost.is_none(), "it lost what was not lost: {lost:?}");
    match asked {
        Some(0) => bail!("it does not ask"),
        Some(asked) => Ok(format!("{asked} Pings of its own, `PING`, answered")),
        None => Ok("alive".into()),
    }
}
