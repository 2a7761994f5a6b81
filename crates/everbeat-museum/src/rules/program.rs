//! The program that lives by a rule: one socket, one queue, one event loop. Decides the order in
//! which things are looked at; what follows from them is the rule's.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use everbeat_core::time::{Instant, Sleep, Timer};
use everbeat_core::transport::{Incoming, Outgoing, Transport};

use super::queue::Queue;
use super::{Act, Heard, Order, Rule};

/// A message that the application sends
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sending {
    /// When, by the program's own timer; at once if that has passed
    pub at: Instant,
    /// How many bytes it has
    pub bytes: usize,
}

impl Sending {
    /// So many bytes at that time
    #[must_use]
    pub const fn new(at: Instant, bytes: usize) -> Self {
        Self { at, bytes }
    }

    /// So many bytes every `period`, for ever, the first a period after `start`
    pub fn every(
        period: Duration,
        bytes: usize,
        start: Instant,
    ) -> impl Iterator<Item = Self> + Clone {
        let next = move |at: &Instant| Some(*at + period);
        std::iter::successors(Some(start + period), next).map(move |at| Self::new(at, bytes))
    }
}

/// How a program's connection ended
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// When, by the program's own timer
    pub at: Instant,
    /// How
    pub end: End,
}

/// What ended a program's connection
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// The rule declared it dead, for this reason
    Dead(&'static str),
    /// The peer closed it, or the stream ended or broke
    Over,
}

/// What a program has done so far
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Pings that were asked for
    pub pings: u64,
    /// Messages that the operating system took
    pub sent: u64,
    /// Messages that came
    pub received: u64,
    /// How it ended, if it did
    pub verdict: Option<Verdict>,
}

impl Report {
    /// When the rule declared the connection dead, if it did
    #[must_use]
    pub fn death(&self) -> Option<Instant> {
        self.verdict.filter(|verdict| matches!(verdict.end, End::Dead(_))).map(|verdict| verdict.at)
    }
}

/// A program's report, to look at while it runs
#[derive(Clone, Debug, Default)]
pub struct Watch(Rc<Cell<Report>>);

impl Watch {
    /// What the program has done by now
    #[must_use]
    pub fn get(&self) -> Report {
        self.0.get()
    }

    fn note(&self, note: impl FnOnce(&mut Report)) {
        let mut report = self.0.get();
        note(&mut report);
        self.0.set(report);
    }
}

/// Lives by `rule` on a connection that stands, sends what `traffic` says, and swallows what comes
///
/// Ready when the connection is over, which it then has dropped. On a host that stalls it is to be
/// spawned there, with that host's timer.
///
/// # Cancel safety
///
/// Dropped, it drops the connection.
pub async fn run<T, K>(
    mut rule: impl Rule,
    transport: T,
    timer: K,
    traffic: impl IntoIterator<Item = Sending>,
    watch: Watch,
) -> Verdict
where
    T: Transport + Unpin,
    K: Timer,
{
    let now = timer.now();
    rule.begin(now);
    let mut traffic = traffic.into_iter();
    let mut program = Program {
        rule,
        queue: Queue::new(transport),
        sleep: Box::pin(timer.sleep_until(now)),
        timer,
        next: traffic.next(),
        traffic,
        waits_for_room: false,
        watch,
    };
    let end = poll_fn(|cx| program.poll(cx)).await;
    program.queue.transport().abort();
    let verdict = Verdict { at: program.timer.now(), end };
    program.watch.note(|report| report.verdict = Some(verdict));
    verdict
}

struct Program<R, T, K: Timer, I> {
    rule: R,
    queue: Queue<T>,
    timer: K,
    sleep: Pin<Box<K::Sleep>>,
    next: Option<Sending>,
    traffic: I,
    /// A Ping is in the queue and does not count as sent yet
    waits_for_room: bool,
    watch: Watch,
}

impl<R, T, K, I> Program<R, T, K, I>
where
    R: Rule,
    T: Transport + Unpin,
    K: Timer,
    I: Iterator<Item = Sending>,
{
    /// Goes round its event loop until there is nothing to do; the error is the end
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            if let Err(end) = self.turn(cx) {
                return Poll::Ready(end);
            }
            let application = self.next.map_or(Instant::NEVER, |sending| sending.at);
            self.sleep.as_mut().reset(self.rule.deadline().min(application));
            if self.sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        let now = self.timer.now();
        if self.rule.order() == Order::TimersFirst {
            self.serve_timers(now)?;
        }
        self.read(now, cx)?;
        if self.rule.order() == Order::ReadsFirst {
            self.serve_timers(now)?;
        }
        self.write(now, cx)
    }

    fn write(&mut self, now: Instant, cx: &mut Context<'_>) -> Result<(), End> {
        let sent = self.queue.poll_write(cx).map_err(|_| End::Over)?;
        self.watch.note(|report| report.sent += sent);
        if self.waits_for_room && self.has_room(|room| room.low) {
            self.waits_for_room = false;
            self.rule.asked(now);
        }
        Ok(())
    }

    fn serve_timers(&mut self, now: Instant) -> Result<(), End> {
        while self.rule.deadline() <= now {
            match self.rule.due(now) {
                Act::Nothing => {}
                Act::Ping => self.ping(now),
                Act::Close => self.queue.push(Outgoing::Close(None)),
                Act::Die(reason) => return Err(End::Dead(reason)),
            }
        }
        while let Some(sending) = self.next.filter(|sending| sending.at <= now) {
            self.queue.push(Outgoing::Message(vec![0; sending.bytes].into()));
            self.rule.sent(now);
            self.next = self.traffic.next();
        }
        Ok(())
    }

    fn ping(&mut self, now: Instant) {
        self.watch.note(|report| report.pings += 1);
        self.queue.push(Outgoing::Ping(self.watch.get().pings.to_be_bytes()));
        if self.has_room(|room| room.high) {
            self.rule.asked(now);
        } else {
            self.waits_for_room = true;
        }
    }

    fn has_room(&self, mark: impl FnOnce(super::Room) -> usize) -> bool {
        self.rule.room().is_none_or(|room| self.queue.unwritten() <= mark(room))
    }

    fn read(&mut self, now: Instant, cx: &mut Context<'_>) -> Result<(), End> {
        if !self.rule.reads_while_writing() {
            self.write(now, cx)?;
        }
        while self.rule.reads_while_writing() || self.queue.unwritten() == 0 {
            let Poll::Ready(incoming) = self.queue.transport().poll_recv(cx) else {
                return Ok(());
            };
            let heard = match incoming {
                Some(Ok(Incoming::Pong(payload))) => Heard::Pong(number(&payload)),
                Some(Ok(Incoming::Ping(_))) => Heard::Ping,
                Some(Ok(Incoming::Message(message))) => {
                    self.watch.note(|report| report.received += 1);
                    Heard::Message(message.len())
                }
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => return Err(End::Over),
            };
            self.rule.heard(heard, now);
        }
        Ok(())
    }
}

/// The number of the Ping that this answers
fn number(payload: &[u8]) -> u64 {
    payload.try_into().map_or(0, u64::from_be_bytes)
}
