//! `everbeat doctor`: finds out what a server and the road to it do with a connection, within a budget
//! of time, and says what to set.
//!
//! The probes are edges that open connections and note what they see; what it means is decided in
//! `ladder`, `findings` and `advice`, which are pure.

mod advice;
mod findings;
mod frame;
mod hold;
mod ladder;
mod probes;
mod report;
mod wire;

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::exit::{Exit, Failure};
use crate::header::Stdin;
use crate::output::Output;
use crate::span::{self, Span};
use crate::target::Target;

use findings::{Beaten, Broken, Findings, own_beat, silent};
use hold::{Held, PATIENCE, Plan, hold};
use ladder::{Ladder, Silence};
use wire::{Unopened, Wire};

/// The shortest budget: less says nothing of anybody's limit
const SHORTEST: Duration = Duration::from_secs(2);
/// How many times the limit a connection that beats has to outlive to show that the beat helps
const OUTLIVES: u32 = 3;
/// The shortest time that a connection that beats is watched, for a server's own Ping
const WATCHED: Duration = Duration::from_secs(20);
/// The codes of our own Closes
const CODES: [Option<u16>; 3] = [Some(1000), Some(4000), None];

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: Target,

    /// How long silences are tried, in all; limits beyond it are not found. Default: 150s, past the
    /// limits of common proxies
    #[arg(short, long, value_name = "TIME", default_value = "150s", value_parser = budget)]
    budget: Duration,

    /// Send no message: no answer then about pieces, and none that an application may mind
    #[arg(long)]
    no_messages: bool,

    /// Break no rule on purpose: some servers lock out who does
    #[arg(long)]
    polite: bool,

    /// A promise that the recommendation is to keep: whatever is gone is noticed within this time
    #[arg(long, value_name = "TIME", value_parser = span::parse)]
    detect_within: Option<Duration>,
}

fn budget(text: &str) -> Result<Duration, String> {
    let budget = span::parse(text)?;
    if budget < SHORTEST { Err("2s is the least".into()) } else { Ok(budget) }
}

pub(crate) async fn run(mut args: Args, output: &mut Output) -> Result<Exit, Failure> {
    args.target.read_headers(Stdin::Unused)?;
    // A promise that cannot be is told before minutes are spent.
    if let Some(promise) = args.detect_within {
        let client = everbeat_core::config::HeartbeatConfig::CLIENT;
        client.detect_within(promise).map_err(|error| Failure::usage(&error))?;
    }
    let mut visit = Visit { target: args.target.clone(), output, refused: Vec::new() };
    let found = tokio::select! {
        found = visit.examine(&args) => found?,
        _ = tokio::signal::ctrl_c() => return Ok(Exit::Undecided),
    };
    let url = args.target.shown();
    let advice =
        advice::advise(&url, &found, args.detect_within).map_err(|error| Failure::usage(&error))?;
    report::write(visit.output, &url, &found, &advice)
}

struct Visit<'a> {
    target: Target,
    output: &'a mut Output,
    refused: Vec<(u16, Option<String>)>,
}

