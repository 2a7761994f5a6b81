//! The peer's own Pings are answered with what they carry (RFC 6455, section 5.5.3).

use std::time::Instant;

use anyhow::{Result, ensure};
use serde_json::json;

use super::super::note::{Note, digits};
use super::super::settings::PATIENCE;
use super::super::stage::Stage;
use super::super::wire::{PING, PONG};

/// None, one byte, text, and as many bytes as a control frame can hold
const PAYLOADS: [&[u8]; 5] = [b"", b"\0", b"PING", "ü€𝄞".as_bytes(), &[0xff; 125]];

pub(super) fn is_answered(stage: &mut Stage<'_>) -> Result<String> {
    let (role, tells) = (stage.role(), stage.cannot("tell").is_none());
    for payload in PAYLOADS {
        let begun = Instant::now();
        stage.theirs.tell(&json!({ "ping": digits(payload) }))?;
        let what = format!("the Pong with {} bytes", payload.len());
        if tells {
            stage.theirs.expect(&what, PATIENCE, |note| match note {
                Note::Pong(answer) if answer == payload => Some(()),
                _ => None,
            })?;
        }
        let seen = stage.on_the_wire(begun, |wires| {
            let count = |from, code| {
                let frames = wires.iter().filter_map(|wire| wire.frame_of(from));
                frames.filter(|frame| frame.code == code && frame.payload == payload).count()
            };
            let (asked, answered) = (count(role, PING), count(role.other(), PONG));
            ensure!(asked == 1 && answered == 1, "{asked} Pings and {answered} times {what}");
            Ok(())
        })?;
        ensure!(tells || seen.is_some(), "nobody could tell of {what}");
    }
    Ok(format!("{} Pings answered", PAYLOADS.len()))
}
