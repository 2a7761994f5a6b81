//! A planned restart: when each connection is closed, and when its client is to come back, so that
//! they reach the successor evenly and nobody is away for longer than has to be.

use std::time::Duration;

use everbeat_core::cause::RetryWindow;
use everbeat_core::config::ConfigError;

use crate::builder::within;

/// A shutdown behind which another server takes over: clients are sent to it at a pace that it can
/// keep
///
/// A server with 100,000 clients that stops as it may is replaced by one that is asked for 100,000
/// connections within seconds. With this, clients come at 0.8 times the capacity of the successor:
///
/// - As long as this process may live, a connection is served until its client's turn has come, and
///   only then closed: its client is away for a moment. That works for every client, whatever its
///   policy.
/// - Who has no turn by then is closed at the end, and told when to come: 1012 with the reason
///   `retry=<from_ms>-<to_ms>`, a [`RetryWindow`], which everbeat's client obeys.
///
/// The process may live for the `shutdown_timeout`; the last `close_timeout` of it is for the Close
/// handshakes. `shutdown_timeout` = connections / (0.8 capacity) + `close_timeout` serves everybody
/// to the last: 68 s for 100,000 connections at 2,000 a second. It is over earlier if all have gone,
/// and at the latest 10 s (the `close_timeout`, if that is longer) behind the last turn.
///
/// # When does your successor listen?
///
/// **Before this process ends**: a supervisor that starts the next one first and hands the listening
/// socket over, or a balancer that has other servers. Then `Restart::per_second(2_000)` and that `shutdown_timeout` are all.
///
/// **Only after this process has ended**: `systemctl restart`, `docker restart`, and whatever else
/// stops one and then starts one. Then nobody can be served until its turn, and each client that is
/// sent away early finds nobody. It takes a *short* `shutdown_timeout`, so that the next one can start
/// soon, and [`opens_in`](Self::opens_in) with *more* than it and the start take together: everybody
/// is told at once when to come, and comes in his turn from then on. There is an example at
/// [`ServerBuilder::restart`](crate::ServerBuilder::restart).
///
/// # A crowd that takes more than an hour
///
/// No client believes that it is to stay away for longer than [`RetryWindow::LONGEST`], an hour. Who
/// would have his turn later is given one within the same hour, evenly again: a successor for which
/// that is too much at a time gives them slots
/// ([`upgrades_per_second`](crate::Limits::upgrades_per_second)). Who is served until his turn has it
/// whenever it is.
///
/// ```
/// use std::time::Duration;
/// use everbeat_server::storm::Restart;
///
/// // 3,000 connections, a successor that takes 1,000 a second, and 2 s to tell it to everybody
/// let plan = Restart::per_second(1_000).plan(3_000, Duration::from_secs(2));
/// let (first, last) = (plan.leave(0), plan.leave(2_999));
/// assert_eq!((first.at, first.window.to_string().as_str()), (Duration::ZERO, "retry=0-100"));
/// assert!(last.at < Duration::from_secs(2));
/// // Its turn is after 3,000 / 800 a second = 3.75 s
/// assert_eq!((last.at + last.window.from()).as_millis(), 3_748);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restart {
    capacity: u32,
    opens_in: Duration,
}

impl Restart {
    /// The least and the most connections a second that a successor may take
    pub const CAPACITY: std::ops::RangeInclusive<u32> = 1..=1_000_000;
    /// The longest that a successor may be waited for, half of what clients believe
    pub const LONGEST: Duration = Duration::from_secs(30 * 60);

    /// How long a window is: two turns of the server's wheel, so that those who are closed in one
    /// of them do not arrive together
    const WIDTH: Duration = Duration::from_millis(100);
    /// How late a window may begin that is believed as it is, to its end
    const FARTHEST: Duration = RetryWindow::LONGEST.saturating_sub(Self::WIDTH);
    /// How many connections a second are told to come later, in capacities: to say Close is a small
    /// part of the work of an upgrade
    const TOLD: u32 = 10;

    /// For a successor that takes so many connections a second, 1 to 1,000,000, and listens when
    /// this server's shutdown begins
    ///
    /// The capacity is the successor's, or all successors' together. Who exaggerates has a storm;
    /// half of it doubles the time. A successor with the same number as its
    /// [`upgrades_per_second`](crate::Limits::upgrades_per_second) tells those to come later for
    /// whom the number was wrong.
    #[must_use]
    pub const fn per_second(capacity: u32) -> Self {
        Self { capacity, opens_in: Duration::ZERO }
    }

    /// How long after the beginning of the shutdown the successor listens, at most half an hour; 0 by
    /// default, for one that is started first and shares the listening socket
    ///
    /// For one that is started when this process has ended, it is more than the `shutdown_timeout`
    /// and the start take. Better too long than too short: who comes before it has to try again, and
    /// does so with the jitter of a crowd.
    #[must_use]
    pub const fn opens_in(mut self, delay: Duration) -> Self {
        self.opens_in = delay;
        self
    }

