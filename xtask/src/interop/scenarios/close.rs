//! Whoever closes says why, and the other hears it (RFC 6455, section 7).

use anyhow::{Result, ensure};
use serde_json::json;

use super::super::note::{End, Payload};
use super::super::program::Program;
use super::super::settings::PATIENCE;
use super::super::stage::{Stage, end};

/// A code and a reason of the application's own
const CODE: u64 = 4001;
const REASON: &str = "adiós";

pub(super) fn by_them(stage: &mut Stage<'_>) -> Result<String> {
    stage.echo(&Payload::Text("before".into()))?;
    close(&mut stage.theirs, &stage.ours)
}

pub(super) fn by_us(stage: &mut Stage<'_>) -> Result<String> {
    stage.echo(&Payload::Text("before".into()))?;
    close(&mut stage.ours, &stage.theirs)
}

fn close(closing: &mut Program, told: &Program) -> Result<String> {
    closing.tell(&json!({ "close": { "code": CODE, "reason": REASON } }))?;
    let (_, End { code, reason, .. }) = told.expect("the Close", PATIENCE, end)?;
    ensure!((code, &*reason) == (CODE, REASON), "told {code} `{reason}`, not {CODE} `{REASON}`");
    closing.expect("the end of its own closing", PATIENCE, end)?;
    Ok(format!("{code} `{reason}`"))
}
