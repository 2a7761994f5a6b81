//! The doctor's words: a row per question, the recommendation with its reasons, the same as JSON, and
//! the exit code that says whether anything is wrong.

use everbeat_core::config::HeartbeatConfig;
use serde_json::{Value, json};

use super::advice::Advice;
use super::beyond::{Beyond, beyond};
use super::findings::{
    Broken, Burst, Closing, Echo, Findings, Fragments, OwnBeat, Pings, Silent, Untried, Version,
    counted,
};
use super::helped;
use super::ladder::Idle;
use super::wire::{Answer, End};
use crate::exit::{Exit, Failure};
use crate::output::{Output, Tone};
use crate::span::{Millis, Span, seconds};

const OWN: &str = "pings by itself?";
const SILENT: &str = "drops who answers nothing?";

/// One question and its answer
#[derive(Debug)]
pub(super) struct Row {
    /// For programs
    key: &'static str,
    question: &'static str,
    answer: String,
    tone: Tone,
    value: Value,
}

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

pub(super) fn rows(found: &Findings) -> Vec<Row> {
    let mut rows = vec![upgrade(&found.answer), answers(found), payload(found)];
    rows.extend(found.pings.as_ref().and_then(|pings| pings.burst).map(burst));
    rows.push(found.own.map_or_else(|| not_asked("own_beat", OWN), own));
    rows.push(found.silent.as_ref().map_or_else(|| not_asked("silent", SILENT), silent));
    rows.push(idle(&found.idle));
    rows.extend(beaten(found));
    rows.extend(found.fragments.as_ref().map(fragments));
    rows.extend(closes(found));
    rows.extend(broken(found));
    rows.extend(found.version.as_ref().map(version));
    rows.push(retry_after(found));
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

fn upgrade(answer: &Answer) -> Row {
    let mut words = format!("yes, after {:.1} ms", Millis(answer.took));
    for (name, value) in [("Server", &answer.server), ("Via", &answer.via)] {
        if let Some(value) = value {
            words.push_str(&format!(", {name}: {value}"));
        }
    }
    if let Some(name) = &answer.subprotocol {
        words.push_str(&format!(", subprotocol {name}"));
    }
    let value = json!({
        "took_ms": Millis(answer.took).number(),
        "server": answer.server,
        "via": answer.via,
        "subprotocol": answer.subprotocol,
    });
    row("upgrade", "lets us in?", Tone::Good, words, value)
}

fn answers(found: &Findings) -> Row {
    let question = "answers a Ping?";
    let Some(pings) = &found.pings else {
        return not_asked("answers_ping", question);
    };
    let answered = pings.sizes.iter().any(|(_, echo)| !matches!(echo, Echo::None | Echo::Ended(_)));
    if !answered {
        let how = pings.sizes.iter().find_map(|(_, echo)| match echo {
            Echo::Ended(end) => Some(end.to_string()),
            _ => None,
        });
        let words = how.map_or_else(|| "no, not within 5 s".to_owned(), |how| format!("no: {how}"));
        return row("answers_ping", question, Tone::Bad, words, false.into());
    }
    let mut trips = pings.trips.clone();
    trips.sort();
    let words = match (trips.first(), trips.last()) {
        (Some(&least), Some(&most)) => {
            format!("yes, within {} to {} ms", Millis(least), Millis(most))
        }
        _ => "yes".to_owned(),
    };
    row("answers_ping", question, Tone::Good, words, true.into())
}

fn payload(found: &Findings) -> Row {
    let question = "echoes its payload?";
    let Some(Pings { sizes, .. }) = &found.pings else {
        return not_asked("echoes_payload", question);
    };
    let wrong: Vec<_> = sizes
        .iter()
        .filter(|(_, echo)| !matches!(echo, Echo::Same(_) | Echo::Again))
        .map(|(size, echo)| {
            let how = match echo {
                Echo::Other => "another one".to_owned(),
                Echo::Ended(end) => end.to_string(),
                _ => "no answer".to_owned(),
            };
            format!("{size} bytes: {how}")
        })
        .collect();
    let again = sizes.iter().filter(|(_, echo)| *echo == Echo::Again).count();
    if wrong.is_empty() && again > 0 {
        // A library that leaves an answer in its queue until there is more to say does that.
        let words = format!("yes, but {again} of {} only when asked again", sizes.len());
        return row("echoes_payload", question, Tone::Doubtful, words, true.into());
    }
    if wrong.is_empty() {
        let words = "yes, with 0, 8 and 125 bytes";
        return row("echoes_payload", question, Tone::Good, words, true.into());
    }
    row("echoes_payload", question, Tone::Bad, format!("no, {}", wrong.join(", ")), false.into())
}

fn burst(burst: Burst) -> Row {
    let (tone, words) = match burst {
        Burst::All => (Tone::Good, "all".to_owned()),
        Burst::Newest(1) => (Tone::Good, "the newest, which is allowed".to_owned()),
        Burst::Newest(count) => (Tone::Good, format!("{count}, the newest among them")),
        Burst::Some(count) => (Tone::Doubtful, format!("{count}, and the newest not")),
        Burst::None => (Tone::Bad, "none".to_owned()),
    };
    let value = words.clone().into();
    row("burst", "answers of three at once?", tone, words, value)
}

fn own(own: OwnBeat) -> Row {
    let question = OWN;
    match own {
        OwnBeat::None { within } => {
            let words = format!("not within {}", Span(within));
            let value = json!({ "pings": false, "within_s": seconds(within) });
            row("own_beat", question, Tone::Good, words, value)
        }
        OwnBeat::Once { after } => {
            let words = format!("once, after {}", Span(after));
            let value = json!({ "pings": true, "after_s": seconds(after) });
            row("own_beat", question, Tone::Good, words, value)
        }
        OwnBeat::Every { interval, seen } => {
            let words = format!("every {}, {seen} were seen", Span(interval));
            let value = json!({ "pings": true, "interval_s": seconds(interval), "seen": seen });
            row("own_beat", question, Tone::Good, words, value)
        }
    }
}

fn silent(silent: &Silent) -> Row {
    let question = SILENT;
    let (tone, words, value) = match silent {
        Silent::NotAsked => {
            (Tone::Good, "it asked nothing".to_owned(), json!({ "drops": false, "asked": false }))
        }
        Silent::Dropped { after, pings, how } => (
            Tone::Good,
            format!("{} after its first Ping of {pings}, by {how}", Span(*after)),
            json!({ "drops": true, "after_s": seconds(*after), "how": how.to_string() }),
        ),
        Silent::Kept { lasted, pings } => (
            Tone::Doubtful,
            format!("not within {} and {}", Span(*lasted), counted(*pings)),
            json!({ "drops": false, "asked": true, "within_s": seconds(*lasted) }),
        ),
        Silent::AsOthers => (
            Tone::Good,
            "not before it ended as all idle ones do".to_owned(),
            json!({ "drops": false, "asked": true }),
        ),
    };
    row("silent", question, tone, words, value)
}

fn idle(idle: &Idle) -> Row {
    let question = "cuts idle connections?";
    let (tone, words, value) = match idle {
        Idle::Cut { after, how } => (
            Tone::Doubtful,
            format!("after {}, by {how}{}", Span(*after), whose(how)),
            json!({ "cuts": true, "after_s": seconds(*after), "how": how.to_string() }),
        ),
        Idle::Forgotten { survives, gone_by } => (
            Tone::Doubtful,
            format!(
                "forgets them without a word: {} were survived, {} were not",
                Span(*survives),
                Span(*gone_by)
            ),
            json!({
                "cuts": true,
                "survives_s": seconds(*survives),
                "gone_by_s": seconds(*gone_by),
                "how": "without a word",
            }),
        ),
        Idle::Survives { longest } => (
            Tone::Good,
            format!("not within {}", Span(*longest)),
            json!({ "cuts": false, "within_s": seconds(*longest) }),
        ),
        Idle::Erratic { ended, survived, how } => (
            Tone::Doubtful,
            format!(
                "by no limit: one ended after {}{}, another survived {}",
                Span(*ended),
                how.as_ref().map_or(String::new(), |how| format!(" by {how}")),
                Span(*survived)
            ),
            json!({ "cuts": null, "ended_s": seconds(*ended), "survived_s": seconds(*survived) }),
        ),
        Idle::Unknown => {
            (Tone::Doubtful, "nothing was seen that says it".to_owned(), json!({ "cuts": null }))
        }
    };
    row("idle", question, tone, words, value)
}

/// Who ends a connection like that
fn whose(how: &End) -> &'static str {
    match how {
        End::Closed { .. } => ": the server's own rule",
        End::Eof | End::Reset => ": a proxy's, or a server's that says no Close",
        End::Failed(_) | End::Nonsense(_) => "",
    }
}

