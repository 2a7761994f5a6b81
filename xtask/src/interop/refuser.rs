//! HTTP servers that refuse an upgrade, each in its own words, and what our client makes of it: how
//! often it asks, and when. Judged from the wire.

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::judge;
use super::middle::{Job, Kind};
use super::note::Note;
use super::peer::Role;
use super::program::Program;
use super::settings::{DIAL, ENOUGH, PATIENCE, RETRY};
use super::stage::listening;
use super::tap::Tap;
use super::theatre::{Theatre, add};
use super::wire::Wire;
use crate::lateness::Lateness;

/// Who refuses
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refuser {
    /// Python's http.server
    Python,
    /// By its `return`
    Nginx,
}

/// What our client makes of it
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    /// Never again
    Once,
    /// Once more, with a fresh request
    Twice,
    /// Again, and not before this
    After(Duration),
}

/// A way to refuse
struct Way {
    path: &'static str,
    status: &'static str,
    /// A part of what our client says
    words: &'static str,
    asks: Asks,
}

const fn way(path: &'static str, status: &'static str, words: &'static str, asks: Asks) -> Way {
    Way { path, status, words, asks }
}

const AFTER: Asks = Asks::After(Duration::from_secs(1));

const WAYS: [Way; 8] = [
    way("/401", "401", "rejected with status 401", Asks::Twice),
    way("/403", "403", "rejected with status 403", Asks::Twice),
    way("/404", "404", "rejected with status 404", Asks::Once),
    way("/429/1", "429", "rejected with status 429, retry after 1", AFTER),
    way("/503/1", "503", "rejected with status 503, retry after 1", AFTER),
    way("/302", "302", "rejected with status 302", Asks::Once),
    way("/200", "200", "rejected with status 200", Asks::Once),
    way("/101", "101", "not a WebSocket", Asks::Once),
];

/// The same as nginx says it; it cannot say 101
const NGINX: &str = "\
        location /401 { return 401; }
        location /403 { return 403; }
        location /404 { return 404; }
        location /429/1 { add_header Retry-After 1 always; return 429; }
        location /503/1 { add_header Retry-After 1 always; return 503; }
        location /302 { return 302 /elsewhere; }
        location /200 { return 200; }
";

impl Refuser {
    pub(super) const ALL: [Self; 2] = [Self::Python, Self::Nginx];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Python => "http.server",
            Self::Nginx => "nginx",
        }
    }

    /// Why it cannot be had here, if it cannot
    pub(super) fn missing(self, theatre: &Theatre) -> Option<&str> {
        match self {
            Self::Python => theatre.python.as_deref(),
            Self::Nginx => theatre.middles.missing(Kind::Nginx),
        }
    }

    pub(super) fn play(
        self,
        theatre: &Theatre,
        runtime: &str,
        lateness: &Lateness,
    ) -> Result<String> {
        match self {
            Self::Python => {
                let script = theatre.root.join("interop/http/server.py");
                let server =
                    Program::start(self.name(), Command::new("python3").arg(script), lateness)?;
                each(theatre, runtime, &listening(&server)?, &WAYS, lateness)
            }
            Self::Nginx => {
                let job = Job { server: "127.0.0.1:9", limit: None, tls: None, refuses: NGINX };
                let nginx = theatre.middles.start(Kind::Nginx, &job, &theatre.folder)?;
                let ways = WAYS.iter().filter(|way| NGINX.contains(&format!("{} {{", way.path)));
                each(theatre, runtime, &nginx.address().to_string(), ways, lateness)
            }
        }
    }
}

