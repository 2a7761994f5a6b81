//! The machine that decides for one connection whether one of the server's rules ends it. Silent and
//! idle are not here: they are the connection's own.

use std::time::Duration;

use everbeat_core::cause::Expired;
use everbeat_core::time::Instant;

use super::Expire;

/// One connection's expiry
#[derive(Debug)]
pub(crate) struct Expiry {
    rules: Expire,
    /// When the connection has lived long enough
    too_old: Instant,
    /// When the authentication ends, or the time for it, and by which rule
    authentication: (Instant, Expired),
    /// A write that does not get on, since when, and at how many bytes sent
    stuck: Option<Stuck>,
}

#[derive(Clone, Copy, Debug)]
struct Stuck {
    since: Instant,
    sent: u64,
    /// How often the write had been tried when this was last looked at
    tries: u16,
    /// Since when another try is waited for, and how often it had been tried then
    waiting: Option<(Instant, u16)>,
}

/// How long a connection that is awaited may take to try a write when it is asked to
const TRY: Duration = Duration::from_millis(100);

/// What is to be done now
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// A rule ends the connection
    Expire(Expired),
    /// The connection is to try its write again, which may be blocked no longer
    Try,
}

/// A write that the operating system did not take whole, when the connection last tried it
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blocked {
    /// Bytes that it has taken so far
    pub(crate) sent: u64,
    /// How often it was tried so far
    pub(crate) tries: u16,
}

/// For how long an authentication is good
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GoodFor {
    /// As long as [`Expire::authentication`] allows
    ByTheRules,
    Time(Duration),
}

impl Expiry {
    /// `seed` draws the age
    pub(crate) fn new(rules: Expire, seed: u64, opened: Instant) -> Self {
        let too_old = rules.age.map_or(Instant::NEVER, |age| {
            // The upper 53 bits are a fraction of 1
            let fraction = (seed >> 11) as f64 / (1_u64 << 53) as f64;
            opened + age.mul_f64(0.9 + 0.1 * fraction)
        });
        let after = |limit: Option<_>| limit.map_or(Instant::NEVER, |limit| opened + limit);
        let first = (after(rules.unauthenticated), Expired::Unauthenticated);
        let good = (after(rules.authentication), Expired::Stale);
        let authentication = if first.0 <= good.0 { first } else { good };
        Self { rules, too_old, authentication, stuck: None }
    }

    /// The peer has authenticated, or done so again
    pub(crate) fn handle_authenticated(&mut self, good: GoodFor, now: Instant) {
        let limit = match good {
            GoodFor::ByTheRules => self.rules.authentication,
            GoodFor::Time(time) => Some(time),
        };
        let until = limit.map_or(Instant::NEVER, |limit| now + limit);
        self.authentication = (until, Expired::Stale);
    }

