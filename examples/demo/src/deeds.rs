//! What each trial does, and what is measured of it.

use std::time::Duration;

use anyhow::{bail, ensure};
use everbeat_faults::{Direction, Fault};
use everbeat_support::span;
use tokio::time::Instant;

use crate::args::Mechanism;
use crate::child::command;
use crate::children::Process;
use crate::judge;
use crate::ledger::Waited;
use crate::note::Who;
use crate::outcome::{Measured, Outcome};
use crate::play::Play;
use crate::road::Road;
use crate::settings;
use crate::sloth;
use crate::stage::{Crowd, Stage};
use crate::trials::{Deed, Notice, Trial};

/// How long a crowd may take to connect
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a fault stays after it was noticed, so that attempts meet it too
const AFTERMATH: Duration = Duration::from_millis(300);

impl Play {
    /// Performs a trial, and lets all be well for a moment
    pub(crate) async fn perform(&mut self, trial: Trial) -> anyhow::Result<Outcome> {
        self.stage.timeline.rule(Instant::now(), trial.name);
        self.stage.lateness.begin();
        let mut outcome = Outcome::new(trial.name);
        // It stays through the calm, for only then has it told how late it was.
        let mut crowd = None;
        match trial.deed {
            Deed::Road(fault) => self.road(trial, fault, &mut outcome).await?,
            Deed::Payload => self.lose(trial, Road::lose_payload, &mut outcome).await?,
            Deed::Addresses => self.lose(trial, Road::lose_addresses, &mut outcome).await?,
            Deed::Stop => self.stop(trial, &mut outcome).await?,
            Deed::Sloth => self.sloth(trial, &mut outcome).await?,
            Deed::Kill => self.kill(trial, &mut outcome).await?,
            Deed::Crowd => crowd = Some(self.crowd(trial, &mut outcome).await?),
            Deed::Flapping => self.flap(&mut outcome).await?,
            Deed::Slow => self.slow(&mut outcome).await?,
        }
        self.stage.calm();
        self.stage.watch(settings::CALM).await?;
        drop(crowd);
        self.stage.stopped = None;
        outcome.late = self.stage.lateness.worst();
        outcome.false_alarms = self.stage.false_alarms.len();
        outcome.problems.append(&mut self.stage.false_alarms);
        outcome.problems.append(&mut self.stage.overdue);
        outcome.problems.append(&mut self.stage.refused);
        Ok(outcome)
    }

    async fn road(
        &mut self,
        trial: Trial,
        fault: Fault,
        outcome: &mut Outcome,
    ) -> anyhow::Result<()> {
        if !matches!(fault, Fault::Reset | Fault::HalfClose(_)) {
            return self.lose(trial, |road| road.inject(fault), outcome).await;
        }
        let begun = self.stage.begin(trial.notice);
        self.road.inject(fault)?;
        self.noticed(trial, begun, outcome).await?;
        self.back(begun, outcome).await
    }

    /// The road is bad until that was noticed
    async fn lose(
        &mut self,
        trial: Trial,
        fault: impl FnOnce(&Road) -> anyhow::Result<()>,
        outcome: &mut Outcome,
    ) -> anyhow::Result<()> {
        let begun = self.stage.begin(trial.notice);
        fault(&self.road)?;
        self.noticed(trial, begun, outcome).await?;
        self.stage.watch(AFTERMATH).await?;
        self.road.inject(Fault::Heal)?;
        self.stage.say(Who::Road, "it is good again")?;
        self.back(Instant::now(), outcome).await
    }

    async fn stop(&mut self, trial: Trial, outcome: &mut Outcome) -> anyhow::Result<()> {
        let begun = self.stage.begin(trial.notice);
        self.stage.stopped = Some(Who::Server);
        everbeat_netns::stop(self.server.id()?)?;
        self.stage.say(Who::Server, "SIGSTOP")?;
        self.noticed(trial, begun, outcome).await?;
        everbeat_netns::resume(self.server.id()?)?;
        self.stage.say(Who::Server, "SIGCONT")?;
        self.back(Instant::now(), outcome).await
    }

