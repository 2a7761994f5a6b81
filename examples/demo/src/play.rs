//! The play: opens the stage, performs the trials while there is time, closes. What each trial does
//! is in `deeds`, what was measured goes to `report`.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use everbeat_faults::{Fault, Proxy};
use everbeat_netns::skipped;
use everbeat_support::{Timeline, span};
use everbeat_tokio::Server;
use tokio::time::{Instant, timeout};

use crate::args::Options;
use crate::certificates::Made;
use crate::child::{Orders, command};
use crate::children::{Notes, Process};
use crate::lateness::Lateness;
use crate::life::Life;
use crate::note::Who;
use crate::outcome::Outcome;
use crate::report;
use crate::road::{self, Hosts, Road};
use crate::settings;
use crate::stage::Stage;
use crate::trials::Trial;

/// How long the children may take to start, and to end when asked
const PATIENCE: Duration = Duration::from_secs(10);
/// What a trial, with the calm behind it and the closing of the stage, takes at most
const LONGEST: Duration = Duration::from_secs(10);
/// How often a trial is performed at most, if the machine stalls during it each time
const TRIES: u32 = 10;
/// For how long trials are performed once more
const REPEAT_FOR: Duration = Duration::from_secs(240);

/// Runs the demo and prints its report
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn demo(options: Options) -> anyhow::Result<ExitCode> {
    if let Some(why) = options.netns.then(road::missing).flatten() {
        skipped("the demo on hosts", &why);
        bail!("there is no network of our own");
    }
    let timeline = Timeline::new(options.json);
    report::preface(&timeline, &options);
    let server = road::name_of_server(options.netns);
    let made = options.tls.then(|| Made::new(&server)).transpose()?;
    let options = options.with_certificates(made.as_ref().map(Made::certificates));
    let mut play = Play::open(timeline, options.clone()).await?;
    let outcomes = play.perform_all(options.limit).await?;
    let stage = play.close().await?;
    Ok(report::print(&stage, &outcomes, options.json))
}

/// Everybody who plays
pub(crate) struct Play {
    pub(crate) stage: Stage,
    pub(crate) road: Road,
    pub(crate) server: Process,
    /// Those behind the proxy
    pub(crate) clients: Vec<Process>,
    pub(crate) witness: Process,
    /// Where a server listens that accepts and then closes
    pub(crate) flapping: SocketAddr,
    pub(crate) options: Options,
}

impl Play {
    async fn open(timeline: Timeline, options: Options) -> anyhow::Result<Self> {
        let runtimes = options.runtimes();
        let mut stage = Stage::new(Notes::new(), timeline, Lateness::measure(), &runtimes);
        let orders = options.orders();
        let hosts = options.netns.then(Hosts::new).transpose()?;
        let place = |who| hosts.as_ref().map(|hosts| hosts.place(who));
        let wanted = match &hosts {
            Some(_) => Hosts::address(),
            None => (Ipv4Addr::LOCALHOST, 0).into(),
        };
        let server = stage.notes().start(Who::Server, wanted, &orders, place(Who::Server))?;
        let soon = Instant::now() + PATIENCE;
        stage.until(soon, |stage| stage.server.is_some()).await?;
        let address = stage.server.context("the server did not start")?;
        let (road, begin) = match hosts {
            Some(hosts) => (Road::Hosts(Box::new(hosts)), address),
            None => {
                let proxy = Proxy::start(address).await?;
                let begin = proxy.address();
                stage.say(Who::Road, &format!("a proxy, {begin}, leads to the server"))?;
                (Road::Proxy(proxy), begin)
            }
        };
        let clients = runtimes.into_iter().map(|runtime| {
            let (who, orders) = (Who::Client(runtime), Orders { runtime, ..orders.clone() });
            stage.notes().start(who, begin, &orders, road.place(who))
        });
        let clients = clients.collect::<anyhow::Result<Vec<_>>>()?;
        let place = road.place(Who::Witness);
        let witness = stage.notes().start(Who::Witness, address, &orders, place)?;
        let flapping = flapping(&orders).await?;
        let mut play = Self { stage, road, server, clients, witness, flapping, options };
        play.up().await?;
        Ok(play)
    }

