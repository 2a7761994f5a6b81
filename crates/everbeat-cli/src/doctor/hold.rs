//! One connection that is held, silent or beating, answering or not, until its time or its end; what
//! it saw meanwhile.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::frame::Seen;
use super::ladder::Silence;
use super::wire::{End, Unopened, Wire};
use crate::span::Span;
use crate::target::Target;

/// How long the answer to a Ping is waited for
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// The most Pings of a server's that are noted; more tell nothing new
const NOTED: usize = 1_024;

/// How a connection is held
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) lasting: Duration,
    /// Whether the server's Pings are answered
    pub(super) answers: bool,
    /// A Ping of ours each time that this has passed
    pub(super) beat: Option<Duration>,
}

impl Plan {
    /// What it is, if it cannot be
    pub(super) fn words(&self) -> String {
        match (self.answers, self.beat) {
            (true, None) => format!("a silence of {}", Span(self.lasting)),
            (false, None) => "one that answers nothing".to_owned(),
            (true, Some(_)) => "one that beats".to_owned(),
            (false, Some(_)) => "one that beats and answers nothing".to_owned(),
        }
    }

    /// Whether there is a question that it alone answers
    pub(super) const fn asks(&self) -> bool {
        // Silences are several, and the one that beats and answers nothing is for more certainty.
        self.answers == self.beat.is_some()
    }
}

/// What was seen
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    /// From the upgrade to the end, whichever it was
    pub(super) lasted: Duration,
    /// How long nothing had passed either way at the end
    pub(super) quiet: Duration,
    pub(super) end: Silence,
    /// When the server pinged, since the upgrade
    pub(super) pinged: Vec<Duration>,
}

/// Opens a connection and holds it
pub(super) async fn hold(target: &Target, plan: Plan) -> Result<Held, Unopened> {
    let (wire, _) = Wire::open(target).await?;
    let opened = Instant::now();
    let mut holding = Holding { wire, opened, passed: opened, pinged: Vec::new() };
    let end = match holding.wait(plan).await {
        // It lasted; whether the road has kept it, only a question can tell.
        Ok(()) if plan.answers => holding.ask().await,
        Ok(()) => Silence::Survived,
        Err(end) => Silence::Ended(end),
    };
    let ended = Instant::now();
    let Holding { wire, passed, pinged, .. } = holding;
    let (lasted, quiet) = match &end {
        Silence::Ended(_) => (ended - opened, ended - passed),
        // What was asked behind it is none of the silence.
        Silence::Survived | Silence::Forgotten => (plan.lasting, plan.lasting),
    };
    if end == Silence::Survived {
        wire.leave().await;
    }
    Ok(Held { lasted, quiet, end, pinged })
}

struct Holding {
    wire: Wire,
    opened: Instant,
    /// When something last passed, either way
    passed: Instant,
    pinged: Vec<Duration>,
}

impl Holding {
    async fn wait(&mut self, plan: Plan) -> Result<(), End> {
        let until = self.opened + plan.lasting;
        let mut beat = plan.beat.map(|every| self.opened + every);
        loop {
            let next = beat.map_or(until, |beat| beat.min(until));
            let seen = tokio::select! {
                biased;
                seen = self.wire.next() => Some(seen?),
                () = sleep_until(next) => None,
            };
            match seen {
                Some(seen) => self.heard(&seen, plan.answers).await?,
                None if next == until => return Ok(()),
                None => {
                    self.wire.ping(b"beat").await?;
                    self.passed = Instant::now();
                    beat = plan.beat.map(|every| next + every);
                }
            }
        }
    }

    async fn heard(&mut self, seen: &Seen, answers: bool) -> Result<(), End> {
        if !matches!(seen, Seen::Close(..)) {
            // The end is none of the silence that it ends.
            self.passed = Instant::now();
        }
        match seen {
            Seen::Ping(payload) => {
                if self.pinged.len() < NOTED {
                    self.pinged.push(self.opened.elapsed());
                }
                if answers {
                    self.wire.pong(payload).await?;
                }
            }
            Seen::Close(code, reason) => {
                return Err(End::Closed { code: *code, reason: reason.clone() });
            }
            Seen::Data(_) | Seen::Pong(_) => {}
        }
        Ok(())
    }

    /// A Ping: whether anybody is there
    async fn ask(&mut self) -> Silence {
        const ASKED: &[u8] = b"still there";
        let again = Instant::now() + PATIENCE / 2;
        let answer = async {
            self.wire.ping(ASKED).await?;
            if let Ok(answered) = timeout_at(again, self.answer(ASKED)).await {
                return answered;
            }
            // An answer may lie in the server's queue until something comes behind it.
            self.wire.ping(ASKED).await?;
            self.answer(ASKED).await
        };
        match timeout(PATIENCE, answer).await {
            Ok(Ok(())) => Silence::Survived,
            // A road that has forgotten it may say so once it is asked, as a firewall does by a reset.
            Ok(Err(End::Reset | End::Failed(_))) | Err(_) => Silence::Forgotten,
            Ok(Err(end)) => Silence::Ended(end),
        }
    }

    async fn answer(&mut self, asked: &'static [u8]) -> Result<(), End> {
        loop {
            match self.wire.next().await? {
                Seen::Pong(payload) if payload == Bytes::from_static(asked) => return Ok(()),
                other => self.heard(&other, true).await?,
            }
        }
    }
}

impl Held {
    /// How long the silence was that ended it: less than it lasted if the server had spoken
    pub(super) fn silence(&self) -> Duration {
        let longest = self.gaps().max().unwrap_or(self.quiet);
        match self.end {
            Silence::Ended(_) => self.quiet,
            // Survived is only the longest time in which nothing passed.
            Silence::Survived | Silence::Forgotten => longest,
        }
    }

    /// The times between the server's Pings, those to the first and from the last included
    fn gaps(&self) -> impl Iterator<Item = Duration> + '_ {
        let begins = std::iter::once(Duration::ZERO).chain(self.pinged.iter().copied());
        let ends = self.pinged.iter().copied().chain(std::iter::once(self.lasted));
        begins.zip(ends).map(|(begin, end)| end.saturating_sub(begin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(lasted: u64, pinged: &[u64], end: Silence, quiet: u64) -> Held {
        let [lasted, quiet] = [lasted, quiet].map(Duration::from_secs);
        let pinged = pinged.iter().copied().map(Duration::from_secs).collect();
        Held { lasted, quiet, end, pinged }
    }

    #[test]
    fn a_server_that_pings_leaves_shorter_silences() {
        let survived = held(30, &[], Silence::Survived, 30);
        assert_eq!(survived.silence(), Duration::from_secs(30));
        let pinged = held(30, &[10, 22], Silence::Survived, 30);
        assert_eq!(pinged.silence(), Duration::from_secs(12));
        let cut = held(30, &[10, 22], Silence::Ended(End::Eof), 8);
        assert_eq!(cut.silence(), Duration::from_secs(8));
    }
}
