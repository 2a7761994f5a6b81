//! Clients show who they are, by a certificate: whichever side asks for it, who shows one is let in, and
//! who shows none is told that it is not.

use anyhow::{Context, Result};

use super::super::note::Payload;
use super::super::settings::START;
use super::super::stage::Stage;

/// What a client's words for it are cut to
const WORDS: usize = 80;

pub(super) fn strangers_are_not_let_in(stage: &mut Stage<'_>) -> Result<String> {
    stage.echo(&Payload::Text("known".into()))?;
    let said = stage.stranger()?.refusal(START)?;
    let said = said.context("a client without a certificate was let in")?;
    stage.echo(&Payload::Text("who was let in".into()))?;
    Ok(format!(
        "let in with a certificate, and without `{}`",
        said.chars().take(WORDS).collect::<String>()
    ))
}