    /// Whether the values can be
    ///
    /// # Errors
    ///
    /// One cannot; the error names the setting `restart`.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !Self::CAPACITY.contains(&self.capacity) {
            let (least, most) = (Self::CAPACITY.start(), Self::CAPACITY.end());
            let capacity = self.capacity;
            return Err(ConfigError::new(
                "restart",
                format_args!("at {capacity} connections a second: it must be {least} to {most}"),
            ));
        }
        within("restart", self.opens_in, Duration::ZERO, Self::LONGEST).map(drop)
    }

    /// The plan for so many connections, all of which are to be told within this time
    #[must_use]
    pub fn plan(&self, connections: usize, told_within: Duration) -> Plan {
        let restart = *self;
        let all = u64::try_from(connections).unwrap_or(u64::MAX);
        if all == 0 || restart.turn(all - 1) <= told_within {
            return Plan { restart, all, served: all, until: told_within, rest: Duration::ZERO };
        }
        let telling = taking(all, self.capacity.saturating_mul(Self::TOLD)).min(told_within);
        let until = told_within - telling;
        let served = restart.turns_by(until).min(all);
        Plan { restart, all, served, until, rest: telling }
    }

    /// When the client at this place comes to the successor, from the shutdown on
    fn turn(&self, place: u64) -> Duration {
        // At 0.8 of the capacity: 4 for every 5 that it could take
        self.opens_in.saturating_add(taking(place.saturating_mul(5), self.capacity) / 4)
    }

    /// This delay from then on; if nobody would believe it, one of those that are believed, and that
    /// the successor is there for
    fn believed(&self, delay: Duration, then: Duration) -> Duration {
        if delay <= Self::FARTHEST {
            return delay;
        }
        let soonest = self.opens_in.saturating_sub(then);
        let span = Self::FARTHEST.saturating_sub(soonest).as_nanos().max(1);
        let beyond = delay.saturating_sub(soonest).as_nanos() % span;
        soonest + Duration::from_nanos(u64::try_from(beyond).unwrap_or(u64::MAX))
    }

    /// How many turns there are by then
    fn turns_by(&self, time: Duration) -> u64 {
        let Some(open) = time.checked_sub(self.opens_in) else {
            return 0;
        };
        let turns = open.as_nanos() * u128::from(self.capacity) * 4 / (5 * 1_000_000_000);
        u64::try_from(turns).unwrap_or(u64::MAX).saturating_add(1)
    }
}

/// Who leaves when: one shutdown's plan
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    restart: Restart,
    all: u64,
    /// How many are served until their turn
    served: u64,
    /// Until then; the others are told over the time behind it
    until: Duration,
    rest: Duration,
}

/// How one connection leaves
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leave {
    /// When it is closed, from the shutdown on
    pub at: Duration,
    /// When its client is to come to the successor, from that on
    pub window: RetryWindow,
}

impl Plan {
    /// How the connection at this place leaves, counted from 0; a later place never leaves earlier
    #[must_use]
    pub fn leave(&self, place: usize) -> Leave {
        let place = u64::try_from(place).unwrap_or(u64::MAX);
        let turn = self.restart.turn(place);
        let at = match place.checked_sub(self.served) {
            None => turn,
            Some(behind) => {
                let others = self.all.saturating_sub(self.served).max(1);
                let share = behind.min(others) as f64 / others as f64;
                self.until + self.rest.mul_f64(share)
            }
        };
        let from = self.restart.believed(turn.saturating_sub(at), at);
        Leave { at, window: RetryWindow::new(from, from + Restart::WIDTH) }
    }

    /// How many connections are served until it is their client's turn, the first ones
    #[must_use]
    pub fn served_to_their_turn(&self) -> usize {
        usize::try_from(self.served).unwrap_or(usize::MAX)
    }

    /// How long after the shutdown the last connection is closed
    #[must_use]
    pub fn told_by(&self) -> Duration {
        let last = usize::try_from(self.all.saturating_sub(1)).unwrap_or(usize::MAX);
        self.leave(last).at
    }

    /// How long after the shutdown the last client has come to the successor
    #[must_use]
    pub fn takes(&self) -> Duration {
        let last = self.restart.turn(self.all.saturating_sub(1));
        last.min(self.told_by() + Restart::FARTHEST) + Restart::WIDTH
    }
}

