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
    let (said, not) = apart(stage, "close");
    each(stage, &said, stage.role(), |stage| (&mut stage.theirs, &stage.ours))?;
    Ok(list(&said) + &not.told())
}

pub(super) fn by_us(stage: &mut Stage<'_>) -> Result<String> {
    let (heard, not) = apart(stage, "hear");
    each(stage, &heard, stage.role().other(), |stage| (&mut stage.ours, &stage.theirs))?;
    for code in &not.codes {
        stage.renew()?;
        stage.echo(&Payload::Text("before".into()))?;
        let End { code: heard, .. } = close(&mut stage.ours, &stage.theirs, *code)?;
        // Otherwise its description is too old, and hides what it can by now.
        ensure!(heard != *code, "told {heard}, of which its description says that it is not heard");
    }
    Ok(list(&heard) + &not.told())
}

/// Codes that a peer cannot say, or hear, and why
struct Not {
    codes: Vec<u64>,
    why: String,
}

impl Not {
    fn told(&self) -> String {
        match self.codes[..] {
            [] => String::new(),
            _ => format!("; not {}: {}", list(&self.codes), self.why),
        }
    }
}

/// The codes that the peer can `close` with, or `hear`, and those that it cannot
fn apart(stage: &Stage<'_>, what: &str) -> (Vec<u64>, Not) {
    let why = |code: &u64| stage.cannot(&format!("{what} {code}"));
    let (can, codes): (Vec<_>, Vec<_>) = CODES.into_iter().partition(|code| why(code).is_none());
    let why = codes.first().and_then(why).unwrap_or_default().to_owned();
    (can, Not { codes, why })
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
        let End { code: heard, reason, .. } = close(closer, told, *code)?;
        ensure!(
            (heard, &*reason) == (*code, REASON),
            "told {heard} `{reason}`, not {code} `{REASON}`"
        );
        stage.on_the_wire(begun, |wires| wire::closed(wires, closing, *code, REASON))?;
    }
    Ok(())
}

/// Has one side close, and waits for the end of both; what the other was told
fn close(closing: &mut Program, told: &Program, code: u64) -> Result<End> {
    closing.tell(&json!({ "close": { "code": code, "reason": REASON } }))?;
    let (_, heard) = told.expect("the Close", PATIENCE, end)?;
    closing.expect("the end of its own closing", PATIENCE, end)?;
    Ok(heard)
}

fn list(codes: &[u64]) -> String {
    codes.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
}
