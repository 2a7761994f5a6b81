//! A visit: question after question, each on connections of its own, and what came of it. A connection
//! that cannot be made is noted, and ends neither the visit nor what was found before.

use std::time::Duration;

use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::findings::{Beaten, Broken, Findings, Silent, Untried, own_beat, silent};
use super::hold::{Held, PATIENCE, Plan, hold};
use super::ladder::{Idle, Ladder, Silence};
use super::wire::{Unopened, Wire};
use super::{Args, advice, probes, report};
use crate::exit::{Failure, chain};
use crate::output::Output;
use crate::span::Span;
use crate::target::Target;

/// How many times the limit a connection that beats has to outlive to show that the beat helps
pub(super) const OUTLIVES: u32 = 3;
/// The shortest time that a connection that beats is watched, for a server's own Ping
const WATCHED: Duration = Duration::from_secs(20);
/// The codes of our own Closes
pub(super) const CODES: [Option<u16>; 3] = [Some(1000), Some(4000), None];

pub(super) struct Visit<'a> {
    target: Target,
    pub(super) output: &'a mut Output,
    pub(super) found: Findings,
    /// Whether we were let in at all: without that there is nothing to tell
    pub(super) let_in: bool,
}

impl<'a> Visit<'a> {
    pub(super) fn new(args: &Args, output: &'a mut Output) -> Self {
        let found = Findings { budget: args.budget, ..Findings::default() };
        Self { target: args.target.clone(), output, found, let_in: false }
    }

    /// Asks everything; what was found by then is there whenever this is dropped
    ///
    /// # Errors
    ///
    /// The first connection is not made. Of later ones it is noted.
    pub(super) async fn examine(&mut self, args: &Args) -> Result<(), Failure> {
        match Wire::open(&self.target).await {
            Ok((wire, answer)) => {
                wire.leave().await;
                self.found.answer = answer;
                self.let_in = true;
            }
            Err(Unopened::Refused(answer)) => return Err(report::refused(&answer)),
            Err(Unopened::Failed(failure)) => return Err(failure),
        }
        self.output.progress("asking: Pings");
        let pings = probes::pings(&self.target).await;
        self.found.pings = self.take("Pings", true, pings);
        if !args.no_messages {
            self.output.progress("asking: a message in pieces");
            let fragments = probes::fragments(&self.target).await;
            self.found.fragments = self.take("a message in pieces", true, fragments);
        }
        for code in CODES {
            self.output.progress("asking: Closes");
            probes::breathe().await;
            let said = code.map_or_else(|| "none".to_owned(), |code| code.to_string());
            let closing = probes::closing(&self.target, code).await;
            if let Some(closing) = self.take(format!("a Close with {said}"), true, closing) {
                self.found.closings.push((code, closing));
            }
        }
        if !args.polite {
            for rule in Broken::ALL {
                self.output.progress("asking: rules that are broken");
                probes::breathe().await;
                let closing = probes::broken(&self.target, rule).await;
                if let Some(closing) = self.take(rule.words(), true, closing) {
                    self.found.broken.push((rule, closing));
                }
            }
            let version = probes::version(&self.target).await;
            self.found.version = self.take("version 12", true, version);
        }
        self.wait(args.budget).await
    }

    /// What a probe found. That it has no connection is a finding of its own, and not the end: whoever
    /// asks so many things may be locked out in the middle, or may have ended the server by a question
    fn take<T>(
        &mut self,
        what: impl Into<String>,
        asks: bool,
        done: Result<T, Unopened>,
    ) -> Option<T> {
        let why = match done {
            Ok(found) => return Some(found),
            Err(Unopened::Refused(answer)) => {
                let why = format!("refused with status {}", answer.status);
                self.found.refused.push((answer.status, answer.retry_after));
                why
            }
            Err(Unopened::Failed(failure)) => failure.to_string(),
        };
        self.found.untried.push(Untried { what: what.into(), why, asks });
        None
    }

