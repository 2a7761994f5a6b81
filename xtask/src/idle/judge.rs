//! What was seen, held against the goals; the table goes to stderr.

use std::time::{Duration, Instant};

use super::{BEAT, Wanted};
use crate::process::Cost;
use crate::report::Report;
use crate::shell::{GREEN, RED, paint};

/// Later than this the machine was not ours, and what was seen is about something else
const TOO_LATE: Duration = Duration::from_millis(500);

/// A wheel's tick, by which a beat may come late, and as much for its way
const TICK: Duration = Duration::from_millis(100);

/// How much memory may differ between the first minute and the last, in per cent
const GROWTH: f64 = 2.0;

/// Looks that make a minute; a shorter run's first and last fifth take its place
const A_MINUTE: usize = 60;

/// What was seen while all were idle
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) begun: Instant,
    pub(super) seconds: f64,
    /// Bytes of the server in memory: before anybody came, and at each look
    pub(super) alone: u64,
    pub(super) resident: Vec<u64>,
    /// Pings that the peers heard, and how many of them had no Pong when it ended
    pub(super) pings: f64,
    pub(super) unanswered: f64,
    pub(super) closed: f64,
    /// The longest that one of them was without
    pub(super) gap_ms: f64,
    pub(super) cost: Cost,
    pub(super) load: Cost,
    pub(super) late: Duration,
    /// Why it did not come to its end
    pub(super) lost: Option<String>,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            seconds: 0.0,
            alone: 0,
            resident: Vec::new(),
            pings: 0.0,
            unanswered: 0.0,
            closed: 0.0,
            gap_ms: 0.0,
            cost: Cost::default(),
            load: Cost::default(),
            late: Duration::ZERO,
            lost: None,
        }
    }
}

impl Seen {
    /// What the server had in the first minute and in the last, in the middle of its looks
    fn minutes(&self) -> [f64; 2] {
        let looks = A_MINUTE.min(self.resident.len() / 5).max(1).min(self.resident.len());
        let middle = |looks: &[u64]| {
            let mut looks = looks.to_vec();
            looks.sort_unstable();
            looks.get(looks.len() / 2).copied().unwrap_or_default() as f64
        };
        let last = self.resident.len() - looks;
        [middle(&self.resident[..looks]), middle(&self.resident[last..])]
    }
}

pub(super) fn judge(wanted: &Wanted, seen: &Seen) -> Report {
    let mut report = Report::new("idle");
    let mut table = String::new();
    let mut row = |name: &str, value: f64, unit: &str, goal: Option<f64>, met: bool| {
        report.row(name, value, unit, goal, met);
        let goal = goal.map_or_else(String::new, |goal| {
            let verdict = if met { paint(GREEN, "met") } else { paint(RED, "MISSED") };
            format!("  goal {goal:>9.1}  {verdict}")
        });
        table += format!("{name:<42}{value:>12.1} {unit:<8}{goal}").trim_end();
        table.push('\n');
    };
    let connections = wanted.connections as f64;
    let lost = seen.lost.is_some();
    row("connections", connections, "", None, true);
    row("closed", seen.closed, "", Some(0.0), seen.closed == 0.0 && !lost);
    let late_ms = seen.late.as_secs_f64() * 1e3;
    let promise = (BEAT + TICK).as_secs_f64() * 1e3 + late_ms;
    // Each beats at least so often; one beat of each may be under way at both ends.
    let beats = connections * (seen.seconds / (promise / 1e3) - 1.0).floor().max(1.0);
    row("Pings", seen.pings, "", Some(beats), seen.pings >= beats);
    // What comes while it is counted is on its way: a tick's share of them.
    let on_their_way = connections * TICK.as_secs_f64();
    row(
        "Pings not answered at the end",
        seen.unanswered,
        "",
        Some(on_their_way),
        seen.unanswered <= on_their_way,
    );
    row(
        "longest without a Ping",
        seen.gap_ms,
        "ms",
        Some(promise),
        seen.gap_ms > 0.0 && seen.gap_ms <= promise,
    );
    let mib = |bytes: f64| bytes / f64::from(1 << 20);
    let [first, last] = seen.minutes();
    row("resident, first minute or fifth", mib(first), "MiB", None, true);
    row("resident, last minute or fifth", mib(last), "MiB", None, true);
    let growth = (last - first).abs() * 100.0 / first.max(1.0);
    row("difference", growth, "%", Some(GROWTH), first > 0.0 && growth <= GROWTH);
    row(
        "resident for each, over the empty server",
        (last - seen.alone as f64) / connections,
        "bytes",
        None,
        true,
    );
    let each = |seconds: f64| seconds * 1e6 / seen.pings.max(1.0);
    row("server, for a million round trips", each(seen.cost.sum()), "s", None, true);
    row("of it in its own code", each(seen.cost.user), "s", None, true);
    row("load, for a million round trips", each(seen.load.sum()), "s", None, true);
    row("worst lateness", late_ms, "ms", Some(TOO_LATE.as_secs_f64() * 1e3), seen.late <= TOO_LATE);
    eprint!("{table}");
    if seen.late > TOO_LATE {
        eprintln!("{} the machine stalled, so that this says nothing", paint(RED, "INVALID:"));
        report.invalidate();
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen() -> Seen {
        Seen {
            seconds: 300.0,
            alone: 5 << 20,
            resident: vec![25 << 20; 300],
            pings: 2_900.0,
            gap_ms: 1_010.0,
            ..Seen::default()
        }
    }

    fn code(change: impl FnOnce(&mut Seen)) -> u8 {
        let wanted = Wanted { runtime: "tokio", connections: 10, seconds: 300 };
        let mut seen = seen();
        change(&mut seen);
        judge(&wanted, &seen).code()
    }

    #[test]
    fn all_is_well() {
        assert_eq!(code(|_| {}), 0);
    }

    #[test]
    fn each_loss_is_a_failure() {
        assert_eq!(code(|seen| seen.closed = 1.0), 1);
        assert_eq!(code(|seen| seen.lost = Some("it ended".into())), 1);
        assert_eq!(code(|seen| seen.unanswered = 2.0), 1);
        assert_eq!(code(|seen| seen.pings = 2_000.0), 1);
        assert_eq!(code(|seen| seen.gap_ms = 1_101.0), 1);
        assert_eq!(code(|seen| seen.gap_ms = 0.0), 1, "nothing was looked at");
    }

    #[test]
    fn two_per_cent_between_the_minutes_and_no_more_either_way() {
        let last = |mib: f64| code(|seen| seen.resident[240..].fill((mib * 1_048_576.0) as u64));
        assert_eq!((last(25.5), last(25.6), last(24.4)), (0, 1, 1));
        assert_eq!(
            code(|seen| seen.resident[60..240].fill(99 << 20)),
            0,
            "what is between is not asked"
        );
        assert_eq!(code(|seen| seen.resident.clear()), 1);
    }

    #[test]
    fn what_is_late_is_granted_and_a_stall_is_no_answer() {
        let late = |ms: u64, gap_ms: f64| {
            code(|seen| (seen.late, seen.gap_ms) = (Duration::from_millis(ms), gap_ms))
        };
        assert_eq!((late(400, 1_500.0), late(400, 1_501.0)), (0, 1));
        assert_eq!((late(501, 1_000.0), late(501, 9_000.0)), (2, 2));
    }

    #[test]
    fn a_short_runs_fifth_takes_a_minutes_place() {
        let resident = [vec![20; 4], vec![90; 12], vec![30; 4]].concat();
        assert_eq!(Seen { resident, ..Seen::default() }.minutes(), [20.0, 30.0]);
    }
}
