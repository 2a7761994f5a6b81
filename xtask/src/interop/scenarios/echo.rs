//! What is sent comes back as it was.

use anyhow::Result;

use super::super::messages;
use super::super::stage::Stage;

/// Both kinds, in every size that matters, through fragments of either side
pub(super) fn all_kinds(stage: &mut Stage<'_>) -> Result<String> {
    let messages = messages::all();
    for message in &messages {
        stage.echo(message)?;
    }
    Ok(format!("{} messages came back", messages.len()))
}
