//! A row per question: what was asked, the answer in words and for programs, and how bad it is.

mod beats;
mod rules;

use serde_json::Value;

use super::findings::Findings;
use crate::output::Tone;

/// One question and its answer
#[derive(Debug)]
pub(super) struct Row {
    /// For programs
    pub(super) key: &'static str,
    pub(super) question: &'static str,
    pub(super) answer: String,
    pub(super) tone: Tone,
    pub(super) value: Value,
}

/// In the order in which a reader asks
pub(super) fn rows(found: &Findings) -> Vec<Row> {
    let mut rows =
        vec![beats::upgrade(&found.answer), beats::answers(found), beats::payload(found)];
    rows.extend(found.pings.as_ref().and_then(|pings| pings.burst).map(beats::burst));
    rows.extend([beats::own(found), beats::silent(found), beats::idle(&found.idle)]);
    rows.extend(beats::beaten(found));
    rows.extend(found.fragments.as_ref().map(rules::fragments));
    rows.extend(rules::closes(found));
    rows.extend(rules::broken(found));
    rows.extend(found.version.as_ref().map(rules::version));
    rows.push(rules::retry_after(found));
    rows
}

fn row(
    key: &'static str,
    question: &'static str,
    tone: Tone,
    answer: impl Into<String>,
    value: Value,
) -> Row {
    Row { key, question, answer: answer.into(), tone, value }
}

/// A question that could not be asked; why is told below the rows
fn not_asked(key: &'static str, question: &'static str) -> Row {
    row(key, question, Tone::Doubtful, "not asked", Value::Null)
}
