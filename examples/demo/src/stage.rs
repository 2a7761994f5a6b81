//! The stage: who plays, what is known of them, and the timeline that is printed as their notes
//! come in. It judges nothing but alarms that nobody had cause for; `play` does the rest.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::bail;
use everbeat_support::{Fate, Mood, Timeline, span};
use tokio::time::{Instant, timeout_at};

use crate::causes::Causes;
use crate::children::{Notes, Told};
use crate::crowd::span_of;
use crate::judge::Lives;
use crate::lateness::Lateness;
use crate::ledger::{Ledger, Waited, overdue};
use crate::life::{Life, Seen};
use crate::note::{End, How, Note, Who};
use crate::runtimes::Runtime;
use crate::settings;
use crate::trials::Notice;

/// How many failed attempts in a row are printed, and the one that stands for the rest
const BRIEF: u32 = 6;
const MUTED: u32 = BRIEF + 1;

/// Who plays, and what is known
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) timeline: Timeline,
    pub(crate) lateness: Lateness,
    pub(crate) ledger: Ledger,
    pub(crate) lives: Lives,
    /// Where the server listens; `None` while it is down
    pub(crate) server: Option<SocketAddr>,
    /// Ends that nobody had cause for, as far as no trial has taken the blame
    pub(crate) false_alarms: Vec<String>,
    /// Proofs that came too late, likewise
    pub(crate) overdue: Vec<String>,
    /// Messages that were not taken from the application, likewise
    pub(crate) refused: Vec<String>,
    /// What no stall excuses: messages out of order
    pub(crate) disorder: Vec<String>,
    /// Ends that the present fault explains
    cause: Causes,
    /// When the present fault began
    cut_at: Option<Instant>,
    /// The longest that a Ping has taken to be answered since then
    pub(crate) slowest: Duration,
    /// Why each client's last attempt failed, and how many did in a row
    failures: BTreeMap<Who, (String, u32)>,
    notes: Notes,
    /// The newest number from a sender at a receiver, and whether it may begin anew
    newest: BTreeMap<(Who, Who), u64>,
    closing: bool,
    /// The trial stops it, so that what it tells of its lateness is no stall of the machine's
    pub(crate) stopped: Option<Who>,
    pub(crate) crowd: Crowd,
}

/// What is known of the crowd
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    pub(crate) gathered: bool,
    /// How far apart the first attempts were, once all have tried
    pub(crate) span: Option<Duration>,
}

impl Stage {
    pub(crate) fn new(
        notes: Notes,
        timeline: Timeline,
        lateness: Lateness,
        clients: &[Runtime],
    ) -> Self {
        Self {
            timeline,
            lateness,
            ledger: Ledger::default(),
            lives: Lives::of(clients),
            server: None,
            false_alarms: Vec::new(),
            overdue: Vec::new(),
            refused: Vec::new(),
            disorder: Vec::new(),
            cause: Causes::Nothing,
            cut_at: None,
            slowest: Duration::ZERO,
            failures: BTreeMap::new(),
            notes,
            newest: BTreeMap::new(),
            closing: false,
            stopped: None,
            crowd: Crowd::default(),
        }
    }

    pub(crate) const fn notes(&self) -> &Notes {
        &self.notes
    }

    /// A fault begins, which explains the ends that `notice` expects
    pub(crate) fn begin(&mut self, notice: Notice) -> Instant {
        self.explain(Causes::Fault(notice))
    }

    /// The road leads to a server that closes
    pub(crate) fn begin_flapping(&mut self) -> Instant {
        self.explain(Causes::Flapping)
    }

    /// The present trial proves nothing: what was seen of it is forgotten, and until all is well
    /// every end is explained but a death
    pub(crate) fn forget(&mut self) {
        self.explain(Causes::Everything);
        self.false_alarms.clear();
        self.overdue.clear();
        self.refused.clear();
    }

    /// The last act: every polite or sudden end is explained
    pub(crate) fn begin_closing(&mut self) -> Instant {
        self.closing = true;
        self.explain(Causes::Everything)
    }

    fn explain(&mut self, cause: Causes) -> Instant {
        self.lives.all().for_each(Life::begin);
        let now = Instant::now();
        (self.cause, self.cut_at, self.slowest) = (cause, Some(now), Duration::ZERO);
        now
    }

    /// All is well: no end is explained any more
    pub(crate) fn calm(&mut self) {
        (self.cause, self.cut_at) = (Causes::Nothing, None);
    }

