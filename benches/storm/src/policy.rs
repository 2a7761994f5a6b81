//! How clients come back: everbeat's own policy, as it is, and those that are usual elsewhere.

use std::time::Duration;

use everbeat_core::Cause;
use everbeat_core::reconnect::{Backoff, Decision, Reconnect};
use everbeat_core::time::Instant;
use fastrand::Rng;

/// A kind of policy
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// everbeat's, with its defaults
    Everbeat,
    /// Always 1 s
    Fixed,
    /// 1 s doubling to 30 s
    Exponential,
    /// 1 s doubling to 5 s, half of it more or less, and at most 5 s: `socket.io-client` 4.x, by its
    /// `backo2`
    SocketIo,
    /// Half of a step, and up to as much again; steps of 1 s doubling to 30 s
    EqualJitter,
    /// From 0 to a step, of 1 s doubling to 30 s
    FullJitter,
    /// From 1 s to three times the delay before, at most 30 s
    Decorrelated,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Everbeat => "everbeat",
            Self::Fixed => "fixed 1 s",
            Self::Exponential => "exponential 1..30 s",
            Self::SocketIo => "Socket.IO 1..5 s",
            Self::EqualJitter => "equal jitter 1..30 s",
            Self::FullJitter => "full jitter 1..30 s",
            Self::Decorrelated => "decorrelated 1..30 s",
        }
    }
}

/// One client's policy
pub(crate) enum Policy {
    Everbeat(Reconnect),
    Usual(Usual),
}

/// A policy that knows how often it failed, and nothing of why
pub(crate) struct Usual {
    kind: Kind,
    rng: Rng,
    failed: i32,
    /// In seconds
    last: f64,
}

impl Policy {
    /// Of a client that has been connected since the origin
    pub(crate) fn new(kind: Kind, seed: u64) -> Self {
        if kind == Kind::Everbeat {
            let mut reconnect = Reconnect::new(Backoff::default(), seed);
            reconnect.handle_connected(Instant::ORIGIN);
            return Self::Everbeat(reconnect);
        }
        Self::Usual(Usual { kind, rng: Rng::with_seed(seed), failed: 0, last: 1.0 })
    }

    /// When it tries again; `None` if it does not
    pub(crate) fn handle_end(&mut self, cause: &Cause, now: Instant) -> Option<Instant> {
        match self {
            Self::Everbeat(reconnect) => {
                match reconnect.handle_end(cause, cause.default_verdict(), now) {
                    Decision::RetryAt(at) => Some(at),
                    _ => None,
                }
            }
            Self::Usual(usual) => Some(now + Duration::from_secs_f64(usual.delay())),
        }
    }

    pub(crate) fn handle_connected(&mut self, now: Instant) {
        match self {
            Self::Everbeat(reconnect) => reconnect.handle_connected(now),
            Self::Usual(usual) => (usual.failed, usual.last) = (0, 1.0),
        }
    }
}

impl Usual {
    /// In seconds
    fn delay(&mut self) -> f64 {
        let step = 2_f64.powi(self.failed.min(20));
        self.failed += 1;
        let chance = self.rng.f64();
        match self.kind {
            Kind::Fixed => 1.0,
            Kind::Exponential => step.min(30.0),
            Kind::SocketIo => (step * (0.5 + chance)).min(5.0),
            Kind::EqualJitter => step.min(30.0) * (0.5 + 0.5 * chance),
            Kind::FullJitter => step.min(30.0) * chance,
            Kind::Decorrelated | Kind::Everbeat => {
                self.last = (1.0 + chance * (3.0 * self.last - 1.0)).min(30.0);
                self.last
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use everbeat_core::cause::{CloseCode, Cut};

    use super::*;

    fn cut() -> Cause {
        Cause::Cut { how: Cut::Reset, detail: "".into() }
    }

    /// The least and the longest of many delays after so many failures
    fn delays(kind: Kind, failures: usize) -> (f64, f64) {
        let now = Instant::ORIGIN + Duration::from_secs(3_600);
        let delay = |seed| {
            let mut policy = Policy::new(kind, seed);
            for _ in 0..failures {
                policy.handle_end(&cut(), now);
            }
            let at = policy.handle_end(&cut(), now).unwrap();
            at.saturating_duration_since(now).as_secs_f64()
        };
        let all = (0..2_000).map(delay);
        all.fold((f64::MAX, 0.0), |(least, most), delay| (least.min(delay), most.max(delay)))
    }

    #[test]
    fn each_policy_has_the_delays_that_it_is_named_for() {
        for (kind, failures, least, most) in [
            (Kind::Fixed, 5, 1.0, 1.0),
            (Kind::Exponential, 3, 8.0, 8.0),
            (Kind::Exponential, 9, 30.0, 30.0),
            (Kind::SocketIo, 0, 0.5, 1.5),
            (Kind::SocketIo, 2, 2.0, 5.0),
            (Kind::SocketIo, 9, 5.0, 5.0),
            (Kind::EqualJitter, 2, 2.0, 4.0),
            (Kind::FullJitter, 2, 0.0, 4.0),
            (Kind::Decorrelated, 0, 1.0, 3.0),
            (Kind::Decorrelated, 9, 1.0, 30.0),
            (Kind::Everbeat, 0, 0.0, 1.0),
        ] {
            let (low, high) = delays(kind, failures);
            let near = |a: f64, b: f64| (a - b).abs() <= 0.03 * b.max(1.0);
            assert!(near(low, least) && near(high, most), "{kind:?} {failures}: {low} to {high}");
        }
    }

    #[test]
    fn everbeats_obeys_a_window_and_starts_anew_when_it_is_connected() {
        let now = Instant::ORIGIN + Duration::from_secs(3_600);
        let mut policy = Policy::new(Kind::Everbeat, 3);
        let told = Cause::Closed { code: CloseCode::RESTART, reason: "retry=7000-7100".into() };
        let at = policy.handle_end(&told, now).unwrap().saturating_duration_since(now);
        assert!((7_000..=7_100).contains(&at.as_millis()), "{at:?}");
        let gone = Cause::Closed { code: CloseCode::NORMAL, reason: "".into() };
        assert_eq!(policy.handle_end(&gone, now), None);
        let mut usual = Policy::new(Kind::Exponential, 3);
        usual.handle_end(&cut(), now);
        usual.handle_connected(now);
        assert_eq!(usual.handle_end(&cut(), now), Some(now + Duration::from_secs(1)));
    }
}
