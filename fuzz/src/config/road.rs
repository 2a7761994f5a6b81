//! What a kernel says of the road: the truth of three simple cases, or anything.

use std::time::Duration;

use everbeat_core::transport::PathEvidence;

use crate::draw::Draw;

/// A kernel whose word is not to be relied on, and what it has said so far
#[derive(Debug, Default)]
pub(super) struct Kernel {
    /// The most that it called acknowledged
    pub(super) acknowledged: u64,
    /// Whether it told something when it was last asked; `None` before that
    told: Option<bool>,
}

impl Kernel {
    pub(super) fn sees(&self) -> bool {
        self.told == Some(true)
    }

    /// Says something of `given` bytes
    ///
    /// # Panics
    ///
    /// It has once said nothing, and is asked again.
    pub(super) fn say(&mut self, draw: &mut Draw<'_>, given: u64) -> Option<PathEvidence> {
        assert_ne!(self.told, Some(false), "a platform that tells nothing is asked again");
        let told = match draw.byte() % 16 {
            0 => None,
            // Of what it has always said, or of all, or of any part: just now, or long ago.
            kind @ 1..=9 => {
                let part = u64::from(draw.byte());
                let acknowledged = [self.acknowledged, given, given.saturating_sub(part)];
                let mut told = told(acknowledged[usize::from(kind % 3)]);
                told.last_acknowledged = if kind < 4 { Duration::ZERO } else { draw.duration() };
                told.waiting = if kind < 7 { 0 } else { given.saturating_sub(told.acknowledged) };
                told.unsent = given.saturating_sub(told.acknowledged);
                Some(told)
            }
            // Nonsense.
            _ => {
                let mut told = told(draw.number() as u64);
                told.last_acknowledged = draw.duration();
                (told.waiting, told.unsent) = (draw.number() as u64, draw.number() as u64);
                Some(told)
            }
        };
        self.told = Some(told.is_some());
        self.acknowledged = self.acknowledged.max(told.map_or(0, |told| told.acknowledged));
        told
    }
}

fn told(acknowledged: u64) -> PathEvidence {
    let mut told = PathEvidence::default();
    told.acknowledged = acknowledged;
    told
}

/// Nothing was ever acknowledged
#[expect(clippy::unnecessary_wraps, reason = "another platform's answer is `None`")]
pub(super) fn dead_road(sent: u64, since: Duration) -> Option<PathEvidence> {
    let mut told = told(0);
    (told.unsent, told.last_acknowledged) = (sent, since);
    Some(told)
}

/// All was acknowledged at once
#[expect(clippy::unnecessary_wraps, reason = "another platform's answer is `None`")]
pub(super) fn hung_program(sent: u64, since: Duration) -> Option<PathEvidence> {
    let mut told = told(sent);
    told.last_acknowledged = since;
    Some(told)
}