    async fn sloth(&mut self, trial: Trial, outcome: &mut Outcome) -> anyhow::Result<()> {
        let Some(server) = self.stage.server else { bail!("the server is down") };
        self.stage.begin(trial.notice);
        let (begun, talking) = sloth::start(server, &self.options.orders()).await?;
        self.stage.say(Who::Sloth, "asked for a flood, reads nothing of it, goes on talking")?;
        let talking = tokio::spawn(talking);
        self.noticed(trial, begun, outcome).await?;
        talking.abort();
        Ok(())
    }

    async fn kill(&mut self, trial: Trial, outcome: &mut Outcome) -> anyhow::Result<()> {
        let Some(address) = self.stage.server else { bail!("the server is down") };
        let begun = self.stage.begin(trial.notice);
        self.kill_server().await?;
        self.noticed(trial, begun, outcome).await?;
        self.stage.watch_until(begun + settings::DOWN_FOR).await?;
        let repaired = Instant::now();
        self.server = self.start(Who::Server, address)?;
        let listening = |stage: &Stage| stage.server.is_some();
        let soon = repaired + settings::BACK;
        ensure!(self.stage.until(soon, listening).await?, "the server did not start again");
        self.back(repaired, outcome).await?;
        self.waited(repaired, outcome).await
    }

    /// Waits until what the clients accepted before the repair, without a connection, has arrived
    async fn waited(&mut self, repaired: Instant, outcome: &mut Outcome) -> anyhow::Result<()> {
        let arrived = |stage: &Stage| stage.waited(repaired).missing == 0;
        self.stage.until(repaired + settings::BACK, arrived).await?;
        let Waited { accepted, missing } = self.stage.waited(repaired);
        let arrived = accepted - missing;
        let what = format!("{arrived} of {accepted} messages that waited have arrived");
        self.stage.say("demo", &what)?;
        if missing > 0 {
            outcome.problems.push(what);
        }
        Ok(())
    }

    /// [`kill`](Self::kill), with many clients at that server
    async fn crowd(&mut self, trial: Trial, outcome: &mut Outcome) -> anyhow::Result<Process> {
        let Some(address) = self.stage.server else { bail!("the server is down") };
        self.stage.crowd = Crowd::default();
        let crowd = self.start(Who::Crowd, address)?;
        let soon = Instant::now() + PATIENCE;
        ensure!(
            self.stage.until(soon, |stage| stage.crowd.gathered).await?,
            "the crowd did not connect"
        );
        self.stage.say(Who::Crowd, &format!("{} clients are connected", settings::CROWD))?;
        self.kill(trial, outcome).await?;
        let soon = Instant::now() + settings::CROWD_TRIED;
        self.stage.until(soon, |stage| stage.crowd.span.is_some()).await?;
        let spread = self.stage.crowd.span.unwrap_or_default();
        let window = span(settings::CROWD_WINDOW);
        let what = format!("first attempts after the kill span {} of {window}", span(spread));
        self.stage.say(Who::Crowd, &what)?;
        if spread < settings::CROWD_SPAN {
            outcome.problems.push(format!("{what}, and half of it is the least"));
        }
        outcome.spread = Some(spread);
        Ok(crowd)
    }

    async fn flap(&mut self, outcome: &mut Outcome) -> anyhow::Result<()> {
        let Some(server) = self.stage.server else { bail!("the server is down") };
        let begun = self.stage.begin_flapping();
        let before = self.road.proxy()?.accepted();
        self.road.redirect(self.flapping);
        self.road.inject(Fault::Reset)?;
        let end = begun + settings::FLAPPING_FOR;
        let tried: Vec<_> = self.attempts().collect();
        let too_many = before + settings::FLAPPING_ATTEMPTS * tried.len() as u64;
        let broken = self.options.broken == Some(Mechanism::Backoff);
        // Thousands of attempts need not be watched to see that they are too many.
        while Instant::now() < end && !(broken && self.road.proxy()?.accepted() > too_many) {
            self.stage.watch(settings::TICK_EVERY).await?;
        }
        let met = self.road.proxy()?.accepted() - before;
        self.stage.say(Who::Road, &format!("was met {met} times; leads to the server again"))?;
        let tried: Vec<_> =
            self.attempts().zip(tried).map(|(after, before)| after - before).collect();
        outcome.attempts = tried.iter().max().copied();
        let told: u64 = tried.iter().sum();
        if met > told {
            outcome.problems.push(format!("{met} attempts were met, and {told} were told of"));
        }
        self.road.redirect(server);
        self.back(Instant::now(), outcome).await
    }

