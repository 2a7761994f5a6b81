//! A page that does not take what it is sent. Who reads for it may have no room for more, and then
//! does not read our Pings behind it either.

use std::time::Instant;

use anyhow::{Result, ensure};
use serde_json::json;

use super::super::note::Note;
use super::super::settings::PATIENCE;
use super::super::stage::Stage;
use super::{page, rest};

/// More than a browser keeps for a page that takes nothing, and less than we let wait
const MUCH: usize = 1_000_000;

pub(super) fn frozen(stage: &mut Stage<'_>) -> Result<String> {
    rest::freeze(stage)?;
    feed(stage, MUCH)
}

pub(super) fn hung(stage: &mut Stage<'_>) -> Result<String> {
    rest::hang(stage)?;
    let seen = feed(stage, MUCH)?;
    rest::still_hangs(stage)?;
    arrives(stage, MUCH)?;
    Ok(format!("{seen}, and the message came afterwards"))
}

/// A single byte is enough where the browser holds back what the page is not to see
pub(super) fn offline(stage: &mut Stage<'_>) -> Result<String> {
    page::go(stage, "offline")?;
    page::until(stage, "offline", |facts| !facts.online && facts.has("offline"))?;
    let seen = feed(stage, 1)?;
    arrives(stage, 1)?;
    Ok(format!("{seen}, and the message came all the same"))
}

fn feed(stage: &mut Stage<'_>, bytes: usize) -> Result<String> {
    let begun = Instant::now();
    stage.ours.tell(&json!({ "send": { "bytes": bytes } }))?;
    page::answers(stage, begun)
}

fn arrives(stage: &Stage<'_>, bytes: usize) -> Result<()> {
    let (_, came) = stage.theirs.expect("the message", PATIENCE, |note| match note {
        Note::Message(message, _) => Some(message.len()),
        _ => None,
    })?;
    ensure!(came == bytes, "{bytes} bytes were sent, and {came} came");
    Ok(())
}