    /// Whether a write is blocked, as the connection last found it; to be told after each time that
    /// the connection may have tried it
    ///
    /// `now` is asked only when a write is found blocked at first, or has got on since.
    pub(crate) fn handle_blocked(
        &mut self,
        blocked: Option<Blocked>,
        now: impl FnOnce() -> Instant,
    ) {
        match (blocked, &mut self.stuck) {
            (None, stuck) => *stuck = None,
            (Some(_), _) if self.rules.stuck.is_none() => {}
            (Some(Blocked { sent, tries }), Some(stuck)) if stuck.sent == sent => {
                stuck.tries = tries;
            }
            (Some(Blocked { sent, tries }), stuck) => {
                *stuck = Some(Stuck { since: now(), sent, tries, waiting: None });
            }
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) may have something to say; changes after any
    /// other call
    pub(crate) fn poll_timeout(&self) -> Instant {
        let stuck =
            match (self.stuck, self.rules.stuck) {
                // Tried: it can be judged at once
                (Some(Stuck { waiting: Some((since, before)), tries, .. }), _) => {
                    if tries == before { since + TRY } else { since }
                }
                (Some(stuck), Some(limit)) => stuck.since + limit,
                _ => Instant::NEVER,
            };
        self.authentication.0.min(self.too_old).min(stuck)
    }

    /// Whether nothing has a time, and a machine that were made anew would say the same
    pub(crate) fn is_at_rest(&self) -> bool {
        !self.rules.has_times() && self.poll_timeout() == Instant::NEVER
    }

    /// What is to be done now, if anything
    ///
    /// A write that was not tried lately may be blocked no longer: nobody knows, if the handler does
    /// not drive its connection. So the connection is asked to try first, and if it does not, the
    /// handler is in the way, and not the peer.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Option<Decision> {
        let (ends, rule) = self.authentication;
        if now >= ends {
            return Some(Decision::Expire(rule));
        }
        if now >= self.too_old {
            return Some(Decision::Expire(Expired::TooOld));
        }
        if now < self.poll_timeout() {
            return None;
        }
        let stuck = self.stuck.as_mut()?;
        match stuck.waiting {
            None => {
                stuck.waiting = Some((now, stuck.tries));
                Some(Decision::Try)
            }
            Some((_, before)) if before != stuck.tries => Some(Decision::Expire(Expired::TooSlow)),
            Some(_) => {
                (stuck.since, stuck.waiting) = (now, None);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(seconds: u32) -> Instant {
        Instant::ORIGIN + SECOND * seconds
    }

    fn expiry(rules: Expire) -> Expiry {
        Expiry::new(rules, 7, at(0))
    }

    /// What it says at its next timeout
    fn outcome(expiry: &mut Expiry) -> Option<(Expired, Instant)> {
        let now = expiry.poll_timeout();
        if now == Instant::NEVER {
            return None;
        }
        let early = Instant::from_nanos(now.as_nanos() - 1);
        assert_eq!(expiry.handle_timeout(early), None);
        match expiry.handle_timeout(now)? {
            Decision::Expire(rule) => Some((rule, now)),
            Decision::Try => None,
        }
    }

    #[test]
    fn by_default_nothing_is_ever_due() {
        assert_eq!(outcome(&mut expiry(Expire::default())), None);
    }

    #[test]
    fn who_does_not_authenticate_in_time_is_let_go_and_who_does_is_not() {
        let rules = Expire::default().unauthenticated(10 * SECOND);
        let mut late = expiry(rules);
        assert_eq!(outcome(&mut late), Some((Expired::Unauthenticated, at(10))));
        let mut prompt = expiry(rules);
        prompt.handle_authenticated(GoodFor::ByTheRules, at(9));
        assert_eq!(outcome(&mut prompt), None);
    }

    #[test]
    fn an_authentication_is_good_for_its_time_and_refreshed() {
        let rules = Expire::default().unauthenticated(10 * SECOND).authentication(60 * SECOND);
        let mut expiry = expiry(rules);
        expiry.handle_authenticated(GoodFor::ByTheRules, at(5));
        assert_eq!(outcome(&mut expiry), Some((Expired::Stale, at(65))));
        expiry.handle_authenticated(GoodFor::ByTheRules, at(64));
        assert_eq!(outcome(&mut expiry), Some((Expired::Stale, at(124))));
        // A token knows best, be its time shorter or longer
        for seconds in [7, 700] {
            expiry.handle_authenticated(GoodFor::Time(seconds * SECOND), at(100));
            assert_eq!(outcome(&mut expiry), Some((Expired::Stale, at(100 + seconds))));
        }
        // Without the other rule it counts from the beginning
        let mut expiry = self::expiry(Expire::default().authentication(60 * SECOND));
        assert_eq!(outcome(&mut expiry), Some((Expired::Stale, at(60))));
    }

    #[test]
    fn ages_are_spread_over_the_last_tenth() {
        let rules = Expire::default().age(100 * SECOND);
        let ages: Vec<_> = (0..1_000_u64)
            .map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15))
            .map(|seed| outcome(&mut Expiry::new(rules, seed, at(0))).unwrap())
            .inspect(|(rule, _)| assert_eq!(*rule, Expired::TooOld))
            .map(|(_, age)| age)
            .collect();
        let (first, last) = (ages.iter().min().unwrap(), ages.iter().max().unwrap());
        assert!(*first >= at(90) && *first < at(91), "{first:?}");
        assert!(*last > at(99) && *last <= at(100), "{last:?}");
    }

    #[test]
    fn a_write_that_gets_on_is_not_stuck() {
        let mut expiry = expiry(Expire::default().stuck(10 * SECOND));
        for second in 0..100 {
            let blocked = Some(Blocked { sent: u64::from(second) / 9, tries: second });
            expiry.handle_blocked(blocked, || at(second.into()));
            assert_eq!(expiry.handle_timeout(at(second.into())), None, "{second}");
        }
        expiry.handle_blocked(None, || at(100));
        assert_eq!(expiry.poll_timeout(), Instant::NEVER);
    }

    #[test]
    fn at_rest_is_what_could_be_made_anew() {
        let mut expiry = expiry(Expire::default());
        assert!(expiry.is_at_rest());
        expiry.handle_blocked(Some(Blocked { sent: 1, tries: 1 }), || at(0));
        assert!(!expiry.is_at_rest());
        expiry.handle_blocked(None, || at(1));
        expiry.handle_authenticated(GoodFor::ByTheRules, at(2));
        assert!(expiry.is_at_rest());
        expiry.handle_authenticated(GoodFor::Time(SECOND), at(2));
        assert!(!expiry.is_at_rest());
        // Nothing is due any more, but one that were made anew would not know who has authenticated
        let mut known = self::expiry(Expire::default().unauthenticated(10 * SECOND));
        known.handle_authenticated(GoodFor::ByTheRules, at(5));
        assert_eq!((known.poll_timeout(), known.is_at_rest()), (Instant::NEVER, false));
    }

    #[test]
    fn a_write_that_does_not_is_and_only_while_somebody_tries() {
        let blocked = |tries| Some(Blocked { sent: 5, tries });
        let mut expiry = expiry(Expire::default().stuck(10 * SECOND));
        let unchanged = || unreachable!("it has not got on");
        expiry.handle_blocked(blocked(1), || at(0));
        expiry.handle_blocked(blocked(2), unchanged);
        assert_eq!(expiry.poll_timeout(), at(10));
        assert_eq!(expiry.handle_timeout(at(10)), Some(Decision::Try));
        // Nobody does: the handler is elsewhere
        expiry.handle_blocked(blocked(2), unchanged);
        assert_eq!(expiry.poll_timeout(), at(10) + TRY);
        assert_eq!(expiry.handle_timeout(at(10) + TRY), None);
        let again = at(20) + TRY;
        assert_eq!(expiry.poll_timeout(), again);
        assert_eq!(expiry.handle_timeout(again), Some(Decision::Try));
        expiry.handle_blocked(blocked(3), unchanged);
        assert_eq!(expiry.poll_timeout(), again, "it is known at once");
        assert_eq!(expiry.handle_timeout(again), Some(Decision::Expire(Expired::TooSlow)));
        let mut off = self::expiry(Expire::default().stuck(None));
        off.handle_blocked(blocked(1), || unreachable!("it is off"));
        assert_eq!(off.poll_timeout(), Instant::NEVER);
    }
}
