//! Which of several endpoints the next attempt goes to: the most preferred one that does not rest. One
//! that failed rests, longer each time; one that was healthy has no failures; and nobody leaves a
//! connection that stands. It takes instants and reads no clock.

use core::fmt;
use core::time::Duration;

use alloc::vec;
use alloc::vec::Vec;
use fastrand::Rng;

use super::Retry;
use crate::time::Instant;

/// The first rest of an endpoint that failed: several times the delay behind a first failure, so that
/// another is tried meanwhile
const FIRST_REST: Duration = Duration::from_secs(15);

/// The longest rest: a preferred endpoint that is back is asked again after so long, when next there is
/// a reason to connect
const LONGEST_REST: Duration = Duration::from_secs(600);

/// How many connections in a row may end young before that is held against their endpoint: one may
/// have been the network's doing
const YOUNG_ENDS: u8 = 2;

/// Over how many first steps of the backoff those who move to another endpoint are spread: as many as
/// everybody is after a restart
const SPREAD: u32 = 5;

/// The health of several endpoints, and which of them is next
///
/// Pure: it takes instants and what came of attempts, and returns numbers of endpoints. They are in
/// order of preference; 0 is the first.
///
/// - An attempt goes to the most preferred endpoint that does not rest. If all rest, to the one whose
///   rest is over first: the backoff between attempts is the client's.
/// - An endpoint rests after an attempt that failed, and after two connections in a row that ended
///   before they were healthy: 15 s, doubling to 10 minutes, times U(0.8, 1), and not before its
///   `Retry-After`. Credentials that are refused, and a server that says when to come back, are not
///   held against it.
/// - An attempt that is refused for good ([`Retry::Never`]: a 404, say, or an answer that is no
///   WebSocket's) has its endpoint rest for the longest time, 8 to 10 minutes, and the others have
///   their turn. The client ends with the refusal after which each endpoint's last answer, since a
///   connection last stood, was one. Credentials are the client's and not an endpoint's: whoever's are
///   refused twice ([`Retry::Once`]) ends without asking the others; and so does whoever's connection
///   stood and was ended for good.
/// - A connection that was healthy wipes out what was held against its endpoint.
/// - Nobody leaves a connection that stands: the preferred endpoint is asked again when a connection
///   has ended anyway.
/// - Whoever moves to another endpoint does not move alone: the attempt is delayed by U(0, 5 s) at
///   least, for a first step of 1 s.
///
/// ```
/// use core::time::Duration;
/// use everbeat_core::reconnect::{Endpoints, Retry};
/// use everbeat_core::time::Instant;
///
/// let mut endpoints = Endpoints::new(2, 7);
/// let second = Duration::from_secs(1);
/// assert_eq!(endpoints.choose(Instant::ORIGIN), 0);
/// let next = endpoints.handle_end(Retry::Together, 30 * second, second, Instant::ORIGIN);
/// assert!(next.spread <= 5 * second);
/// assert_eq!(endpoints.choose(Instant::ORIGIN + 5 * second), 1);
/// ```
#[derive(Clone)]
pub struct Endpoints {
    each: Vec<Health>,
    /// The one that was chosen last
    present: usize,
    /// When the present connection was made; never while there is none
    connected_at: Instant,
    rng: Rng,
}

/// What is known of one endpoint
#[derive(Clone, Copy, Debug)]
struct Health {
    rests_until: Instant,
    /// Before which it does not want us
    not_before: Instant,
    /// How often it has failed since it was last healthy
    failures: u8,
    /// How many connections in a row have ended young
    young: u8,
    /// Whether it was ever chosen
    tried: bool,
    /// Whether its last answer, since a connection last stood, was a refusal for good
    refused: bool,
}

impl Health {
    const NEW: Self = Self {
        rests_until: Instant::ORIGIN,
        not_before: Instant::ORIGIN,
        failures: 0,
        young: 0,
        tried: false,
        refused: false,
    };

    /// Where no rest grows any more
    const MOST_FAILURES: u8 = 31;

    /// Nothing is held against it any more
    const fn clear(&mut self) {
        (self.rests_until, self.failures, self.young) = (self.not_before, 0, 0);
        self.refused = false;
    }

    fn rest(&mut self, now: Instant, rng: &mut Rng) {
        let doubled = 1_u32.checked_shl(self.failures.into()).unwrap_or(u32::MAX);
        let longest = FIRST_REST.saturating_mul(doubled).min(LONGEST_REST);
        self.rests_until = self.not_before.max(now + longest.mul_f64(0.8 + 0.2 * rng.f64()));
        self.failures = self.failures.saturating_add(1).min(Self::MOST_FAILURES);
        self.young = 0;
    }
}

