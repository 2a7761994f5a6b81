//! What both roles count, by handles that are looked up once.

use everbeat_core::cause::{Evidence, Verdict};
use everbeat_core::{Cause, Event};
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use crate::{names, reason};

pub(crate) struct Counts {
    role: &'static str,
    open: Gauge,
    opened: Counter,
    suspects: Counter,
    recoveries: Counter,
    stalled: Histogram,
    round_trip: Histogram,
    received: Counter,
    bytes_in: Counter,
    bytes_out: Counter,
    pub(crate) accepted: Counter,
    pub(crate) delivered: Counter,
    pub(crate) unsent: Counter,
    pub(crate) unconfirmed: Counter,
}

impl Counts {
    pub(crate) fn new(role: &'static str) -> Self {
        let of = |name| counter!(name, "role" => role);
        let fate = |fate| counter!(names::MESSAGES, "role" => role, "fate" => fate);
        let bytes = |direction| counter!(names::BYTES, "role" => role, "direction" => direction);
        Self {
            role,
            open: gauge!(names::OPEN, "role" => role),
            opened: of(names::OPENED),
            suspects: of(names::SUSPECTS),
            recoveries: of(names::RECOVERIES),
            stalled: histogram!(names::STALLED, "role" => role),
            round_trip: histogram!(names::ROUND_TRIP, "role" => role),
            received: fate("received"),
            bytes_in: bytes("in"),
            bytes_out: bytes("out"),
            accepted: fate("accepted"),
            delivered: fate("delivered"),
            unsent: fate("unsent"),
            unconfirmed: fate("unconfirmed"),
        }
    }

    /// What an event says by itself; ends are the roles' own
    pub(crate) fn event(&self, event: &Event) {
        match event {
            Event::Message(_) => self.received.increment(1),
            Event::Suspect { .. } => self.suspects.increment(1),
            Event::Alive => self.recoveries.increment(1),
            // Of one stall a part may show by the clock, and the rest while that stood still.
            Event::Stalled { stalled_for, slept_for } => {
                self.stalled.record(stalled_for.saturating_add(*slept_for).as_secs_f64());
            }
            _ => {}
        }
    }

    pub(crate) fn opened(&self) {
        self.opened.increment(1);
        self.open.increment(1.0);
    }

    pub(crate) fn ended(&self, cause: &Cause) {
        self.closed(reason::of(cause));
        if let Cause::Dead { verdict, evidence } = cause {
            let verdict = (*verdict, reason::verdict(*verdict));
            let lasted = lasted(verdict.0, evidence).as_secs_f64();
            histogram!(names::DETECTION, "role" => self.role, "verdict" => verdict.1)
                .record(lasted);
        }
    }

    pub(crate) fn closed(&self, reason: &'static str) {
        self.open.decrement(1.0);
        counter!(names::CLOSED, "role" => self.role, "reason" => reason).increment(1);
    }

    pub(crate) fn round_trip(&self, smoothed: core::time::Duration) {
        self.round_trip.record(smoothed.as_secs_f64());
    }

    pub(crate) fn bytes(&self, (received, sent): (u64, u64)) {
        self.bytes_in.increment(received);
        self.bytes_out.increment(sent);
    }
}

/// How long what a verdict is about had lasted
fn lasted(verdict: Verdict, evidence: &Evidence) -> core::time::Duration {
    match verdict {
        // The peer is heard: it is our own bytes that do not arrive.
        Verdict::OneWay => {
            let unacknowledged = evidence.path.map(|path| path.last_acknowledged);
            evidence.write_blocked_for.max(unacknowledged).unwrap_or(evidence.silent_for)
        }
        _ => evidence.silent_for,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_way_out_that_is_closed_is_measured_by_what_does_not_get_out() {
        let mut evidence = Evidence::default();
        evidence.silent_for = Duration::from_millis(300);
        evidence.write_blocked_for = Some(Duration::from_secs(20));
        assert_eq!(lasted(Verdict::OneWay, &evidence), Duration::from_secs(20));
        assert_eq!(lasted(Verdict::App, &evidence), Duration::from_millis(300));
    }
}