    /// What the clients accepted between the end of their connections and then
    pub(crate) fn waited(&self, until: Instant) -> Waited {
        let mut sum = Waited::default();
        for (who, life) in self.lives.named() {
            let Some(lost) = life.lost else { continue };
            let waited = self.ledger.waited(who, lost.at..until);
            sum.accepted += waited.accepted;
            sum.missing += waited.missing;
        }
        sum
    }

    /// Says something in the timeline, behind what the children have told so far
    pub(crate) fn say(&mut self, who: impl Display, what: &str) -> anyhow::Result<()> {
        while let Some(told) = self.notes.told() {
            self.hear(told)?;
        }
        self.timeline.event(Instant::now(), who, what);
        Ok(())
    }

    /// Listens until `done`, or until the deadline and the machine's own lateness; whether it was
    pub(crate) async fn until(
        &mut self,
        deadline: Instant,
        done: impl Fn(&Self) -> bool,
    ) -> anyhow::Result<bool> {
        while !done(self) {
            let told = timeout_at(deadline + self.lateness.worst(), self.notes.next()).await;
            match told {
                Ok(Some(told)) => self.hear(told)?,
                Ok(None) | Err(_) => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Listens for a while
    pub(crate) async fn watch(&mut self, length: Duration) -> anyhow::Result<()> {
        self.watch_until(Instant::now() + length).await
    }

    /// Listens until then, whatever is told
    pub(crate) async fn watch_until(&mut self, end: Instant) -> anyhow::Result<()> {
        while let Ok(Some(told)) = timeout_at(end, self.notes.next()).await {
            self.hear(told)?;
        }
        Ok(())
    }

    /// What the children told until they ended
    pub(crate) async fn rest(mut self) -> anyhow::Result<Self> {
        let notes = std::mem::replace(&mut self.notes, Notes::new());
        for told in notes.rest().await {
            self.hear(told)?;
        }
        Ok(self)
    }

    fn hear(&mut self, Told { at, who, what }: Told) -> anyhow::Result<()> {
        match (who, what) {
            (Who::Server, None) if self.server.is_none() => {}
            (Who::Crowd, None) => {}
            (_, None) if self.closing => {}
            (_, None) => bail!("the {who} process ended by itself"),
            (who, Some(Note::Late { .. })) if self.stopped == Some(who) => {}
            (_, Some(Note::Late { millis })) => self.lateness.note(Duration::from_millis(millis)),
            (_, Some(Note::Got { from, id })) => self.got(at, who, from, id),
            (Who::Server, Some(note)) => self.hear_server(at, note),
            (Who::Crowd, Some(Note::Gathered)) => self.crowd.gathered = true,
            (Who::Crowd, Some(Note::TriedAgain { millis })) => {
                self.crowd.span = Some(span_of(&millis));
            }
            (_, Some(note)) => self.hear_client(at, who, note),
        }
        Ok(())
    }

    /// Within a connection numbers grow; a client's grow for ever, a server's begin anew
    fn got(&mut self, at: Instant, receiver: Who, from: Who, id: u64) {
        if receiver == Who::Server {
            self.ledger.arrived((from, id));
            if let Some(life) = self.life(from) {
                life.reached = Some(at);
            }
        }
        let newest = self.newest.insert((receiver, from), id).unwrap_or(0);
        let in_order = if receiver == Who::Server { id > newest } else { id == newest + 1 };
        if !in_order {
            self.disorder.push(format!("{receiver} got {id} of {from} after {newest}"));
        }
    }

    fn hear_server(&mut self, at: Instant, note: Note) {
        match note {
            Note::Listening { address } => {
                self.server = Some(address);
                let patience = span(settings::INTERVAL + settings::TIMEOUT);
                let what = format!("listening on {address}, expires the silent after {patience}");
                self.timeline.event(at, Who::Server, what);
            }
            Note::Ended { peer: Some(peer), end } => {
                if let Some(life) = self.life(peer) {
                    life.dropped(Seen { at, how: end.how, by: end.by });
                }
                let (mood, verb) = match end.how {
                    How::Dead => (Mood::Bad, "expired"),
                    How::Closed => (Mood::Good, "let go of"),
                    _ => (Mood::Bad, "lost"),
                };
                let what = format!("{verb} {peer}, {}", end.sentence);
                self.timeline.verdict(at, Who::Server, mood, &what);
                self.check_alarm(at, Who::Server, peer, &end);
            }
            _ => {}
        }
    }

    fn hear_client(&mut self, at: Instant, who: Who, note: Note) {
        match note {
            Note::Sent { id } => self.ledger.sent((who, id), at),
            Note::Refused { why } => self.refused.push(format!("{who} took no message: {why}")),
            Note::Connecting { .. } => {
                if let Some(life) = self.life(who) {
                    life.attempts += 1;
                }
            }
            Note::Fates { fate, ids } => self.settle(at, who, fate, &ids),
            Note::HandedBack { fate, ids } => {
                ids.iter().for_each(|&id| self.ledger.handed_back((who, id), fate));
            }
            Note::Failed { why, retry_millis } => self.failed(at, who, why, retry_millis),
            Note::RoundTrip { micros } => {
                self.slowest = self.slowest.max(Duration::from_micros(micros));
            }
            Note::Connected { attempt, took_micros } => {
                self.failures.remove(&who);
                self.newest.remove(&(who, Who::Server));
                let Some(life) = self.life(who) else { return };
                let first = life.lost.is_none() && life.up_since.is_none();
                life.up_since = Some(at);
                let took = span(Duration::from_micros(took_micros));
                let what = match (first, attempt) {
                    (true, 1) => format!("connected (first try, {took})"),
                    _ => format!("connected (try {attempt}, {took})"),
                };
                self.timeline.verdict(at, who, Mood::Good, &what);
            }
            Note::Suspect { silent_millis } => {
                let silence = span(Duration::from_millis(silent_millis));
                let what = format!("suspicious: nothing heard for {silence}, may recover");
                self.timeline.verdict(at, who, Mood::Doubt, &what);
            }
            Note::Alive => self.timeline.verdict(at, who, Mood::Good, "heard again"),
            Note::Disconnected { end } => self.lost(at, who, &end),
            Note::Over { end } => {
                if let Some(life) = self.life(who) {
                    life.over = true;
                }
                self.lost(at, who, &end);
            }
            _ => {}
        }
    }

    fn lost(&mut self, at: Instant, who: Who, end: &End) {
        let Some(life) = self.life(who) else { return };
        if life.lost(Seen { at, how: end.how, by: end.by }) {
            let mood = if end.how == How::Closed { Mood::Good } else { Mood::Bad };
            self.timeline.verdict(at, who, mood, &end.sentence);
            self.check_alarm(at, who, who, end);
        } else {
            self.timeline.event(at, who, &end.sentence);
        }
    }

    /// A failed attempt: the first in full, a few more in brief, further ones in silence
    fn failed(&mut self, at: Instant, who: Who, why: String, retry_millis: Option<u64>) {
        let retry = match retry_millis {
            Some(millis) => format!("retry in {}", span(Duration::from_millis(millis))),
            None => "no retry".into(),
        };
        let (last, count) = self.failures.entry(who).or_default();
        *count += 1;
        match *count {
            2..=BRIEF if *last == why => {
                self.timeline.event(at, who, format_args!("the same; {retry}"));
            }
            0..=BRIEF => self.timeline.event(at, who, format_args!("{why}; {retry}")),
            MUTED => self.timeline.event(at, who, "and so on"),
            _ => {}
        }
        *last = why;
    }

    fn settle(&mut self, at: Instant, who: Who, fate: Fate, ids: &[u64]) {
        let connected_at = self.life(who).and_then(|life| life.up_since);
        let cut_at = self.cut_at.unwrap_or(at);
        let allowed = settings::UNPROVEN + self.lateness.recent();
        for &id in ids {
            let sent_at = self.ledger.settled((who, id), fate);
            let (Fate::Unconfirmed, Some(sent_at)) = (fate, sent_at) else {
                continue;
            };
            if let Some(late) = overdue(sent_at, connected_at, cut_at, allowed) {
                let late = span(late);
                self.overdue.push(format!("message {id} of {who} was unproven {late} too long"));
            }
        }
    }

    fn check_alarm(&mut self, at: Instant, observer: Who, peer: Who, end: &End) {
        if !self.cause.explain(observer, peer, end.how) {
            let what = format!("{observer} lost {peer} without a fault; {}", end.sentence);
            self.timeline.verdict(at, "demo", Mood::Bad, &format!("FALSE ALARM: {what}"));
            self.false_alarms.push(what);
        }
    }

    fn life(&mut self, who: Who) -> Option<&mut Life> {
        match who {
            Who::Client(runtime) => self.lives.clients.get_mut(&runtime),
            Who::Witness => Some(&mut self.lives.witness),
            Who::Sloth => Some(&mut self.lives.sloth),
            Who::Server | Who::Crowd | Who::Road => None,
        }
    }
}