/// What an end means for the next attempt
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Next {
    /// The verdict for [`Reconnect::handle_end`](super::Reconnect::handle_end): a `Retry-After` is no
    /// reason to wait with another endpoint
    pub retry: Retry,
    /// How much later the attempt is made at least, from now; zero at the same endpoint
    pub spread: Duration,
}

impl Endpoints {
    /// How many endpoints a client may have: 16, for each is asked in its turn before the first is
    /// asked again
    pub const MOST: usize = 16;

    /// So many endpoints of which nothing is known; there is at least one
    ///
    /// `seed` draws rests and delays: take it from the operating system.
    #[must_use]
    pub fn new(count: usize, seed: u64) -> Self {
        Self {
            each: vec![Health::NEW; count.max(1)],
            present: 0,
            connected_at: Instant::NEVER,
            rng: Rng::with_seed(seed),
        }
    }

    /// The endpoint that the attempt which begins now goes to
    pub fn choose(&mut self, now: Instant) -> usize {
        self.present = self.best(now);
        if let Some(chosen) = self.each.get_mut(self.present) {
            chosen.tried = true;
        }
        self.present
    }

    /// The endpoint that was chosen last
    #[must_use]
    pub const fn present(&self) -> usize {
        self.present
    }

    /// Whether there is one that was never chosen
    #[must_use]
    pub fn has_untried(&self) -> bool {
        self.each.iter().any(|health| !health.tried)
    }

    /// The attempt has become a connection
    pub fn handle_connected(&mut self, now: Instant) {
        self.connected_at = now;
        self.each.iter_mut().for_each(|health| health.refused = false);
    }

    /// The connection ended, or the attempt failed, for which the verdict is `retry`
    ///
    /// `healthy_after` and `first_step` are the backoff's.
    pub fn handle_end(
        &mut self,
        retry: Retry,
        healthy_after: Duration,
        first_step: Duration,
        now: Instant,
    ) -> Next {
        let connected_at = core::mem::replace(&mut self.connected_at, Instant::NEVER);
        let stood = connected_at != Instant::NEVER;
        let healthy = stood && now.saturating_duration_since(connected_at) >= healthy_after;
        let refused = !stood && retry == Retry::Never;
        if let Some(health) = self.each.get_mut(self.present) {
            if let Retry::After(floor) = retry {
                health.not_before = now + floor;
            }
            health.refused = refused;
            if healthy {
                health.clear();
            } else if refused {
                // Nothing was temporary about it
                health.failures = Health::MOST_FAILURES;
                health.rest(now, &mut self.rng);
            } else if !matches!(retry, Retry::Never | Retry::Once | Retry::Within(_)) {
                health.young = if stood { health.young.saturating_add(1) } else { YOUNG_ENDS };
                if health.young >= YOUNG_ENDS {
                    health.rest(now, &mut self.rng);
                }
            }
        }
        let all_refused = self.each.iter().all(|health| health.refused);
        // Whoever is refused comes to the others as whoever finds nobody there
        let retry = if refused && !all_refused { Retry::Together } else { retry };
        let next = self.best(now);
        let moves = next != self.present && retry != Retry::Never;
        let spread = first_step.saturating_mul(SPREAD).mul_f64(self.rng.f64());
        let floor = self
            .each
            .get(next)
            .map_or(Duration::ZERO, |health| health.not_before.saturating_duration_since(now));
        let retry = match retry {
            Retry::Never | Retry::Once => retry,
            // It, too, has said when
            _ if !floor.is_zero() => Retry::After(floor),
            Retry::After(_) if moves => Retry::Together,
            _ => retry,
        };
        Next { retry, spread: if moves { spread } else { Duration::ZERO } }
    }

    /// The network is another one: what was learnt over the one before says nothing
    pub fn handle_moved(&mut self) {
        self.each.iter_mut().for_each(Health::clear);
    }

    fn best(&self, now: Instant) -> usize {
        let mut all = self.each.iter();
        all.position(|health| health.rests_until <= now).unwrap_or_else(|| {
            // Who has refused is not asked in place of one that may be back
            let order = |(_, health): &(usize, &Health)| (health.refused, health.rests_until);
            let first = self.each.iter().enumerate().min_by_key(order);
            first.map_or(0, |(index, _)| index)
        })
    }
}

impl fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoints")
            .field("each", &self.each)
            .field("present", &self.present)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
