//! What to set, and why, from what was found. The durations are not this file's: they come from the
//! same functions that everbeat's own settings are made by.

use std::time::Duration;

use everbeat_core::config::{ConfigError, HeartbeatAsked, HeartbeatConfig};

use super::findings::{Findings, OwnBeat, Pings, Silent};
use super::ladder::Idle;
use crate::span::Span;

/// A round trip beyond which the clocks are those for slow roads: a third of the time after which a
/// silence is suspicious
const SLOW: Duration = Duration::from_secs(1);
/// A connection that ends sooner was not ended for being idle, and no beat would help
const LEAST: Duration = Duration::from_millis(500);
/// How much less than a limit may be seen of it
const EARLY: Duration = Duration::from_millis(300);
/// How many beats a proxy's limit should have room for: two may be lost, or late
const ROOM: u32 = 3;

/// What to set
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Advice {
    /// How long a connection may be idle, as far as is known
    pub(super) limit: Option<Duration>,
    pub(super) client: HeartbeatConfig,
    pub(super) server: HeartbeatConfig,
    pub(super) blocks: Vec<Block>,
}

/// Lines for one program, and why they are so
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) of: &'static str,
    pub(super) why: String,
    pub(super) lines: Vec<String>,
}

/// The limit on idle connections that the recommendation keeps: in whole seconds, for people set such,
/// and what was measured is that and the time that the news took
pub(super) fn limit(idle: &Idle) -> Option<Duration> {
    let limit = match idle {
        Idle::Cut { after, .. } => Some(whole(*after)),
        Idle::Forgotten { survives, gone_by } => {
            // Nothing was survived: the least that is known is half of what was not.
            Some(if survives.is_zero() { whole(*gone_by / 2) } else { whole(*survives) })
        }
        Idle::Survives { .. } | Idle::Erratic { .. } | Idle::Unknown => None,
    };
    limit.filter(|&limit| limit >= LEAST)
}

fn whole(time: Duration) -> Duration {
    // Who cuts has counted since a little before we could: nginx's 5 s were seen as 4.9 s.
    let seconds = Duration::from_secs((time + EARLY).as_secs());
    if time < Duration::from_secs(2) { time } else { seconds }
}

/// What to set for what was found; `promise` is what the user wants to be told of within
pub(super) fn advise(
    url: &str,
    found: &Findings,
    promise: Option<Duration>,
) -> Result<Advice, ConfigError> {
    let limit = limit(&found.idle);
    let slowest = found.pings.as_ref().and_then(Pings::slowest);
    let slow = slowest.is_some_and(|slowest| slowest > SLOW);
    let beat = |preset| {
        let mut asked = HeartbeatAsked::new(preset);
        if let Some(promise) = promise {
            asked = asked.detect_within(promise);
        }
        if let Some(limit) = limit {
            asked = asked.idle_limit(limit);
        }
        asked.check()
    };
    let client = beat(if slow { HeartbeatConfig::MOBILE } else { HeartbeatConfig::CLIENT })?;
    let server = beat(HeartbeatConfig::SERVER)?;
    let settings = Settings { limit, promise, slow };
    let slowest = client.interval().max(server.interval());
    let mut blocks =
        vec![everbeat_client(url, found, &settings, &client), everbeat_server(&settings, &server)];
    blocks.extend(proxies(&settings, slowest));
    Ok(Advice { limit, client, server, blocks })
}

struct Settings {
    limit: Option<Duration>,
    promise: Option<Duration>,
    slow: bool,
}