impl Visit<'_> {
    async fn examine(&mut self, args: &Args) -> Result<Findings, Failure> {
        let answer = match Wire::open(&self.target).await {
            Ok((wire, answer)) => {
                wire.leave().await;
                answer
            }
            Err(Unopened::Refused(answer)) => return Err(report::refused(&answer)),
            Err(Unopened::Failed(failure)) => return Err(failure),
        };
        self.output.progress("asking: Pings");
        let pings = self.take(probes::pings(&self.target).await)?.unwrap_or_default();
        let mut fragments = None;
        if !args.no_messages {
            self.output.progress("asking: a message in pieces");
            fragments = self.take(probes::fragments(&self.target).await)?;
        }
        let mut closings = Vec::new();
        for code in CODES {
            self.output.progress("asking: Closes");
            probes::breathe().await;
            if let Some(closing) = self.take(probes::closing(&self.target, code).await)? {
                closings.push((code, closing));
            }
        }
        let (mut broken, mut version) = (Vec::new(), None);
        if !args.polite {
            for rule in Broken::ALL {
                self.output.progress("asking: rules that are broken");
                probes::breathe().await;
                if let Some(closing) = self.take(probes::broken(&self.target, rule).await)? {
                    broken.push((rule, closing));
                }
            }
            version = self.take(probes::version(&self.target).await)?.flatten();
        }
        let waited = self.wait(args.budget).await?;
        Ok(Findings {
            answer,
            pings,
            fragments,
            closings,
            broken,
            version,
            own: waited.own,
            silent: waited.silent,
            idle: waited.idle,
            beaten: waited.beaten,
            refused: std::mem::take(&mut self.refused),
        })
    }

    /// What a probe found; a refusal of its connection is a finding of its own, and not the end
    fn take<T>(&mut self, done: Result<T, Unopened>) -> Result<Option<T>, Failure> {
        match done {
            Ok(found) => Ok(Some(found)),
            Err(Unopened::Refused(answer)) => {
                self.refused.push((answer.status, answer.retry_after));
                Ok(None)
            }
            Err(Unopened::Failed(failure)) => Err(failure),
        }
    }

    /// The silences, side by side, and beside them one that answers nothing; then what shows whether
    /// the beat helps
    async fn wait(&mut self, budget: Duration) -> Result<Waited, Failure> {
        let until = Instant::now() + budget;
        let mut ladder = Ladder::default();
        let idle = |lasting| Plan { lasting, answers: true, beat: None };
        let mute = Plan { lasting: budget, answers: false, beat: None };
        let mut plans: Vec<_> = Ladder::first(budget).into_iter().map(idle).collect();
        plans.push(mute);
        let held = self.hold_all(plans, until).await?;
        let (mutes, others): (Vec<_>, Vec<_>) =
            held.into_iter().partition(|(plan, _)| !plan.answers);
        let mut others: Vec<Held> = others.into_iter().map(|(_, held)| held).collect();
        for held in &others {
            ladder.note(held.silence(), held.end.clone());
        }

        let left = until.saturating_duration_since(Instant::now());
        let again: Vec<_> = ladder.refine(left).into_iter().map(idle).collect();
        if !again.is_empty() {
            for (_, held) in self.hold_all(again, until).await? {
                ladder.note(held.silence(), held.end.clone());
                others.push(held);
            }
        }
        let idle = ladder.verdict();
        let beating = self.beat(&idle, until).await?;
        let mut silence = findings::Silent::NotAsked;
        for (_, mute) in &mutes {
            silence = silent(mute, &others);
        }
        if let Some(Beating { mute: Some(mute), answering, .. }) = &beating {
            // Beats kept it from being cut, so that it saw more, if it saw anything.
            let found = silent(mute, answering);
            if found != findings::Silent::NotAsked {
                silence = found;
            }
        }
        let held = mutes.iter().map(|(_, held)| held).chain(&others);
        let more = beating.iter().flat_map(|it| it.answering.iter().chain(&it.mute));
        let own = own_beat(held.chain(more));
        let beaten = beating.and_then(|it| Some(Beaten::of(it.interval, it.answering?)));
        Ok(Waited { own, silent: silence, idle, beaten })
    }

    /// Whether the recommended beat outlives the limit, and beside it one that beats and answers
    /// nothing: it shows what the server does about that where something else cut the silent first
    async fn beat(
        &mut self,
        idle: &ladder::Idle,
        until: Instant,
    ) -> Result<Option<Beating>, Failure> {
        let Some(limit) = advice::limit(idle) else {
            return Ok(None);
        };
        let client = everbeat_core::config::HeartbeatConfig::CLIENT;
        let interval = client.idle_limit(limit).map_err(|error| Failure::usage(&error))?.interval();
        let left = until.saturating_duration_since(Instant::now());
        let lasting = (limit * OUTLIVES).max(WATCHED).min(left);
        if lasting < limit + interval {
            return Ok(None);
        }
        let plan = |answers| Plan { lasting, answers, beat: Some(interval) };
        let mut beating = Beating { interval, answering: None, mute: None };
        for (plan, held) in self.hold_all(vec![plan(true), plan(false)], until).await? {
            let place = if plan.answers { &mut beating.answering } else { &mut beating.mute };
            *place = Some(held);
        }
        Ok(Some(beating))
    }

    /// Holds connections side by side until the last has ended, and shows how far it is
    async fn hold_all(
        &mut self,
        plans: Vec<Plan>,
        until: Instant,
    ) -> Result<Vec<(Plan, Held)>, Failure> {
        let all = plans.len();
        let mut tasks = JoinSet::new();
        for plan in plans {
            let target = self.target.clone();
            tasks.spawn(async move { (plan, hold(&target, plan).await) });
            probes::breathe().await;
        }
        let mut clock = interval(Duration::from_secs(1));
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut held = Vec::new();
        loop {
            tokio::select! {
                done = tasks.join_next() => match done {
                    None => return Ok(held),
                    Some(Ok((plan, done))) => {
                        if let Some(done) = self.take(done)? {
                            held.push((plan, done));
                        }
                    }
                    Some(Err(error)) => return Err(Failure::Io(std::io::Error::other(error))),
                },
                _ = clock.tick() => {
                    // What was asked at the very end may be answered behind the budget.
                    let left = (until + PATIENCE).saturating_duration_since(Instant::now());
                    let (open, left) = (tasks.len(), Span(Duration::from_secs(left.as_secs())));
                    self.output
                        .progress(&format!("waiting: {open} of {all} are open, {left} at most"));
                }
            }
        }
    }
}

/// What the waiting found
struct Waited {
    own: findings::OwnBeat,
    silent: findings::Silent,
    idle: ladder::Idle,
    beaten: Option<Beaten>,
}

/// Two that beat, one of which answers nothing; either may have been refused
struct Beating {
    interval: Duration,
    answering: Option<Held>,
    mute: Option<Held>,
}

/// Whether a beat helped
fn helped(beaten: &Beaten) -> bool {
    beaten.end == Silence::Survived
}
