//! Our own lateness, look by look: every clock stands still meanwhile, or begins anew.

use alloc::vec::Vec;

use super::rig::{MS, SECOND, pinged};
use super::*;

fn nothing() -> Option<PathEvidence> {
    Some(PathEvidence { last_acknowledged: 3_600 * SECOND, ..PathEvidence::default() })
}

/// A heartbeat whose Ping was flushed, or whose message if there is no `ping`; and when
fn waiting(ping: bool) -> (Heartbeat, Instant) {
    if ping {
        let (heartbeat, _, now) = pinged();
        return (heartbeat, now);
    }
    let mut heartbeat = Heartbeat::new(HeartbeatConfig::SERVER, 7, Instant::ORIGIN);
    let now = Instant::ORIGIN + SECOND;
    heartbeat.handle_heard(now);
    heartbeat.handle_write(now);
    heartbeat.handle_flushed(100, now);
    (heartbeat, now)
}

/// Drives it from then on, with a word of the peer's every quarter of a second if it talks: its Pings,
/// how often it reads first, and its death
fn goes_on(heartbeat: &mut Heartbeat, from: Instant, talks: bool) -> (Vec<Instant>, u32, Instant) {
    let (mut pings, mut reads, mut now) = (Vec::new(), 0, from);
    loop {
        let alarm = heartbeat.poll_timeout().max(now);
        now = if talks { alarm.min(now + 250 * MS) } else { alarm };
        if talks {
            heartbeat.handle_heard(now);
        }
        match heartbeat.handle_timeout(now, nothing) {
            Some(Beat::Dead(_)) => return (pings, reads, now),
            Some(Beat::Ping(_)) => {
                pings.push(now);
                heartbeat.handle_flushed(200, now);
            }
            Some(Beat::ReadFirst) => reads += 1,
            _ => assert!(now < from + 200 * SECOND, "never dead"),
        }
    }
}

#[test]
fn whoever_is_late_for_a_look_is_so_much_later_with_the_verdict() {
    // Two seconds late, and a moment to read what came meanwhile.
    for (ping, look) in [(true, 3), (false, 7)] {
        let (mut heartbeat, sent) = waiting(ping);
        let (_, reads, died) = goes_on(&mut heartbeat, sent + (look + 2) * SECOND, false);
        assert_eq!(reads, 1);
        assert_eq!(died.saturating_duration_since(sent), 12_400 * MS);
    }
}

#[test]
fn after_a_long_stall_no_clock_goes_on_that_began_before_it() {
    for (ping, look) in [(true, 3), (false, 7)] {
        let (mut heartbeat, sent) = waiting(ping);
        // So that the kernel is known to tell.
        let seen = sent + look * SECOND;
        assert_eq!(heartbeat.handle_timeout(seen, nothing), Some(Beat::Suspect));
        let (pings, reads, died) = goes_on(&mut heartbeat, seen + 40 * SECOND, false);
        assert_eq!((pings.len(), reads), (1, 1));
        assert_eq!(died, pings[0] + 10 * SECOND);
    }
    let (mut heartbeat, sent) = waiting(true);
    heartbeat.handle_heard(sent + SECOND);
    let awake = sent + 43 * SECOND;
    assert_eq!(heartbeat.handle_timeout(awake, nothing), Some(Beat::ReadFirst));
    let (pings, _, died) = goes_on(&mut heartbeat, awake + 2 * SECOND, true);
    assert_eq!(died, pings[0] + 10 * SECOND, "the way out");
}

#[test]
fn a_stall_that_ends_with_a_byte_is_not_held_against_the_way_out() {
    // The first look was due after 3 s; of the ten, seven are left.
    for (stall, left) in [(2, 7), (3_600, 10)] {
        let (mut heartbeat, sent) = waiting(true);
        let awake = sent + (3 + stall) * SECOND;
        let (pings, reads, died) = goes_on(&mut heartbeat, awake, true);
        assert_eq!((pings.len(), reads), (0, 0));
        assert_eq!(died, awake + left * SECOND, "a stall of {stall} s");
    }
    // The kernel was looked at in time, and we did not run when that was to be judged.
    let (mut heartbeat, sent) = waiting(true);
    heartbeat.handle_heard(sent + SECOND);
    assert_eq!(heartbeat.handle_timeout(sent + 3 * SECOND, nothing), None);
    let awake = sent + 3_600 * SECOND;
    let (_, _, died) = goes_on(&mut heartbeat, awake, true);
    assert_eq!(died, awake + 10 * SECOND);
    // The alarm was first, and then a byte while everything is read.
    let (mut heartbeat, sent) = waiting(true);
    let awake = sent + 3_600 * SECOND;
    assert_eq!(heartbeat.handle_timeout(awake, nothing), Some(Beat::ReadFirst));
    let heard = awake + 100 * MS;
    heartbeat.handle_heard(heard);
    let (_, _, died) = goes_on(&mut heartbeat, heard, true);
    // It was silent for 2.7 s in which we ran, and has four times that.
    assert_eq!(died, heard + 10_800 * MS);
}

#[test]
fn the_end_of_a_pause_may_be_late_too() {
    let (mut heartbeat, sent) = waiting(true);
    let awake = sent + 33 * SECOND;
    assert_eq!(heartbeat.handle_timeout(awake, nothing), Some(Beat::ReadFirst));
    let late = awake + 2_600 * MS;
    assert!(matches!(heartbeat.handle_timeout(late, nothing), Some(Beat::Ping(_))));
}

#[test]
fn what_is_heard_in_a_pause_is_enough() {
    let (mut heartbeat, sent) = waiting(true);
    let awake = sent + 33 * SECOND;
    assert_eq!(heartbeat.handle_timeout(awake, nothing), Some(Beat::ReadFirst));
    let heard = awake + 10 * MS;
    heartbeat.handle_heard(heard);
    heartbeat.handle_answer(heard);
    assert!(heartbeat.poll_timeout() > heard + 20 * SECOND, "no other Ping");
}

#[test]
fn a_pause_is_a_quarter_of_a_short_clock_at_most() {
    let config = HeartbeatConfig::SERVER.detect_within(SECOND).unwrap();
    let mut heartbeat = Heartbeat::new(config, 7, Instant::ORIGIN);
    let sent = heartbeat.poll_timeout();
    assert!(matches!(heartbeat.handle_timeout(sent, nothing), Some(Beat::Ping(_))));
    heartbeat.handle_flushed(14, sent);
    let late = heartbeat.poll_timeout() + 400 * MS;
    assert_eq!(heartbeat.handle_timeout(late, nothing), Some(Beat::ReadFirst));
    assert_eq!(heartbeat.poll_timeout(), late + config.path_timeout() / 4);
}
