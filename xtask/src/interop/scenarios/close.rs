//! Whoever closes says why, and the other hears it (RFC 6455, section 7): with every code that matters.

use std::time::Instant;

use anyhow::{Result, ensure};
use serde_json::json;

use super::super::note::{End, Payload};
use super::super::peer::Role;
use super::super::program::Program;
use super::super::settings::PATIENCE;
use super::super::stage::{Stage, end};
use super::super::wire;

/// Those of the protocol that say something about coming back, and the ends of an application's own
const CODES: [u64; 8] = [1000, 1001, 1008, 1011, 1012, 1013, 4000, 4999];
const REASON: &str = "adiós";

pub(super) fn by_them(stage: &mut Stage<'_>) -> Result<String> {
    let (said, refused): (Vec<_>, Vec<_>) =
        CODES.into_iter().partition(|code| stage.cannot(&format!("close {code}")).is_none());
    let why = refused.first().and_then(|code| stage.cannot(&format!("close {code}")));
    let why = why.map_or_else(String::new, |why| format!("; not {}: {why}", list(&refused)));
    each(stage, &said, stage.role(), |stage| (&mut stage.theirs, &stage.ours))?;
    Ok(list(&said) + &why)
}

pub(super) fn by_us(stage: &mut Stage<'_>) -> Result<String> {
    each(stage, &CODES, stage.role().other(), |stage| (&mut stage.ours, &stage.theirs))?;
    Ok(list(&CODES))
}

/// A connection for each code
fn each(
    stage: &mut Stage<'_>,
    codes: &[u64],
    closing: Role,
    sides: for<'b> fn(&'b mut Stage<'_>) -> (&'b mut Program, &'b Program),
) -> Result<()> {
    for (index, code) in codes.iter().enumerate() {
        if index > 0 {
            stage.renew()?;
        }
        let begun = Instant::now();
        stage.echo(&Payload::Text("before".into()))?;
        let (closer, told) = sides(stage);
        close(closer, told, *code)?;
        stage.on_the_wire(begun, |wires| wire::closed(wires, closing, *code, REASON))?;
    }
    Ok(())
}

fn close(closing: &mut Program, told: &Program, code: u64) -> Result<()> {
    closing.tell(&json!({ "close": { "code": code, "reason": REASON } }))?;
    let (_, ended) = told.expect("the Close", PATIENCE, end)?;
    let End { code: heard, reason, .. } = ended;
    ensure!((heard, &*reason) == (code, REASON), "told {heard} `{reason}`, not {code} `{REASON}`");
    closing.expect("the end of its own closing", PATIENCE, end)?;
    Ok(())
}

fn list(codes: &[u64]) -> String {
    codes.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
}
