//! Our server refuses an upgrade, and the peer's client says so; who is let in stays.

use std::time::Instant;

use anyhow::{Result, ensure};

use super::super::note::Payload;
use super::super::peer::Role;
use super::super::settings::{PATIENCE, START};
use super::super::stage::{Stage, end};

/// Paths for which our server has nothing but a refusal
const REFUSED: [(&str, &str); 6] = [
    ("/refused/401", "401"),
    ("/refused/403", "403"),
    ("/refused/404", "404"),
    ("/refused/429/1", "429"),
    ("/refused/503/1", "503"),
    ("/refused/302", "302"),
];
/// What a client's words for it are cut to
const WORDS: usize = 60;

pub(super) fn is_told(stage: &mut Stage<'_>) -> Result<String> {
    let mut told = Vec::new();
    for (path, status) in REFUSED {
        let begun = Instant::now();
        let refused = stage.another(path)?;
        let said = refused.refusal(START)?;
        // Who follows a redirect is let in elsewhere.
        let followed = said.is_none() && status == "302";
        ensure!(said.is_some() || followed, "it says that it is connected, after {status}");
        stage.on_the_wire(begun, |wires| {
            let answers = wires.iter().filter_map(|wire| wire.head_of(Role::Server));
            let answered = answers.filter(|line| line.split(' ').nth(1) == Some(status)).count();
            ensure!(answered == 1, "{status} was answered {answered} times");
            Ok(())
        })?;
        drop(refused);
        if followed {
            stage.ours.expect("the end of who followed", PATIENCE, end)?;
        }
        let said = said.unwrap_or_else(|| "followed".into());
        told.push(format!("{status} `{}`", said.chars().take(WORDS).collect::<String>()));
    }
    stage.echo(&Payload::Text("who was let in".into()))?;
    Ok(told.join(", "))
}
