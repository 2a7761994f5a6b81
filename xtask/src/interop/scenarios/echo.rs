//! What is sent comes back as it was.

use std::time::Instant;

use anyhow::{Result, ensure};

use super::super::messages;
use super::super::settings::OUR_FRAME;
use super::super::stage::Stage;
use super::super::wire;

/// Both kinds, in every size that matters, through fragments of either side
pub(super) fn all_kinds(stage: &mut Stage<'_>) -> Result<String> {
    let (messages, begun, role) = (messages::all(), Instant::now(), stage.role());
    let mut most = None;
    for message in &messages {
        let frames = stage.echo(message)?;
        let whole = message.len() >= messages::LARGE && frames.is_some_and(|frames| frames < 2);
        ensure!(!whole, "{} came in one frame: a Ping would have to wait", message.describe());
        most = most.max(frames);
    }
    let theirs = stage.on_the_wire(begun, |wires| {
        let (frames, longest) = wire::pieces(wires, role.other());
        ensure!(
            frames > 1 && longest <= OUR_FRAME,
            "ours: {frames} frames of up to {longest} bytes"
        );
        Ok(wire::pieces(wires, role).0)
    })?;
    let mut told = format!("{} messages came back", messages.len());
    if let Some(most) = most {
        told += &format!(", in up to {most} frames of ours");
    }
    if let Some(theirs) = theirs {
        told += &format!(", {theirs} of theirs on the wire");
    }
    Ok(told)
}
