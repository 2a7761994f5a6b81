//! The rows of a connection that is told something: pieces, Closes, broken rules, refusals.

use serde_json::{Value, json};

use super::{Row, row};
use crate::doctor::findings::{Broken, Closing, Findings, Fragments, Version};
use crate::doctor::wire::Answer;
use crate::output::Tone;
use crate::span::{Span, seconds};

pub(super) fn fragments(fragments: &Fragments) -> Row {
    let question = "takes a message in pieces?";
    let (tone, words, value) = match fragments {
        Fragments::Taken { pong_between: true, echoed: Some(true) } => {
            (Tone::Good, "yes, put together, a Ping answered between".to_owned(), json!(true))
        }
        Fragments::Taken { pong_between: true, echoed: None } => {
            (Tone::Good, "yes, a Ping answered between".to_owned(), json!(true))
        }
        Fragments::Taken { pong_between, echoed: Some(false) } => {
            let between = if *pong_between { "" } else { ", and answers no Ping between" };
            (Tone::Bad, format!("it does not come back whole{between}"), json!(false))
        }
        Fragments::Taken { pong_between: false, .. } => {
            (Tone::Doubtful, "yes, but answers no Ping between".to_owned(), json!(true))
        }
        Fragments::Refused(end) => (Tone::Bad, format!("no: {end}"), json!(false)),
        Fragments::MessageRefused(end) => {
            (Tone::Doubtful, format!("not to be told: in one piece, too, {end}"), Value::Null)
        }
    };
    row("fragments", question, tone, words, value)
}

/// A closing in words
fn ended(closing: &Closing) -> String {
    match &closing.ended {
        Some((_, after)) => format!("socket let go after {}", Span(*after)),
        None => "socket kept for 2 s".to_owned(),
    }
}

pub(super) fn closes(found: &Findings) -> Option<Row> {
    if found.closings.is_empty() {
        return None;
    }
    let mut tone = Tone::Good;
    let mut words = Vec::new();
    let mut values = Vec::new();
    for (ours, closing) in &found.closings {
        let said = ours.map_or_else(|| "none".to_owned(), |code| code.to_string());
        let theirs = match closing.answered {
            None => {
                tone = Tone::Bad;
                "no answer".to_owned()
            }
            Some(theirs) => {
                if theirs != *ours && !(ours.is_none() && theirs.is_none_or(|code| code == 1000)) {
                    // Most send the code back (RFC 6455, section 5.5.1); none must.
                    tone = if matches!(tone, Tone::Good) { Tone::Doubtful } else { tone };
                }
                theirs.map_or_else(|| "none".to_owned(), |code| code.to_string())
            }
        };
        if closing.ended.is_none() && matches!(tone, Tone::Good) {
            tone = Tone::Doubtful;
        }
        words.push(format!("{said}: {theirs}, {}", ended(closing)));
        let after = closing.ended.as_ref().map(|(_, after)| seconds(*after));
        values.push(json!({ "sent": ours, "answered": closing.answered, "ended_s": after }));
    }
    Some(row("closes", "answers a Close?", tone, words.join("; "), values.into()))
}

pub(super) fn broken(found: &Findings) -> Option<Row> {
    if found.broken.is_empty() {
        return None;
    }
    let mut tone = Tone::Good;
    let mut words = Vec::new();
    let mut values = Vec::new();
    for (rule, closing) in &found.broken {
        let (worse, said) = judged(*rule, closing);
        tone = match (tone, worse) {
            (Tone::Bad, _) | (_, Tone::Bad) => Tone::Bad,
            (Tone::Doubtful, _) | (_, Tone::Doubtful) => Tone::Doubtful,
            _ => Tone::Good,
        };
        words.push(format!("{}: {said}", rule.words()));
        values.push(
            json!({ "rule": rule.words(), "asked": rule.code(), "answered": closing.answered }),
        );
    }
    Some(row("broken", "minds broken rules?", tone, words.join("; "), values.into()))
}

fn judged(rule: Broken, closing: &Closing) -> (Tone, String) {
    match (closing.answered, &closing.ended) {
        (Some(Some(code)), _) if code == rule.code() => (Tone::Good, code.to_string()),
        (Some(Some(code)), _) => (Tone::Doubtful, format!("{code} instead of {}", rule.code())),
        (Some(None), _) => (Tone::Doubtful, format!("no code instead of {}", rule.code())),
        (None, Some((end, _))) => (Tone::Doubtful, format!("{end} instead of {}", rule.code())),
        (None, None) => (Tone::Bad, "borne".to_owned()),
    }
}

pub(super) fn version(version: &Version) -> Row {
    let question = "refuses version 12?";
    match version {
        Version::LetIn => {
            row("version", question, Tone::Doubtful, "no: lets it in", json!({ "status": 101 }))
        }
        Version::Refused(answer) => {
            let Answer { status, versions, .. } = &**answer;
            let offers = match versions {
                Some(versions) => format!(", and offers {versions}"),
                None => ", without saying which it speaks".to_owned(),
            };
            let tone = if matches!(status, 400..=499) { Tone::Good } else { Tone::Doubtful };
            let value = json!({ "status": status, "offers": versions });
            row("version", question, tone, format!("with status {status}{offers}"), value)
        }
    }
}

pub(super) fn retry_after(found: &Findings) -> Row {
    let question = "says Retry-After?";
    let refused = &found.refused;
    if refused.is_empty() {
        let words = "nobody was refused";
        return row("retry_after", question, Tone::Good, words, json!([]));
    }
    let said = refused.iter().map(|(status, after)| match after {
        Some(after) => format!("{status}: {after}"),
        None => format!("{status}: no"),
    });
    let words = said.collect::<Vec<_>>().join(", ");
    let told = refused.iter().any(|(_, after)| after.is_some());
    let value = refused.iter().map(|(status, after)| json!({ "status": status, "after": after }));
    let tone = if told { Tone::Good } else { Tone::Doubtful };
    row("retry_after", question, tone, words, value.collect::<Vec<_>>().into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::doctor::wire::End;

    fn closing(answered: Option<Option<u16>>) -> Closing {
        Closing { answered, ended: Some((End::Eof, Duration::from_millis(1))) }
    }

    #[test]
    fn a_rule_is_minded_with_its_code_or_told_otherwise() {
        let tone = |closing: &Closing| judged(Broken::NotUtf8, closing);
        assert!(matches!(tone(&closing(Some(Some(1007)))), (Tone::Good, _)));
        assert!(matches!(tone(&closing(Some(Some(1002)))), (Tone::Doubtful, _)));
        assert!(matches!(tone(&closing(None)), (Tone::Doubtful, _)));
        assert!(matches!(tone(&Closing::default()), (Tone::Bad, _)));
    }
}
