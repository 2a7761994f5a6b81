//! What is sent comes back as it was.

use anyhow::{Result, ensure};

use super::super::messages;
use super::super::stage::Stage;

/// Both kinds, in every size that matters, through fragments of either side
pub(super) fn all_kinds(stage: &mut Stage<'_>) -> Result<String> {
    let messages = messages::all();
    let mut most = None;
    for message in &messages {
        let frames = stage.echo(message)?;
        let whole = message.len() >= messages::LARGE && frames.is_some_and(|frames| frames < 2);
        ensure!(!whole, "{} came in one frame: a Ping would have to wait", message.describe());
        most = most.max(frames);
    }
    let frames = most.map_or_else(String::new, |most| format!(", in up to {most} frames"));
    Ok(format!("{} messages came back{frames}", messages.len()))
}
