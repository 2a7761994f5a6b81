//! The command line: what a peer is asked for.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};

pub(crate) const USAGE: &str = "\
usage: everbeat-interop server ADDRESS | client URL | fuzzed URL  --runtime NAME
           [--beat MS] [--timeout MS] [--within MS] [--dial MS] [--retry MS]
           [--idle-limit MS] [--no-beat] [--retry-first] [--once] [--most N]
           [--tick MS] [--watch] [--brief] [--ca FILE] [--cert FILE --key FILE]
       everbeat-interop usual URL
       everbeat-interop bare server ADDRESS | fuzzed URL
       everbeat-interop tap ADDRESS
       everbeat-interop certificates FOLDER [NAME..]

  fuzzed         a client for each case of Autobahn's fuzzing server, which says all back
  usual          no everbeat: the usual recipe, which ours is held against
  bare           no everbeat: tungstenite alone, which ours is held against
  tap            stands before the server there, and tells each frame that passes
  --beat MS      the heartbeat's interval
  --timeout MS   and its timeout
  --within MS    instead of both: a promise, when a peer that is gone is found dead
  --idle-limit MS  a beat that survives a proxy with this limit
  --no-beat      none at all
  --dial MS      how long a client's attempt may take
  --retry MS     a client's longest delay between attempts
  --retry-first  a client's first attempt is tried again as later ones are
  --once         a client makes one connection and none after it
  --most N       how many connections a server takes at one time
  --tick MS      a server says something by itself so often
  --watch        a client is told when the addresses and routes of its machine change
  --brief        of messages only their lengths are told
  --ca FILE      whom a client trusts, PEM; of a server: whose clients it lets in, and no others
  --cert FILE    a server's certificate, PEM: it speaks TLS; of a client: what it shows if asked
  --key FILE     and its key";

/// What is asked for
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// To be a peer
    Peer(Box<Args>),
    /// To be a client by the usual recipe, at this URL
    Usual(String),
    /// To be bare tungstenite
    Bare(Role),
    /// To stand before a server at this address
    Tap(String),
    /// Certificates in this folder, for peers that speak TLS and have one of these names
    Certificates(PathBuf, Vec<String>),
}

/// Which peer
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Args {
    pub(crate) role: Role,
    pub(crate) runtime: String,
    pub(crate) settings: Settings,
}

/// What this process is
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// At this URL
    Client(String),
    /// Of a fuzzing server at this URL, case by case
    Fuzzed(String),
    /// At this address
    Server(String),
}

/// How the connections behave; the defaults are the library's
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) beat: Option<Duration>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) within: Option<Duration>,
    pub(crate) idle_limit: Option<Duration>,
    pub(crate) no_beat: bool,
    pub(crate) retry_first: bool,
    pub(crate) once: bool,
    pub(crate) most: Option<usize>,
    pub(crate) dial: Option<Duration>,
    pub(crate) retry: Option<Duration>,
    pub(crate) tick: Option<Duration>,
    pub(crate) watch: bool,
    pub(crate) brief: bool,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) cert: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
}

/// Parses the arguments behind the program's name
pub(crate) fn parse(args: impl IntoIterator<Item = String>) -> Result<Wanted> {
    let mut args = args.into_iter();
    let (mut role, mut runtime, mut settings) = (None, None, Settings::default());
    let mut bare = false;
    while let Some(arg) = args.next() {
        let mut value = || args.next().with_context(|| format!("`{arg}` needs a value\n{USAGE}"));
        match arg.as_str() {
            "certificates" => {
                let folder = value()?.into();
                return Ok(Wanted::Certificates(folder, args.collect()));
            }
            "usual" => return Ok(Wanted::Usual(value()?)),
            "bare" => bare = true,
            "tap" => return Ok(Wanted::Tap(value()?)),
            "client" => role = Some(Role::Client(value()?)),
            "fuzzed" => role = Some(Role::Fuzzed(value()?)),
            "server" => role = Some(Role::Server(value()?)),
            "--runtime" => runtime = Some(value()?),
            "--beat" => settings.beat = Some(millis(&value()?)?),
            "--timeout" => settings.timeout = Some(millis(&value()?)?),
            "--within" => settings.within = Some(millis(&value()?)?),
            "--idle-limit" => settings.idle_limit = Some(millis(&value()?)?),
            "--no-beat" => settings.no_beat = true,
            "--retry-first" => settings.retry_first = true,
            "--once" => settings.once = true,
            "--most" => settings.most = Some(value()?.parse().context("no number")?),
            "--dial" => settings.dial = Some(millis(&value()?)?),
            "--retry" => settings.retry = Some(millis(&value()?)?),
            "--tick" => settings.tick = Some(millis(&value()?)?),
            "--watch" => settings.watch = true,
            "--brief" => settings.brief = true,
            "--ca" => settings.ca = Some(value()?.into()),
            "--cert" => settings.cert = Some(value()?.into()),
            "--key" => settings.key = Some(value()?.into()),
            _ => bail!("`{arg}` is not an option\n{USAGE}"),
        }
    }
    let role = role.with_context(|| format!("neither client nor server\n{USAGE}"))?;
    if bare {
        return Ok(Wanted::Bare(role));
    }
    let runtime = runtime.with_context(|| format!("on which runtime?\n{USAGE}"))?;
    Ok(Wanted::Peer(Args { role, runtime, settings }.into()))
}

fn millis(value: &str) -> Result<Duration> {
    let millis = value.parse().with_context(|| format!("`{value}` is no number"))?;
    Ok(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Result<Wanted> {
        parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn a_peer_is_described_in_a_line() {
        let wanted = parse_line("client ws://a/ --runtime tokio --beat 400 --retry 100").unwrap();
        let millis = |millis| Some(Duration::from_millis(millis));
        let settings = Settings { beat: millis(400), retry: millis(100), ..Settings::default() };
        let role = Role::Client("ws://a/".into());
        assert_eq!(wanted, Wanted::Peer(Args { role, runtime: "tokio".into(), settings }.into()));
        let wanted = parse_line("certificates there 10.0.0.1").unwrap();
        assert_eq!(wanted, Wanted::Certificates("there".into(), vec!["10.0.0.1".into()]));
        let wanted = parse_line("bare server 127.0.0.1:0").unwrap();
        assert_eq!(wanted, Wanted::Bare(Role::Server("127.0.0.1:0".into())));
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (line, named) in [
            ("--runtime tokio", "neither"),
            ("server 127.0.0.1:0", "which runtime"),
            ("server --runtime", "which runtime"),
            ("--beat soon", "soon"),
            ("--loud", "--loud"),
        ] {
            let problem = format!("{:#}", parse_line(line).unwrap_err());
            assert!(problem.contains(named), "{problem}");
        }
    }
}