fn each<'a>(
    theatre: &Theatre,
    runtime: &str,
    server: &str,
    ways: impl IntoIterator<Item = &'a Way>,
    lateness: &Lateness,
) -> Result<String> {
    let mut told = Vec::new();
    for way in ways {
        let tap = Program::start("the tap", &mut Tap::command(&theatre.ours, server), lateness)?;
        let mut tap = Tap::new(tap)?;
        let url = format!("ws://{}{}", tap.address, way.path);
        let mut command = theatre.ours(Role::Client, &url, runtime);
        add(&mut command, &[("--dial", DIAL), ("--retry", RETRY)]);
        let begun = Instant::now();
        let client = Program::start("everbeat", command.arg("--retry-first"), lateness)?;
        let words = client.refusal(PATIENCE)?.context("it says that it is connected")?;
        ensure!(words.contains(way.words), "{}: it says `{words}`", way.status);
        // Long enough for all that it may ask yet.
        let wait = match way.asks {
            Asks::After(delay) => delay + RETRY + ENOUGH,
            Asks::Once | Asks::Twice => RETRY + ENOUGH,
        };
        sleep(wait + lateness.worst_since(begun));
        let late = lateness.worst_since(begun);
        let asked = asked(tap.heard(), way.status)?;
        asked_right(&asked, way.asks, late).with_context(|| way.status)?;
        let connected = client.told().contains(&Note::Connected);
        ensure!(!connected, "{}: it says that it is connected", way.status);
        told.push(format!("{} {}", way.status, times(asked.len())));
    }
    Ok(format!("asked {}", told.join(", ")))
}

fn times(number: usize) -> String {
    match number {
        1 => "once".into(),
        2 => "twice".into(),
        many => format!("{many} times"),
    }
}

/// When it asked, for each time that it was answered with this status
fn asked(heard: &[(Instant, Wire)], status: &str) -> Result<Vec<Instant>> {
    let mut asked = Vec::new();
    for (at, wire) in heard {
        if wire.head_of(Role::Client).is_some() {
            asked.push(*at);
        }
        if let Some(line) = wire.head_of(Role::Server) {
            let answer = line.split(' ').nth(1).unwrap_or_default();
            ensure!(answer == status, "it was answered `{line}`, not {status}");
        }
    }
    Ok(asked)
}

/// Whether it asked as often as it may, and not too early
fn asked_right(asked: &[Instant], asks: Asks, late: Duration) -> Result<()> {
    match asks {
        Asks::Once => ensure!(asked.len() == 1, "asked {} times", asked.len()),
        Asks::Twice => ensure!(asked.len() == 2, "asked {} times", asked.len()),
        Asks::After(delay) => {
            let [first, second, ..] = asked else { anyhow::bail!("asked {} times", asked.len()) };
            let waited = second.saturating_duration_since(*first);
            ensure!(waited >= delay, "asked again after {waited:.2?}, and told to wait {delay:?}");
            judge::within("asked again", waited, delay + RETRY + DIAL, late)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::wire::Seen;
    use super::*;

    #[test]
    fn nginx_refuses_in_every_way_but_the_one_that_it_cannot() {
        for way in &WAYS {
            let says = NGINX.contains(&format!("{} {{", way.path));
            assert_eq!(says, way.status != "101", "{}", way.path);
        }
    }

    #[test]
    fn who_is_told_when_to_come_does_not_come_before() {
        let at = |millis| Instant::now() + Duration::from_millis(millis);
        let right = |asked: &[Instant], asks| asked_right(asked, asks, Duration::ZERO).is_ok();
        let now = at(0);
        let later = |millis| now + Duration::from_millis(millis);
        assert!(right(&[now, later(1_000)], AFTER) && right(&[now, later(1_400)], AFTER));
        assert!(!right(&[now, later(999)], AFTER) && !right(&[now], AFTER));
        assert!(!right(&[now, later(9_000)], AFTER));
        assert!(right(&[now], Asks::Once) && !right(&[now, later(5)], Asks::Once));
        assert!(right(&[now, later(5)], Asks::Twice) && !right(&[now], Asks::Twice));
    }

    #[test]
    fn only_an_answer_with_the_right_status_is_one() {
        let head = |from, line: &str| {
            let seen = Seen::Head(line.into());
            (Instant::now(), Wire { at: 0, connection: 1, from, seen })
        };
        let asks = head(Role::Client, "GET /401 HTTP/1.1");
        let heard = [asks.clone(), head(Role::Server, "HTTP/1.1 401 Unauthorized"), asks];
        assert_eq!(asked(&heard, "401").unwrap().len(), 2);
        assert!(asked(&heard, "403").is_err());
    }
}
