//! How the other end usually speaks, and what an early Ping may cost: who is heard every other second
//! and then not for ten is asked before the interval is over, out of the Pings that its talking saved.

use core::time::Duration;

use super::short::Millis;
use crate::time::Instant;

/// The typical gap between what is heard, and a bucket of saved Pings
#[derive(Debug)]
pub(super) struct Tempo {
    /// When the last Ping was asked for; the start counts as one
    asked_at: Instant,
    /// A bucket by its arrival time, from that Ping on: each moves it on by an interval, at most
    /// [`SAVED`] ahead
    paid: Millis,
    /// Smoothed with a weight of 1/8; 0 before anything was heard
    gap: Millis,
}

/// How many Pings can be saved
const SAVED: u32 = 4;
/// A gap of so many typical ones is worth a Ping
const GAPS: u64 = 4;
/// But none comes earlier than this, or a fifth of the interval
const EARLIEST: u64 = 1_000_000_000;

impl Tempo {
    /// With nothing saved yet
    pub(super) fn new(now: Instant, interval: Duration) -> Self {
        Self { asked_at: now, paid: Millis::from(interval * SAVED), gap: Millis(0) }
    }

    /// Something was heard, so long after the last time
    #[inline]
    pub(super) fn handle_heard(&mut self, gap: Duration) {
        // Less than one is nothing to whom no gap under a quarter of a second is unusual.
        let (old, new) = (self.gap.0, Millis::from(gap).0.max(1));
        self.gap = Millis(if old == 0 { new } else { (old - old / 8 + new / 8).max(1) });
    }

    /// A Ping was asked for
    pub(super) fn handle_ping(&mut self, now: Instant, interval: Duration) {
        let interval = nanos(interval);
        let left = self.paid_until().as_nanos().saturating_sub(now.as_nanos());
        let most = interval.saturating_mul(SAVED.into());
        let paid = left.saturating_add(interval).min(most);
        (self.asked_at, self.paid) = (now, Millis::of_nanos(paid));
    }

    /// Until when the Pings that were sent are paid for
    const fn paid_until(&self) -> Instant {
        self.paid.after(self.asked_at)
    }

    /// When the last Ping was asked for; the start counts as one
    pub(super) const fn asked_at(&self) -> Instant {
        self.asked_at
    }

    /// When a quiet since then is worth a Ping, and one is saved; it may be after the interval
    #[inline]
    pub(super) fn due(&self, quiet_since: Instant, interval: Duration) -> Instant {
        if self.gap == Millis(0) {
            return Instant::NEVER;
        }
        // In integers, for it is asked with each message: a `Duration`'s own arithmetic costs ten times
        // as much.
        let interval = nanos(interval);
        let unusual = self.gap.as_nanos().saturating_mul(GAPS).max(EARLIEST).max(interval / 5);
        let due = quiet_since.as_nanos().saturating_add(unusual);
        let saved = interval.saturating_mul(u64::from(SAVED) - 1);
        Instant::from_nanos(due.max(self.paid_until().as_nanos().saturating_sub(saved)))
    }
}

const fn nanos(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000_000_000).saturating_add(duration.subsec_nanos() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const INTERVAL: Duration = Duration::from_secs(25);

    fn at(seconds: u32) -> Instant {
        Instant::ORIGIN + SECOND * seconds
    }

    /// Heard every two seconds from the start until `seconds`
    fn talkative(seconds: u32) -> Tempo {
        let mut tempo = Tempo::new(at(0), INTERVAL);
        for _ in 0..seconds / 2 {
            tempo.handle_heard(2 * SECOND);
        }
        tempo
    }

    #[test]
    fn who_is_usually_heard_is_asked_after_four_gaps_out_of_what_was_saved() {
        let mut tempo = talkative(100);
        let mut early = 0;
        for second in (100..400).step_by(10) {
            let due = tempo.due(at(second), INTERVAL);
            if due == at(second) + 8 * SECOND {
                early += 1;
                tempo.handle_ping(due, INTERVAL);
            }
        }
        // Saved: the first four; after them one for each interval that passes.
        assert_eq!(early, 4 + 300 / 25 - 1);
    }

    #[test]
    fn nothing_is_saved_by_who_is_pinged_all_the_time() {
        let mut tempo = talkative(2);
        for beat in 1..10 {
            tempo.handle_ping(at(25 * beat), INTERVAL);
        }
        assert!(tempo.due(at(225), INTERVAL) >= at(225) + INTERVAL);
    }

    #[test]
    fn no_more_than_four_are_saved_however_long_it_talks() {
        let mut tempo = talkative(10_000);
        for _ in 0..4 {
            assert_eq!(tempo.due(at(10_000), INTERVAL), at(10_008));
            tempo.handle_ping(at(10_000), INTERVAL);
        }
        assert_eq!(tempo.due(at(10_000), INTERVAL), at(10_025));
    }

    #[test]
    fn a_chatterbox_is_not_asked_at_every_breath() {
        let mut tempo = talkative(100);
        for _ in 0..1_000 {
            tempo.handle_heard(SECOND / 100);
        }
        assert_eq!(tempo.due(at(110), INTERVAL), at(115));
    }

    #[test]
    fn nothing_is_sooner_than_a_second_however_short_the_interval() {
        let mut tempo = Tempo::new(at(0), SECOND);
        for _ in 0..1_000 {
            tempo.handle_heard(SECOND / 100);
        }
        assert_eq!(tempo.due(at(110), SECOND), at(111));
    }

    #[test]
    fn one_long_gap_is_an_eighth_of_what_is_usual() {
        let mut tempo = talkative(100);
        tempo.handle_heard(10 * SECOND);
        assert_eq!(tempo.due(at(110), INTERVAL), at(122));
    }

    #[test]
    fn who_was_asked_out_of_turn_owes_four_pings_at_most() {
        let mut tempo = talkative(100);
        for _ in 0..100 {
            tempo.handle_ping(at(100), INTERVAL);
        }
        assert_eq!(tempo.due(at(110), INTERVAL), at(125));
        assert_eq!(tempo.due(at(126), INTERVAL), at(134));
    }

    #[test]
    fn who_was_never_heard_has_no_tempo() {
        assert_eq!(Tempo::new(at(0), INTERVAL).due(at(0), INTERVAL), Instant::NEVER);
    }
}