    /// The silences, side by side, and beside them one that answers nothing; then what shows whether
    /// the beat helps
    async fn wait(&mut self, budget: Duration) -> Result<(), Failure> {
        let until = Instant::now() + budget;
        let mut ladder = Ladder::default();
        let idle = |lasting| Plan { lasting, answers: true, beat: None };
        let mute = Plan { lasting: budget, answers: false, beat: None };
        let mut plans: Vec<_> = Ladder::first(budget).into_iter().map(idle).collect();
        plans.push(mute);
        let held = self.hold_all(plans, until).await;
        let (mutes, others): (Vec<_>, Vec<_>) =
            held.into_iter().partition(|(plan, _)| !plan.answers);
        let mut others: Vec<Held> = others.into_iter().map(|(_, held)| held).collect();
        for held in &others {
            ladder.note(held.silence(), held.end.clone());
        }

        let left = until.saturating_duration_since(Instant::now());
        let again: Vec<_> = ladder.refine(left).into_iter().map(idle).collect();
        if !again.is_empty() {
            for (_, held) in self.hold_all(again, until).await {
                ladder.note(held.silence(), held.end.clone());
                others.push(held);
            }
        }
        let idle = ladder.verdict();
        let beating = self.beat(&idle, until).await?;
        let mut silence = mutes.first().map(|(_, mute)| silent(mute, &others));
        if let Some(Beating { mute: Some(mute), answering, .. }) = &beating {
            // Beats kept it from being cut, so that it saw more, if it saw anything.
            let found = silent(mute, answering);
            if silence.is_none() || found != Silent::NotAsked {
                silence = Some(found);
            }
        }
        let held = mutes.iter().map(|(_, held)| held).chain(&others);
        let more = beating.iter().flat_map(|it| it.answering.iter().chain(&it.mute));
        self.found.own = own_beat(held.chain(more));
        self.found.beaten = beating.and_then(|it| Some(Beaten::of(it.interval, it.answering?)));
        self.found.silent = silence;
        self.found.idle = idle;
        Ok(())
    }

    /// Whether the recommended beat outlives the limit, and beside it one that beats and answers
    /// nothing: it shows what the server does about that where something else cut the silent first
    async fn beat(&mut self, idle: &Idle, until: Instant) -> Result<Option<Beating>, Failure> {
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
        for (plan, held) in self.hold_all(vec![plan(true), plan(false)], until).await {
            let place = if plan.answers { &mut beating.answering } else { &mut beating.mute };
            *place = Some(held);
        }
        Ok(Some(beating))
    }

    /// Holds connections side by side until the last has ended, and shows how far it is
    async fn hold_all(&mut self, plans: Vec<Plan>, until: Instant) -> Vec<(Plan, Held)> {
        let all = plans.len();
        let mut tasks = JoinSet::new();
        let mut silent: Vec<(Duration, AbortHandle)> = Vec::new();
        for plan in plans {
            let target = self.target.clone();
            let task = tasks.spawn(async move { (plan, hold(&target, plan).await) });
            if plan.beat.is_none() {
                silent.push((plan.lasting, task));
            }
            probes::breathe().await;
        }
        let mut clock = interval(Duration::from_secs(1));
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut held = Vec::new();
        loop {
            tokio::select! {
                done = tasks.join_next() => match done {
                    None => return held,
                    Some(Ok((plan, done))) => {
                        let Some(done) = self.take(plan.words(), plan.asks(), done) else {
                            continue;
                        };
                        if plan.beat.is_none() && done.end == Silence::Forgotten {
                            // A road that forgets this silence forgets a longer one, and the time is
                            // better spent on where its limit is, and on whether a beat helps.
                            let longer = silent.iter().filter(|(lasting, _)| *lasting > plan.lasting);
                            longer.for_each(|(_, task)| task.abort());
                        }
                        held.push((plan, done));
                    }
                    Some(Err(error)) if error.is_cancelled() => {}
                    Some(Err(error)) => {
                        let (what, why) = ("a connection that waits".to_owned(), chain(&error));
                        self.found.untried.push(Untried { what, why, asks: true });
                    }
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

/// Two that beat, one of which answers nothing; either may have been refused
struct Beating {
    interval: Duration,
    answering: Option<Held>,
    mute: Option<Held>,
}
