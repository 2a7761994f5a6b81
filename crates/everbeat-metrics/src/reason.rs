//! Why a connection ended, as a label: one of a fixed set, and never the peer's own words.

use everbeat_core::Cause;
use everbeat_core::cause::{CloseCode, Cut, Expired, Verdict};

/// All values of the label `reason`
///
/// `expired_` is followed by a value of the label `rule`, `dead_` by one of the label `verdict`.
pub const REASONS: &[&str] = &[
    "closed_by_us",
    "closed_by_peer",
    "closed_by_peer_restart",
    "closed_by_peer_try_again",
    "closed_by_peer_policy",
    "closed_by_peer_other",
    "dead_silent",
    "dead_path",
    "dead_app",
    "dead_one_way",
    "cut_end",
    "cut_reset",
    "cut_failed",
    "violation",
    "unreachable",
    "timed_out",
    "rejected",
    "not_websocket",
    "expired_silent",
    "expired_idle",
    "expired_unfinished",
    "expired_unauthenticated",
    "expired_stale",
    "expired_too_old",
    "expired_too_slow",
    "expired_shutting_down",
    "expired_evicted",
    DROPPED,
    UNTOLD,
    OTHER,
];

/// A server's handler let go of its connection before that had ended
pub(crate) const DROPPED: &str = "dropped";
/// A client's event that would have said so was not read
pub(crate) const UNTOLD: &str = "untold";
/// What there was not yet when this was written
const OTHER: &str = "other";

pub(crate) fn of(cause: &Cause) -> &'static str {
    match cause {
        Cause::ClosedByUs => "closed_by_us",
        Cause::Closed { .. } if cause.is_polite() => "closed_by_peer",
        Cause::Closed { code: CloseCode::RESTART, .. } => "closed_by_peer_restart",
        Cause::Closed { code: CloseCode::TRY_AGAIN, .. } => "closed_by_peer_try_again",
        Cause::Closed { code: CloseCode::POLICY, .. } => "closed_by_peer_policy",
        Cause::Closed { .. } => "closed_by_peer_other",
        Cause::Dead { verdict: Verdict::Silent, .. } => "dead_silent",
        Cause::Dead { verdict: Verdict::Path, .. } => "dead_path",
        Cause::Dead { verdict: Verdict::App, .. } => "dead_app",
        Cause::Dead { verdict: Verdict::OneWay, .. } => "dead_one_way",
        Cause::Cut { how: Cut::End, .. } => "cut_end",
        Cause::Cut { how: Cut::Reset, .. } => "cut_reset",
        Cause::Cut { how: Cut::Failed, .. } => "cut_failed",
        Cause::Violation { .. } => "violation",
        Cause::Unreachable { .. } => "unreachable",
        Cause::TimedOut { .. } => "timed_out",
        Cause::Rejected { .. } => "rejected",
        Cause::NotWebSocket { .. } => "not_websocket",
        Cause::Expired(Expired::Silent) => "expired_silent",
        Cause::Expired(Expired::Idle) => "expired_idle",
        Cause::Expired(Expired::Unfinished) => "expired_unfinished",
        Cause::Expired(Expired::Unauthenticated) => "expired_unauthenticated",
        Cause::Expired(Expired::Stale) => "expired_stale",
        Cause::Expired(Expired::TooOld) => "expired_too_old",
        Cause::Expired(Expired::TooSlow) => "expired_too_slow",
        Cause::Expired(Expired::ShuttingDown) => "expired_shutting_down",
        Cause::Expired(Expired::Evicted) => "expired_evicted",
        _ => OTHER,
    }
}

/// The label `rule`
pub(crate) fn rule(rule: Expired) -> &'static str {
    of(&Cause::Expired(rule)).strip_prefix("expired_").unwrap_or(OTHER)
}

/// The label `verdict`
pub(crate) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Silent => "silent",
        Verdict::Path => "path",
        Verdict::App => "app",
        Verdict::OneWay => "one_way",
        _ => OTHER,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use super::*;

    fn causes() -> Vec<Cause> {
        let codes = [1000, 1008, 1011, 1012, 1013, 4242].map(CloseCode);
        let closed = codes.map(|code| Cause::Closed { code, reason: "10.0.0.1".into() });
        let verdicts = [Verdict::Silent, Verdict::Path, Verdict::App, Verdict::OneWay];
        let dead = verdicts.map(|verdict| Cause::Dead { verdict, evidence: Box::default() });
        let cut = [Cut::End, Cut::Reset, Cut::Failed];
        let cut = cut.map(|how| Cause::Cut { how, detail: "of 10.0.0.1".into() });
        let rules = [
            Expired::Silent,
            Expired::Idle,
            Expired::Unfinished,
            Expired::Unauthenticated,
            Expired::Stale,
            Expired::TooOld,
            Expired::TooSlow,
            Expired::ShuttingDown,
            Expired::Evicted,
        ];
        let others = [
            Cause::ClosedByUs,
            Cause::Violation { code: CloseCode::POLICY, detail: "".into() },
            Cause::Unreachable { detail: "10.0.0.1".into() },
            Cause::TimedOut { limit: Duration::from_secs(10) },
            Cause::Rejected { status: 503, retry_after: None },
            Cause::NotWebSocket { detail: "".into() },
        ];
        let rules = rules.map(Cause::Expired);
        [&closed[..], &dead[..], &cut[..], &others[..], &rules[..]].concat()
    }

    #[test]
    fn each_cause_has_a_word_of_the_fixed_set_and_each_word_a_cause() {
        let words = causes().iter().map(of).collect::<HashSet<_>>();
        let mut said = REASONS.iter().copied().collect::<HashSet<_>>();
        assert_eq!(said.len(), REASONS.len());
        for of_no_cause in [DROPPED, UNTOLD, OTHER] {
            said.remove(of_no_cause);
        }
        assert_eq!(words, said);
    }

    #[test]
    fn a_rule_is_a_reason_s_second_half() {
        assert_eq!(rule(Expired::TooSlow), "too_slow");
        assert_eq!(verdict(Verdict::OneWay), "one_way");
    }
}