fn beaten(found: &Findings) -> Option<Row> {
    let question = "and one that beats?";
    let beaten = found.beaten.as_ref()?;
    let (interval, lasted) = (Span(beaten.interval), Span(beaten.lasted));
    let (tone, words) = if helped(beaten) {
        (Tone::Good, format!("lived for {lasted} with a Ping each {interval}"))
    } else {
        (Tone::Bad, format!("ended after {lasted} all the same, with a Ping each {interval}"))
    };
    let value = json!({
        "helps": helped(beaten),
        "interval_s": seconds(beaten.interval),
        "lasted_s": seconds(beaten.lasted),
    });
    Some(row("beaten", question, tone, words, value))
}

fn fragments(fragments: &Fragments) -> Row {
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

fn closes(found: &Findings) -> Option<Row> {
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

fn broken(found: &Findings) -> Option<Row> {
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

fn version(version: &Version) -> Row {
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

fn retry_after(found: &Findings) -> Row {
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

    #[test]
    fn who_cut_is_told_by_how() {
        let closed = End::Closed { code: Some(1001), reason: "idle".into() };
        let after = Duration::from_secs(5);
        let said = |how: End| idle(&Idle::Cut { after, how }).answer;
        assert_eq!(said(closed), "after 5 s, by Close 1001: idle: the server's own rule");
        assert!(said(End::Eof).contains("a proxy's"));
    }
}