    async fn perform_all(&mut self, limit: Option<Duration>) -> anyhow::Result<Vec<Outcome>> {
        let start = self.stage.timeline.start();
        let is_over = || limit.is_some_and(|limit| limit.saturating_sub(start.elapsed()) < LONGEST);
        let mut outcomes = Vec::new();
        loop {
            for trial in Trial::all(self.options.broken, self.options.netns) {
                if is_over() && !outcomes.is_empty() {
                    return Ok(outcomes);
                }
                let mut outcome = self.perform(trial).await?;
                while !outcome.counts()
                    && outcome.repeated + 1 < TRIES
                    && start.elapsed() < REPEAT_FOR
                    && !is_over()
                {
                    let repeated = outcome.repeated + 1;
                    self.begin_anew(outcome.late).await?;
                    outcome = Outcome { repeated, ..self.perform(trial).await? };
                }
                // A broken run has shown what it is for once a bound is broken.
                let shown = self.options.broken.is_some() && outcome.counts() && !outcome.held();
                outcomes.push(outcome);
                if shown {
                    return Ok(outcomes);
                }
            }
            if limit.is_none() {
                return Ok(outcomes);
            }
        }
    }

    /// A trial during which the machine stalled is forgotten, and all is made well again
    async fn begin_anew(&mut self, late: Duration) -> anyhow::Result<()> {
        self.stage.forget();
        let late = span(late);
        self.stage.say("demo", &format!("the machine stalled for {late}: once more"))?;
        if let Some(server) = self.stage.server {
            self.road.redirect(server);
        }
        self.road.inject(Fault::Heal)?;
        if matches!(self.road, Road::Hosts(_)) {
            // It may have been stopped.
            everbeat_netns::resume(self.server.id()?)?;
        }
        self.up().await?;
        self.stage.calm();
        Ok(())
    }

    /// Until all clients are connected, and a while longer
    async fn up(&mut self) -> anyhow::Result<()> {
        let soon = Instant::now() + PATIENCE;
        ensure!(
            self.stage.until(soon, |stage| stage.lives.are_up()).await?,
            "the clients did not connect"
        );
        self.stage.watch(settings::CALM).await
    }

    /// The last act: the witness leaves politely, the server is killed, and the clients, left with
    /// messages that nobody will take, close
    async fn close(mut self) -> anyhow::Result<Stage> {
        self.stage.timeline.rule(Instant::now(), "the end");
        self.stage.lateness.begin();
        self.road.inject(Fault::Heal)?;
        self.stage.begin_closing();
        let soon = Instant::now() + PATIENCE;
        self.witness.tell(command::CLOSE).await;
        self.stage
            .until(soon, |stage| stage.lives.witness.over && stage.lives.witness.dropped.is_some())
            .await?;
        self.kill_server().await?;
        let clients = |stage: &Stage, are: fn(&Life) -> bool| stage.lives.clients.values().all(are);
        self.stage.until(soon, |stage| clients(stage, |life| life.up_since.is_none())).await?;
        self.stage.watch(settings::SEND_EVERY * 5).await?;
        for client in &mut self.clients {
            client.tell(command::CLOSE).await;
        }
        self.stage.until(soon, |stage| clients(stage, |life| life.over)).await?;
        for child in self.clients.iter_mut().chain([&mut self.witness]) {
            timeout(PATIENCE, child.ended()).await.context("a client did not exit")??;
        }
        self.stage.rest().await
    }

    /// Starts this program again as `who`, where that one lives
    pub(crate) fn start(&self, who: Who, address: SocketAddr) -> anyhow::Result<Process> {
        let place = self.road.place(who);
        self.stage.notes().start(who, address, &self.options.orders(), place)
    }

    /// SIGKILL: no farewell, no flush, no destructor
    pub(crate) async fn kill_server(&mut self) -> anyhow::Result<()> {
        self.stage.server = None;
        self.stage.say(Who::Server, "SIGKILL")?;
        self.server.kill().await
    }
}

/// A server whose handler returns at once
async fn flapping(orders: &Orders) -> anyhow::Result<SocketAddr> {
    let mut server = Server::builder();
    if let Some(certificates) = &orders.tls {
        let tls = certificates.server()?;
        server = server.listener(|listener| listener.tls(tls));
    }
    let server = server.bind("127.0.0.1:0").await?;
    let address = server.acceptor().local_address()?;
    tokio::spawn(server.serve(|connection| async move {
        drop(connection);
        Ok(())
    }));
    Ok(address)
}