    /// How often each client behind the proxy has tried to connect
    fn attempts(&self) -> impl Iterator<Item = u64> {
        self.stage.lives.clients.values().map(|life| life.attempts)
    }

    /// One end is silent, then the other: what it hears and is heard of is Pings alone
    async fn slow(&mut self, outcome: &mut Outcome) -> anyhow::Result<()> {
        self.stage.begin(Notice::Nobody);
        self.road.inject(Fault::Delay(Direction::Both, settings::DELAY))?;
        let delay = span(settings::DELAY);
        self.stage.say(Who::Road, &format!("{delay} later, each way; the server says nothing"))?;
        self.server.tell(command::QUIET).await;
        self.stage.watch(settings::DELAYED_FOR).await?;
        self.stage.say(Who::Road, "now the clients say nothing, and the server does")?;
        self.server.tell(command::TALK).await;
        self.tell_clients(command::QUIET).await;
        self.stage.watch(settings::DELAYED_FOR).await?;
        self.tell_clients(command::TALK).await;
        self.road.inject(Fault::Heal)?;
        let slowest = self.stage.slowest;
        let what = format!("the road is fast again; slowest Ping answered in {}", span(slowest));
        self.stage.say(Who::Road, &what)?;
        if slowest < settings::DELAY * 2 {
            outcome
                .problems
                .push(format!("no delay was felt: a round trip took {}", span(slowest)));
        }
        Ok(())
    }

    async fn tell_clients(&mut self, command: &str) {
        for client in &mut self.clients {
            client.tell(command).await;
        }
    }

    /// Waits until all have noticed who must, and judges it
    async fn noticed(
        &mut self,
        trial: Trial,
        begun: Instant,
        outcome: &mut Outcome,
    ) -> anyhow::Result<()> {
        let told_after = match trial.notice {
            Notice::ServerThenClient | Notice::ClientThenServer => settings::TOLD,
            _ => Duration::ZERO,
        };
        let deadline = begun + trial.allowed() + told_after;
        self.stage.until(deadline, |stage| judge::is_complete(trial.notice, &stage.lives)).await?;
        let late = self.stage.lateness.worst();
        let (noticed, problems) = judge::judge(trial.notice, begun, &self.stage.lives, late);
        outcome.noticed = Some(Measured { took: noticed, allowed: trial.allowed() + late });
        outcome.problems.extend(problems);
        if let Some(by) = trial.by {
            outcome.problems.extend(judge::misjudged(by, &self.stage.lives));
        }
        Ok(())
    }

    /// Waits until all clients who lost their connection are back
    async fn back(&mut self, repaired: Instant, outcome: &mut Outcome) -> anyhow::Result<()> {
        let back = |stage: &Stage| {
            let witness = Some(&stage.lives.witness).filter(|life| life.lost.is_some());
            let lives = stage.lives.clients.values().chain(witness);
            lives.map(|life| life.back(repaired)).collect::<Option<Vec<_>>>()
        };
        self.stage.until(repaired + settings::BACK, |stage| back(stage).is_some()).await?;
        let last = back(&self.stage).and_then(|backs| backs.into_iter().max());
        outcome.back = Some(Measured {
            took: last.map(|last| last.saturating_duration_since(repaired)),
            allowed: settings::BACK + self.stage.lateness.worst(),
        });
        Ok(())
    }
}
