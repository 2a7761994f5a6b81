//! A lane is played: its schedule, fault by fault, while everything that is told is written down and
//! shown.

use std::fmt::{self, Display};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use anyhow::{Result, bail};
use everbeat_netns::Tools;
use everbeat_support::account::{Account, Received};
use everbeat_support::{Mood, Timeline, span};
use tokio::time::Instant;

use crate::child::command;
use crate::judge::{self, Entry, Happened};
use crate::note::{End, Note};
use crate::program::Told;
use crate::schedule::{Schedule, Side, Window};
use crate::settings::{CALM, PATIENCE};
use crate::stage::{Setup, Stage};

/// A lane that was played to its end
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) lane: judge::Lane,
    pub(crate) account: Account,
    pub(crate) received: Received,
    /// Packets that passed the link, and that were lost on it
    pub(crate) packets: (u64, u64),
}

/// It was told to stop
#[derive(Debug)]
pub(crate) struct Stopped;

impl std::error::Error for Stopped {}

impl Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it was told to stop")
    }
}

/// Where a lane is played, and who is told of it
#[derive(Debug)]
pub(crate) struct Player {
    pub(crate) timeline: Arc<Timeline>,
    pub(crate) told: Receiver<Told>,
    pub(crate) setup: Setup,
    lane: judge::Lane,
    account: Option<Account>,
    received: Option<Received>,
    listening: bool,
    /// Whether a process may end
    closing: bool,
}

impl Player {
    pub(crate) fn new(timeline: Arc<Timeline>, told: Receiver<Told>, setup: Setup) -> Self {
        let Setup { watches, clocked, .. } = setup;
        let lane = judge::Lane { watches, clocked: Some(clocked.0), ..judge::Lane::default() };
        let (account, received) = (None, None);
        Self { timeline, told, setup, lane, account, received, listening: false, closing: false }
    }

    /// From the first network to the last word
    pub(crate) fn play(
        mut self,
        tools: &Tools,
        sender: &Sender<Told>,
        length: Duration,
    ) -> Result<Played> {
        let Schedule { calm, windows } = Schedule::new(self.setup.seed, length);
        let mut stage = Stage::open(tools, self.setup, sender)?;
        stage.shape(calm);
        self.until_so("a server that listens", |player| player.listening)?;
        self.until_so("a connection", Self::is_up)?;
        let begun = Instant::now();
        for window in &windows {
            self.until(begun + window.begin - window.kind.lead())?;
            stage.prepare(window)?;
            self.until(begun + window.begin)?;
            self.perform(&mut stage, window, calm)?;
            self.lane.late.push((self.now(), stage.lateness()));
        }
        self.until(Instant::now() + CALM)?;
        self.lane.late.push((self.now(), stage.lateness()));
        self.close(&mut stage)
    }

    fn perform(
        &mut self,
        stage: &mut Stage,
        window: &Window,
        calm: everbeat_link::Shape,
    ) -> Result<()> {
        let quiet = if window.quiet { ", and the client is quiet" } else { "" };
        let length = span(window.length);
        // It may begin while it is being done, and nobody may have noticed it before.
        let begin = self.now();
        self.show("FAULT", format_args!("{} for {length}{quiet}", window.kind));
        stage.begin(window)?;
        self.until(Instant::now() + window.length)?;
        stage.end(window, calm)?;
        let end = self.now();
        self.lane.happened.push(Happened { window: *window, begin, end });
        self.show("over", window.kind);
        Ok(())
    }

    /// The client closes, then the server; both tell their accounts
    fn close(mut self, stage: &mut Stage) -> Result<Played> {
        self.closing = true;
        self.lane.closing = self.now();
        stage.client.tell(command::CLOSE)?;
        self.until_so("the client's account", |player| player.account.is_some())?;
        stage.server.tell_the_end();
        self.until_so("the server's account", |player| player.received.is_some())?;
        let Self { lane, account: Some(account), received: Some(received), .. } = self else {
            bail!("an account is missing");
        };
        Ok(Played { lane, account, received, packets: stage.packets() })
    }

    fn is_up(&self) -> bool {
        !self.lane.standing(Side::Client, Duration::MAX).is_empty()
    }

    /// Since the beginning of the run
    fn now(&self) -> Duration {
        self.timeline.start().elapsed()
    }

    /// Listens until then
    fn until(&mut self, at: Instant) -> Result<()> {
        while let Some(told) = self.told_by(at)? {
            self.hear(told)?;
        }
        Ok(())
    }

    /// Listens until something is so
    fn until_so(&mut self, what: &str, so: impl Fn(&Self) -> bool) -> Result<()> {
        let at = Instant::now() + PATIENCE;
        while !so(self) {
            let Some(told) = self.told_by(at)? else { bail!("{what} did not come about") };
            self.hear(told)?;
        }
        Ok(())
    }

    fn told_by(&self, at: Instant) -> Result<Option<Told>> {
        let left = at.saturating_duration_since(Instant::now());
        match self.told.recv_timeout(left) {
            Ok(told) => Ok(Some(told)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => bail!("nobody is left to tell anything"),
        }
    }

    fn hear(&mut self, told: Told) -> Result<()> {
        match told {
            Told::Stop => return Err(Stopped.into()),
            Told::Garbage(side, line) => bail!("the {side} said: {line}"),
            Told::Ended(side) if !self.closing => bail!("the {side} has ended by itself"),
            Told::Ended(_) => {}
            Told::Note(_, _, Note::Listening) => self.listening = true,
            Told::Note(_, _, Note::Account(account)) => self.account = Some(*account),
            Told::Note(_, _, Note::Received(received)) => self.received = Some(received),
            Told::Note(at, side, note) => {
                self.tell(at, side, &note);
                let at = at.saturating_duration_since(self.timeline.start());
                self.lane.entries.push(Entry { at, side, note });
            }
        }
        Ok(())
    }

    fn tell(&self, at: Instant, side: Side, note: &Note) {
        let what = match note {
            Note::Up(0) => "connected".into(),
            Note::Up(number) => format!("connection {number} begins"),
            Note::Down(_, End { sentence, .. }) => sentence.clone(),
            Note::Failed(why) => format!("no connection: {why}"),
            Note::Suspect(millis) => format!("suspects: nothing heard for {millis} ms"),
            Note::Alive => "alive".into(),
            Note::Stalled(millis) => format!("did not run for {millis} ms"),
            _ => return,
        };
        self.timeline.event(at, self.setup.runtimes.0, format_args!("{side}  {what}"));
    }

    fn show(&self, what: &str, text: impl Display) {
        let what = self.timeline.paint(Mood::Doubt, &format!("{what:<6}"));
        let who = self.setup.runtimes.0;
        self.timeline.event(Instant::now(), who, format_args!("{what}  {text}"));
    }
}
