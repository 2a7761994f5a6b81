//! The peer's own Pings are answered with what they carry (RFC 6455, section 5.5.3).

use anyhow::Result;
use serde_json::json;

use super::super::note::{Note, digits};
use super::super::settings::PATIENCE;
use super::super::stage::Stage;

/// None, one byte, text, and as many bytes as a control frame can hold
const PAYLOADS: [&[u8]; 5] = [b"", b"\0", b"PING", "ü€𝄞".as_bytes(), &[0xff; 125]];

pub(super) fn is_answered(stage: &mut Stage<'_>) -> Result<String> {
    for payload in PAYLOADS {
        stage.theirs.tell(&json!({ "ping": digits(payload) }))?;
        let what = format!("the Pong with {} bytes", payload.len());
        stage.theirs.expect(&what, PATIENCE, |note| match note {
            Note::Pong(answer) if answer == payload => Some(()),
            _ => None,
        })?;
    }
    Ok(format!("{} Pings answered", PAYLOADS.len()))
}