/// How long so many take, at so many a second
fn taking(count: u64, rate: u32) -> Duration {
    let nanos = u128::from(count) * 1_000_000_000 / u128::from(rate.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn all(plan: Plan, count: usize) -> impl Iterator<Item = Leave> {
        (0..count).map(move |place| plan.leave(place))
    }

    #[test]
    fn with_time_for_all_everybody_is_served_until_its_turn() {
        let plan = Restart::per_second(2_000).plan(100_000, 63 * SECOND);
        assert_eq!(plan.served_to_their_turn(), 100_000);
        assert_eq!(plan.takes().as_millis(), 62_499 + 100);
        assert!(all(plan, 100_000).all(|leave| leave.window.from().is_zero()));
        assert_eq!(plan.leave(99_999).at.as_millis(), 62_499);
    }

    #[test]
    fn without_time_everybody_is_told_at_once_when_to_come() {
        let plan = Restart::per_second(100).plan(800, Duration::ZERO);
        let came: Vec<_> = all(plan, 800).map(|leave| (leave.at, leave.window.from())).collect();
        assert!(came.iter().all(|(at, _)| at.is_zero()));
        assert_eq!(came[799].1.as_millis(), 9_987);
        let seconds = |at: u64| came.iter().filter(|(_, from)| from.as_secs() == at).count();
        assert!((0..10).all(|second| seconds(second) == 80));
    }

    #[test]
    fn who_has_no_turn_in_time_is_told_at_the_end_and_not_all_at_once() {
        // 100 s of turns, and 10 s to live
        let plan = Restart::per_second(1_000).plan(80_000, 10 * SECOND);
        // 80,000 at 10,000 a second: from 2 s on
        assert_eq!(plan.served_to_their_turn(), 1_601);
        let leaves: Vec<_> = all(plan, 80_000).collect();
        let in_second = |at: u64| leaves.iter().filter(|leave| leave.at.as_secs() == at).count();
        assert_eq!(in_second(1), 800);
        assert!((2..10).all(|second| in_second(second) < 10_000), "{}", in_second(9));
    }

    #[test]
    fn nobody_comes_before_the_successor_listens() {
        let late = Restart::per_second(1_000).opens_in(5 * SECOND);
        // Served meanwhile
        let plan = late.plan(100, 8 * SECOND);
        assert!(all(plan, 100).all(|leave| leave.at >= 5 * SECOND));
        // Gone meanwhile
        let plan = late.plan(100, 2 * SECOND);
        assert_eq!(plan.served_to_their_turn(), 0);
        let comes = |leave: Leave| leave.at + leave.window.from();
        assert!(all(plan, 100).all(|leave| leave.at <= 2 * SECOND && comes(leave) >= 5 * SECOND));
    }

    /// 35 hours of turns: no client believes more than it does, so they have to be within that
    #[test]
    fn who_would_be_away_for_too_long_has_an_earlier_turn_and_not_all_the_same() {
        let late = Restart::per_second(1).opens_in(600 * SECOND);
        let plan = late.plan(100_000, 5 * SECOND);
        let mut tens = vec![0_u64; RetryWindow::LONGEST.as_secs() as usize / 10 + 2];
        for leave in all(plan, 100_000) {
            let (from, to) = (leave.window.from(), leave.window.to());
            assert_eq!(to - from, Restart::WIDTH);
            let comes = leave.at + from;
            assert!(comes >= 600 * SECOND && comes + Restart::WIDTH <= plan.takes());
            tens[comes.as_secs() as usize / 10] += 1;
        }
        let even = 1_000_000 / (RetryWindow::LONGEST.as_secs() - 600);
        let most = tens.iter().max().unwrap();
        assert!(*most <= even * 5 / 4, "{most} where {even} were even");
        assert_eq!(plan.takes(), plan.told_by() + RetryWindow::LONGEST);
        // Who is served until then need not believe anything
        let plan = late.plan(100_000, 200_000 * SECOND);
        assert!(all(plan, 100_000).all(|leave| leave.window.from().is_zero()));
        assert!(plan.takes() > 125_000 * SECOND);
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for restart in [
            Restart::per_second(0),
            Restart::per_second(1_000_001),
            Restart::per_second(1).opens_in(Restart::LONGEST + SECOND),
        ] {
            assert_eq!(restart.check().unwrap_err().setting(), "restart");
        }
        assert_eq!(Restart::per_second(1_000_000).opens_in(Restart::LONGEST).check(), Ok(()));
    }

    proptest! {
        /// Turns come evenly at 0.8 of the capacity and not before it listens; nobody is told too
        /// late, or earlier than who was before him, or is away although he could be served.
        #[test]
        fn turns_are_even_and_everybody_is_told_in_time(
            capacity in 1_u32..5_000,
            count in 1_usize..600,
            opens_in in 0_u64..20_000,
            told_within in 0_u64..60_000,
        ) {
            let millis = Duration::from_millis;
            let (opens_in, told_within) = (millis(opens_in), millis(told_within));
            let plan = Restart::per_second(capacity).opens_in(opens_in).plan(count, told_within);
            let mut before = Duration::ZERO;
            for (place, leave) in all(plan, count).enumerate() {
                let turn = leave.at + leave.window.from();
                let even = opens_in.as_secs_f64() + place as f64 / (0.8 * f64::from(capacity));
                prop_assert!((turn.as_secs_f64() - even).abs() < 1e-6, "{turn:?}, not {even}");
                prop_assert!(leave.at <= told_within && leave.at >= before);
                before = leave.at;
                let served = leave.window.from().is_zero();
                prop_assert!(!served || leave.at >= opens_in);
                // The time that the telling takes is the only reason to go before one's turn
                let telling = count as f64 / (10.0 * f64::from(capacity));
                let could = turn.as_secs_f64() < told_within.as_secs_f64() - telling - 1e-6;
                prop_assert!(served || !could, "{leave:?} of {plan:?}");
                prop_assert_eq!(leave.window.to() - leave.window.from(), Restart::WIDTH);
            }
            prop_assert!(plan.takes() >= before);
        }
    }
}