impl Settings {
    /// The builder's lines that a role needs
    fn lines(&self, role: Role) -> Vec<String> {
        let mut lines = Vec::new();
        if self.slow && role == Role::Client {
            lines.push("    .preset(HeartbeatConfig::MOBILE)".into());
        }
        if let Some(promise) = self.promise {
            let promise = rust(promise);
            lines.push(match role {
                Role::Client => format!("    .detect_within({promise})"),
                Role::Server => format!("    .expire(Expire::default().silent({promise}))"),
            });
        }
        if let Some(limit) = self.limit {
            lines.push(format!("    .idle_limit({})", rust(limit)));
        }
        lines
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Client,
    Server,
}

fn everbeat_client(
    url: &str,
    found: &Findings,
    settings: &Settings,
    client: &HeartbeatConfig,
) -> Block {
    let mut lines = vec![format!("let mut client = Client::builder({url:?})")];
    lines.extend(settings.lines(Role::Client));
    let mut why = clocks(client, settings.limit);
    if found.pings.as_ref().is_some_and(|pings| !pings.are_answered()) {
        lines.push("    .beat(OwnBeat::new(.., |message| ..)) // what the API has for it".into());
        why.push_str(
            " This server does not answer Pings as it has to (RFC 6455, section 5.5.3): without a \
             message of its API's own as the beat it would be taken for dead.",
        );
    }
    if let Some(Silent::Dropped { after, .. }) = &found.silent {
        why.push_str(&format!(
            " The server drops who does not answer its Pings within {}: everbeat answers them as \
             long as the client is awaited, so keep awaiting it.",
            Span(*after)
        ));
    }
    if let Some(OwnBeat::Every { interval, .. }) = found.own {
        if interval < client.interval() {
            why.push_str(&format!(
                " The server's own Ping each {} keeps the client quiet: it beats only when that \
                 fails to come.",
                Span(interval)
            ));
        }
    }
    lines.push("    .connect().await?;".into());
    Block { of: "everbeat, as the client", why, lines }
}

fn everbeat_server(settings: &Settings, server: &HeartbeatConfig) -> Block {
    let mut lines = vec!["let server = Server::builder()".to_owned()];
    lines.extend(settings.lines(Role::Server));
    lines.push("    .bind(\"0.0.0.0:9001\").await?;".into());
    let why = clocks(server, settings.limit);
    Block { of: "everbeat, as a server behind the same road", why, lines }
}

/// A beat in words
fn clocks(beat: &HeartbeatConfig, limit: Option<Duration>) -> String {
    let interval = Span(beat.interval());
    let (path, app) = (Span(beat.path_timeout()), Span(beat.app_timeout()));
    let reason = match limit {
        Some(limit) if beat.interval() * 100 <= limit * 46 => {
            format!("{} is the limit, and two beats fit into it if one is lost", Span(limit))
        }
        Some(limit) => format!("within the limit of {}", Span(limit)),
        None => "the default, for no limit was found".into(),
    };
    format!(
        "Beats after {interval} of silence: {reason}. Then a road that carries nothing is dead \
         after {path}, a program that hangs after {app}."
    )
}

/// For who runs what is in between: a limit that the beats fit into with room
fn proxies(settings: &Settings, slowest: Duration) -> Vec<Block> {
    // What everbeat beats at without a limit to keep, so that the limit can be what gives way
    let beat = slowest.max(HeartbeatConfig::SERVER.interval());
    let room = (beat * ROOM).as_secs().max(1);
    let now = match settings.limit {
        Some(limit) if limit.as_secs() < room => format!(
            "Its limit may be the {} that were found. Longer than {ROOM} beats of {} it needs no \
             `idle_limit` above.",
            Span(limit),
            Span(beat)
        ),
        _ => format!("It has to be longer than {ROOM} beats of {}.", Span(beat)),
    };
    vec![
        Block {
            of: "nginx",
            why: format!(
                "`proxy_read_timeout` is how long it lets a connection be idle, 60 s if nothing is \
                 set; the first three lines are what an upgrade needs at all. In the `location` that \
                 has the `proxy_pass`: one with a `proxy_set_header` of its own takes none from \
                 without. {now}"
            ),
            lines: vec![
                "proxy_http_version 1.1;".into(),
                "proxy_set_header Upgrade $http_upgrade;".into(),
                "proxy_set_header Connection \"upgrade\";".into(),
                format!("proxy_read_timeout {room}s;"),
                format!("proxy_send_timeout {room}s;"),
            ],
        },
        Block {
            of: "HAProxy",
            why: format!(
                "`timeout tunnel` takes the place of `timeout client` and `timeout server` once a \
                 connection is upgraded; without it the shorter of those is the limit. `timeout \
                 client-fin` is for clients that are gone by half, for which the tunnel's would be \
                 long. In `defaults` or `listen`: a `frontend` ignores the first, a `backend` the \
                 second. {now}"
            ),
            lines: vec![
                "# in the `defaults` that there is".into(),
                format!("timeout tunnel {room}s"),
                "timeout client-fin 10s".into(),
            ],
        },
    ]
}

/// A duration as Rust has it
fn rust(time: Duration) -> String {
    match time.subsec_millis() {
        0 => format!("Duration::from_secs({})", time.as_secs()),
        _ => format!("Duration::from_millis({})", time.as_millis()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::findings::Echo;
    use crate::doctor::wire::End;

    const SECOND: Duration = Duration::from_secs(1);

    fn found(idle: Idle) -> Findings {
        let trip = Duration::from_millis(20);
        let pings = Pings { sizes: vec![(8, Echo::Same(trip))], trips: vec![trip], burst: None };
        Findings { pings: Some(pings), idle, ..Findings::default() }
    }

    fn cut(millis: u64) -> Idle {
        Idle::Cut { after: Duration::from_millis(millis), how: End::Eof }
    }

    fn advice(found: &Findings, promise: Option<Duration>) -> Advice {
        advise("ws://a/", found, promise).unwrap()
    }

    fn text(advice: &Advice) -> String {
        advice
            .blocks
            .iter()
            .flat_map(|block| &block.lines)
            .map(|line| format!("{line}\n"))
            .collect()
    }

    #[test]
    fn the_beat_is_what_everbeats_own_setting_makes_of_the_limit() {
        let advice = advice(&found(cut(5_012)), None);
        assert_eq!(advice.limit, Some(5 * SECOND));
        assert_eq!(Ok(advice.client), HeartbeatConfig::CLIENT.idle_limit(5 * SECOND));
        assert_eq!(Ok(advice.server), HeartbeatConfig::SERVER.idle_limit(5 * SECOND));
        let lines = text(&advice);
        assert_eq!(lines.matches(".idle_limit(Duration::from_secs(5))").count(), 2, "{lines}");
        assert!(lines.contains("proxy_read_timeout 75s;"), "{lines}");
        assert!(lines.contains("timeout tunnel 75s"), "{lines}");
    }

    #[test]
    fn without_a_limit_the_defaults_stay_and_no_line_is_for_nothing() {
        for idle in [Idle::Survives { longest: 150 * SECOND }, Idle::Unknown] {
            let advice = advice(&found(idle), None);
            assert_eq!(advice.client, HeartbeatConfig::CLIENT);
            assert_eq!(advice.server, HeartbeatConfig::SERVER);
            assert!(!text(&advice).contains("idle_limit"));
        }
    }

    #[test]
    fn what_was_forgotten_is_kept_within_what_was_survived() {
        let idle = Idle::Forgotten { survives: 45 * SECOND, gone_by: 55 * SECOND };
        assert_eq!(limit(&idle), Some(45 * SECOND));
        let at_once = Idle::Forgotten { survives: Duration::ZERO, gone_by: 2 * SECOND };
        assert_eq!(limit(&at_once), Some(SECOND));
        assert_eq!(limit(&cut(60_030)), Some(60 * SECOND));
        assert_eq!(limit(&cut(59_800)), Some(60 * SECOND));
        assert_eq!(limit(&cut(59_600)), Some(59 * SECOND));
        assert_eq!(limit(&cut(1_020)), Some(Duration::from_millis(1_020)));
        assert_eq!(limit(&cut(30)), None, "sent away, not cut for being idle");
    }

    #[test]
    fn a_promise_is_kept_and_one_that_cannot_be_is_refused() {
        let advice = advice(&found(cut(60_000)), Some(15 * SECOND));
        let kept = HeartbeatConfig::CLIENT.detect_within(15 * SECOND).unwrap();
        assert_eq!(advice.client, kept.idle_limit(60 * SECOND).unwrap());
        assert!(text(&advice).contains(".detect_within(Duration::from_secs(15))"));
        let error = advise("ws://a/", &found(cut(60_000)), Some(SECOND / 10)).unwrap_err();
        assert_eq!(error.setting(), "detect_within");
    }

    #[test]
    fn a_server_that_does_not_answer_and_one_that_is_far_are_told_of() {
        let mut found = found(Idle::Unknown);
        found.pings.as_mut().unwrap().sizes = vec![(8, Echo::None)];
        assert!(text(&advice(&found, None)).contains("OwnBeat"));
        found.pings.as_mut().unwrap().trips = vec![SECOND + SECOND / 10];
        let advice = advice(&found, None);
        assert_eq!(advice.client, HeartbeatConfig::MOBILE);
        assert!(text(&advice).contains("HeartbeatConfig::MOBILE"));
        found.pings = None;
        assert!(!text(&advise("ws://a/", &found, None).unwrap()).contains("OwnBeat"), "not asked");
    }
}
