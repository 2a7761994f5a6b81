//! The rows of a connection that is left alone: let in, its Pings, and who ends it when.

use serde_json::json;

use super::{Row, not_asked, row};
use crate::doctor::findings::{Burst, Echo, Findings, OwnBeat, Pings, Silent, counted};
use crate::doctor::helped;
use crate::doctor::ladder::Idle;
use crate::doctor::wire::{Answer, End};
use crate::output::Tone;
use crate::span::{Millis, Span, seconds};

pub(super) fn upgrade(answer: &Answer) -> Row {
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

pub(super) fn answers(found: &Findings) -> Row {
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

pub(super) fn payload(found: &Findings) -> Row {
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

pub(super) fn burst(burst: Burst) -> Row {
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

pub(super) fn own(found: &Findings) -> Row {
    let question = "pings by itself?";
    let Some(own) = found.own else {
        return not_asked("own_beat", question);
    };
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

pub(super) fn silent(found: &Findings) -> Row {
    let question = "drops who answers nothing?";
    let Some(silent) = &found.silent else {
        return not_asked("silent", question);
    };
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

pub(super) fn idle(idle: &Idle) -> Row {
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

pub(super) fn beaten(found: &Findings) -> Option<Row> {
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn who_cut_is_told_by_how() {
        let closed = End::Closed { code: Some(1001), reason: "idle".into() };
        let after = Duration::from_secs(5);
        let said = |how: End| idle(&Idle::Cut { after, how }).answer;
        assert_eq!(said(closed), "after 5 s, by Close 1001: idle: the server's own rule");
        assert!(said(End::Eof).contains("a proxy's"));
    }
}
