//! The doctor's words: its rows, the recommendation with its reasons, the same as JSON, and the exit
//! code that says whether anything is wrong.

use everbeat_core::config::HeartbeatConfig;
use serde_json::{Value, json};

use super::advice::Advice;
use super::beyond::{Beyond, beyond};
use super::findings::{Findings, Untried};
use super::ladder::Idle;
use super::rows::{Row, rows};
use super::wire::Answer;
use crate::exit::{Exit, Failure};
use crate::output::{Output, Tone};
use crate::span::seconds;

/// A server that refuses is told of, and nothing more can be asked
pub(super) fn refused(answer: &Answer) -> Failure {
    let mut words = format!("the server refuses the upgrade with status {}", answer.status);
    if let Some(server) = &answer.server {
        words.push_str(&format!(" ({server})"));
    }
    match &answer.retry_after {
        Some(after) => words.push_str(&format!(", Retry-After: {after}")),
        None if matches!(answer.status, 429 | 503) => words.push_str(", without a Retry-After"),
        None => {}
    }
    Failure::NoConnection(words)
}

pub(super) fn write(
    output: &mut Output,
    url: &str,
    found: &Findings,
    advice: &Advice,
) -> Result<Exit, Failure> {
    let rows = rows(found);
    let beyond = beyond(found);
    let width = rows.iter().map(|row| row.question.len()).max().unwrap_or(0);
    output.line(output.paint(Tone::Title, format_args!("--- {url} ---")))?;
    for row in &rows {
        let answer = output.paint(row.tone, &row.answer);
        output.line(format_args!("{:<width$}  {answer}", row.question))?;
    }
    for (whats, why) in by_reason(&found.untried) {
        let answer = output.paint(Tone::Doubtful, format_args!("{}: {why}", whats.join(", ")));
        output.line(format_args!("{:<width$}  {answer}", "could not be tried"))?;
    }
    for open in &beyond {
        let moves = open.flag().unwrap_or_else(|| "no budget tells".to_owned());
        let answer = output.paint(Tone::Faint, format_args!("{} ({moves})", open.what));
        output.line(format_args!("{:<width$}  {answer}", "not learned"))?;
    }
    for block in &advice.blocks {
        output.line("")?;
        output.line(output.paint(Tone::Title, block.of))?;
        output.line(&block.why)?;
        for line in &block.lines {
            output.line(format_args!("    {line}"))?;
        }
    }
    let exit = exit(&rows, found);
    if output.is_json() {
        let mut event = event(url, &rows, advice, exit);
        event["untried"] = found.untried.iter().map(untried).collect();
        event["not_learned"] = beyond.iter().map(open).collect();
        output.event(&event)?;
    }
    Ok(exit)
}

fn event(url: &str, rows: &[Row], advice: &Advice, exit: Exit) -> Value {
    let mut findings = json!({});
    for row in rows {
        findings[row.key] = json!({ "answer": row.answer, "value": row.value });
    }
    let beat = |beat: &HeartbeatConfig| {
        json!({
            "interval_s": seconds(beat.interval()),
            "path_timeout_s": seconds(beat.path_timeout()),
            "app_timeout_s": seconds(beat.app_timeout()),
        })
    };
    let blocks: Vec<_> = advice
        .blocks
        .iter()
        .map(|block| json!({ "of": block.of, "why": block.why, "lines": block.lines }))
        .collect();
    json!({
        "event": "diagnosis",
        "url": url,
        "exit": exit as u8,
        "findings": findings,
        "limit_s": advice.limit.map(seconds),
        "client": beat(&advice.client),
        "server": beat(&advice.server),
        "advice": blocks,
    })
}

fn untried(untried: &Untried) -> Value {
    json!({ "what": untried.what, "why": untried.why })
}

fn open(open: &Beyond) -> Value {
    json!({ "what": open.what, "flag": open.flag() })
}

/// What could not be tried, together if it is for one reason
fn by_reason(untried: &[Untried]) -> Vec<(Vec<&str>, &str)> {
    let mut reasons: Vec<(Vec<&str>, &str)> = Vec::new();
    for Untried { what, why, .. } in untried {
        match reasons.iter_mut().find(|(_, known)| known == why) {
            Some((whats, _)) => whats.push(what),
            None => reasons.push((vec![what], why)),
        }
    }
    reasons
}

/// Anything bad is 1; a silence of which nothing is known, or a question that could not be asked, is 4
fn exit(rows: &[Row], found: &Findings) -> Exit {
    if rows.iter().any(|row| matches!(row.tone, Tone::Bad)) {
        Exit::Lost
    } else if found.idle == Idle::Unknown || found.untried.iter().any(|untried| untried.asks) {
        Exit::Undecided
    } else {
        Exit::Fine
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_open_question_is_a_4_and_one_silence_of_many_is_none() {
        let longest = Duration::from_secs(150);
        let mut found = Findings { idle: Idle::Survives { longest }, ..Findings::default() };
        let code = |found: &Findings| exit(&rows(found), found);
        assert_eq!(code(&found), Exit::Fine);
        let (what, why) = ("a silence of 30 s".to_owned(), "refused with status 503".to_owned());
        found.untried.push(Untried { what, why, asks: false });
        assert_eq!(code(&found), Exit::Fine);
        found.untried[0].asks = true;
        assert_eq!(code(&found), Exit::Undecided);
    }

    #[test]
    fn a_refusal_says_what_there_is_to_say() {
        let mut answer = Answer { status: 503, ..Answer::default() };
        assert!(refused(&answer).to_string().contains("503, without a Retry-After"));
        answer.retry_after = Some("7".into());
        assert!(refused(&answer).to_string().ends_with("503, Retry-After: 7"));
    }
}
