//! `bench detect`: how soon a hole in the road is noticed by a client with everbeat's defaults, and by one
//! with those of others. The holes are real ones, between hosts of this machine's kernel.
//!
//! Each trial has a network of its own, and its hole begins at another time after the connection stood:
//! these times are spread over a beat evenly, so that nobody is lucky.

use std::process::Stdio;
use std::sync::Mutex;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use everbeat_netns::{Host, Network, Tools};

use super::Wanted;
use super::contestants::{Contestant, ours};
use super::figures::Figures;
use super::goals::{DETECTION, UNKEPT};
use super::stage::Theatre;
use crate::chaos::{Had, tools};
use crate::interop::note::Note;
use crate::interop::program::Program;
use crate::interop::{self, at_a_time};
use crate::lateness::Lateness;
use crate::runtimes::RUNTIMES;

/// Python's `websockets` as it is
pub(super) const WEBSOCKETS: &str = "websockets by default";
/// And with the numbers of another, which it keeps in the same way
pub(super) const SOCKET_IO: &str = "the numbers of Socket.IO";
/// The peer that both are, and how often it is told to beat, in milliseconds
const PYTHON: &str = "websockets";
const OTHERS: [(&str, &str); 2] = [(WEBSOCKETS, "20000"), (SOCKET_IO, "25000")];

/// What a client of ours takes at most, by default: its interval, and the clock of a road
const PROMISE: Duration = Duration::from_secs(20 + 10);

/// Over so much of time the holes begin: the longest beat here
const SPREAD: Duration = Duration::from_secs(25);
/// How long all is well before that
const CALM: Duration = Duration::from_millis(500);
/// Longer than anybody takes
const PATIENCE: Duration = Duration::from_secs(90);

const TRIALS: u32 = 12;
const FEW_TRIALS: u32 = 4;
/// They mostly wait
const TOGETHER: usize = 36;

const PORT: u16 = 9_001;

/// Who is to notice it
struct Rule {
    name: String,
    client: Vec<String>,
}

struct Stage {
    tools: Tools,
    server: Vec<String>,
    /// One network is built at a time
    building: Mutex<()>,
    lateness: Lateness,
}

pub(super) fn play(
    theatre: &mut Theatre<'_>,
    wanted: &Wanted,
    _: &[Contestant],
    figures: &mut Figures,
) -> Result<()> {
    let shell = theatre.shell;
    let tools = match tools(shell)? {
        Had::All(tools) => tools,
        Had::Not(why) => {
            figures.miss("detect", &why);
            return Ok(());
        }
    };
    shell.run(&mut shell.cargo("build --quiet --package everbeat-interop"))?;
    let program = shell.target("debug").join("everbeat-interop").display().to_string();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let own = |role: &str, more: &[&str]| {
        words(&[&[&*program, role, "{}", "--runtime", RUNTIMES[0], "--brief"][..], more].concat())
    };
    let mut rules = vec![Rule { name: ours(RUNTIMES[0]), client: own("client", &[]) }];
    match interop::program(shell, PYTHON)? {
        Ok(line) => {
            let version = interop::version(shell, PYTHON)?;
            for (name, beat) in OTHERS {
                figures.versions.extend(version.clone().map(|version| (name.to_owned(), version)));
                // It is told at once when its own clock has run out, and not when its Close has.
                let more = ["client", "{}", "--beat", beat, "--timeout", "20000"];
                let more = words(&[&more[..], &["--close-timeout", "1"]].concat());
                rules.push(Rule { name: name.into(), client: [line.clone(), more].concat() });
            }
        }
        Err(why) => OTHERS.iter().for_each(|(name, _)| figures.miss(name, &why)),
    }
    // Nobody but the client is to judge.
    let server = own("server", &["--within", "120000"]);
    let lateness = Lateness::measure();
    let stage = Stage { tools, server, building: Mutex::default(), lateness };
    let times = if wanted.small { FEW_TRIALS } else { TRIALS };
    let trials = (0..times).flat_map(|time| rules.iter().map(move |rule| (rule, time)));
    let trials = trials.collect::<Vec<_>>();
    let seen = at_a_time(TOGETHER, &trials, |(rule, time)| {
        stage.trial(rule, SPREAD.mul_f64((f64::from(*time) + 0.5) / f64::from(times)))
    });
    let mut latest = Duration::ZERO;
    for ((rule, _), seen) in trials.iter().zip(seen) {
        match seen {
            Ok((took, late)) => {
                figures.add(DETECTION, "s", &rule.name, took.as_secs_f64());
                if rule.name == rules[0].name {
                    latest = latest.max(took.saturating_sub(PROMISE + late));
                }
            }
            Err(error) => theatre.fault(&rule.name, &error),
        }
    }
    figures.add(UNKEPT, "s", &rules[0].name, latest.as_secs_f64());
    Ok(())
}

impl Stage {
    /// How long it took, and how late the machine was meanwhile
    fn trial(&self, rule: &Rule, begins: Duration) -> Result<(Duration, Duration)> {
        let begun = Instant::now();
        let (network, [near, far], server, client) = {
            let _one = self.building.lock().ok().context("another trial panicked")?;
            let (network, [near, far]) = Network::join(&self.tools, ["client", "server"])?;
            let address = format!("{}:{PORT}", far.v4());
            let server = self.start(&far, &self.server, &address)?;
            let listens = |note: &Note| matches!(note, Note::Listening(_)).then_some(());
            server.expect("where it listens", PATIENCE, listens)?;
            let client = self.start(&near, &rule.client, &format!("ws://{address}/"))?;
            let stands = |note: &Note| (*note == Note::Connected).then_some(());
            client.expect("a connection", PATIENCE, stands)?;
            (network, [near, far], server, client)
        };
        sleep(CALM + begins);
        network.part(&near, &far)?;
        let hole = Instant::now();
        let ended = |note: &Note| matches!(note, Note::Closed(_)).then_some(());
        let (at, ()) = client.expect("its verdict", PATIENCE, ended)?;
        drop(server);
        Ok((at.saturating_duration_since(hole), self.lateness.worst_since(begun)))
    }

    fn start(&self, host: &Host, line: &[String], place: &str) -> Result<Program> {
        let line = line.iter().map(|word| word.replace("{}", place)).collect::<Vec<_>>();
        let (program, words) = line.split_first().context("a command line has a program")?;
        let mut command = host.place().command(program);
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
        Program::adopt(host.name(), host.place().spawn(command)?, &self.lateness)
    }
}
