//! Histories that look like death and are none, and deaths that look like life.

use core::time::Duration;

use alloc::vec::Vec;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

fn at(millis: u64) -> Instant {
    Instant::from_origin(Duration::from_millis(millis))
}

/// A kernel that says this of the road
fn says(acknowledged: u64, last_acknowledged: Duration) -> Option<PathEvidence> {
    Some(PathEvidence { acknowledged, last_acknowledged, ..PathEvidence::default() })
}

/// What is told, and when, until it is dead or `until` has come; Pings are flushed as byte `sent`
fn told(
    heartbeat: &mut Heartbeat,
    until: Instant,
    sent: u64,
    path: impl Fn(Instant) -> Option<PathEvidence>,
) -> Vec<(Instant, Beat)> {
    let mut told = Vec::new();
    while heartbeat.poll_timeout() <= until {
        let now = heartbeat.poll_timeout();
        let Some(beat) = heartbeat.handle_timeout(now, || path(now)) else { continue };
        told.push((now, beat));
        match beat {
            Beat::Ping(_) => heartbeat.handle_flushed(sent, now),
            Beat::Dead(_) => break,
            _ => {}
        }
    }
    told
}

fn died(told: &[(Instant, Beat)]) -> Option<(Instant, Verdict)> {
    told.iter().find_map(|(at, beat)| match beat {
        Beat::Dead(verdict) => Some((*at, *verdict)),
        _ => None,
    })
}

/// A heartbeat with a server's clocks whose Ping was flushed as bytes 0 to 14, and when
fn pinged() -> (Heartbeat, [u8; 8], Instant) {
    let mut heartbeat = Heartbeat::new(HeartbeatConfig::SERVER, 7, Instant::ORIGIN);
    let now = heartbeat.poll_timeout();
    let asked = heartbeat.handle_timeout(now, || panic!("asked too early"));
    let Some(Beat::Ping(payload)) = asked else { panic!("{asked:?}") };
    heartbeat.handle_flushed(14, now);
    (heartbeat, payload, now)
}

#[test]
fn who_reads_slowly_is_not_dead_as_long_as_it_reads() {
    let mut heartbeat = Heartbeat::new(HeartbeatConfig::SERVER, 7, Instant::ORIGIN);
    let sent = at(1_000);
    heartbeat.handle_heard(sent);
    heartbeat.handle_write(sent);
    heartbeat.handle_flushed(2_000_000, sent);
    // It takes 64 KiB every eight seconds, and its window is shut in between.
    let told = told(&mut heartbeat, at(22_000), 2_000_014, |now| {
        let passed = now.saturating_duration_since(sent);
        let acknowledged = 65_536 * (1 + passed.as_secs() / 8);
        let last_acknowledged = passed.saturating_sub(8 * SECOND * (passed.as_secs() as u32 / 8));
        let waiting = 2_000_000 - acknowledged;
        Some(PathEvidence { acknowledged, waiting, unsent: waiting, last_acknowledged })
    });
    assert_eq!(died(&told), None, "{told:?}");
}

#[test]
fn no_counter_of_a_kernel_makes_us_panic() {
    let (mut heartbeat, _, sent) = pinged();
    let told = told(&mut heartbeat, sent + 60 * SECOND, 28, |_| {
        Some(PathEvidence {
            acknowledged: u64::MAX,
            unsent: u64::MAX,
            waiting: u64::MAX,
            last_acknowledged: Duration::MAX,
        })
    });
    assert_eq!(died(&told).map(|(_, verdict)| verdict), Some(Verdict::App));
}
