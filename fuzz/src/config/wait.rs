//! What bounds others and ourselves: the delays between attempts, and the Pings of a peer.

use std::ops::RangeInclusive;
use std::time::Duration;

use everbeat_core::Connection;
use everbeat_core::cause::{Cause, CloseCode, Cut};
use everbeat_core::config::{ConnectionConfig, PingLimit};
use everbeat_core::reconnect::{Backoff, Decision, Reconnect, Retry};
use everbeat_core::time::Instant;
use everbeat_ws::{Role, Settings, WebSocket};

use super::settings::Frozen;
use crate::draw::Draw;
use crate::run::run;
use crate::wire::{Cuts, Wire};

/// How many ends there are at most
const ENDS: usize = 60;
/// What rounding may take
const ROUNDING: Duration = Duration::from_micros(1);

/// Reconnecting after any ends: never later than the last step behind the server's floor, a flap
/// never sooner than its own unless the server said when, and attempts are counted
pub(super) fn keeps(backoff: Backoff, steps: &RangeInclusive<Duration>, draw: &mut Draw<'_>) {
    let (first, last) = (*steps.start(), *steps.end());
    let mut reconnect = Reconnect::new(backoff, draw.u64());
    let mut now = Instant::ORIGIN;
    let (mut failed, mut flaps, mut once, mut told) = (0, 0_u32, false, 0_u32);
    for _ in 0..ENDS {
        if draw.is_empty() {
            break;
        }
        let stood =
            draw.maybe(|draw| backoff.healthy_after().mul_f64(f64::from(draw.byte()) / 128.0));
        let unreachable = draw.flag();
        if let Some(stood) = stood {
            reconnect.handle_connected(now);
            now += stood;
        }
        let cause = match unreachable {
            true => Cause::Unreachable { detail: "".into() },
            false => Cause::Cut { how: Cut::Reset, detail: "".into() },
        };
        let floor = draw.duration();
        let retry = [Retry::Never, Retry::Once, Retry::Alone, Retry::Together, Retry::After(floor)]
            [usize::from(draw.byte() % 5)];
        let floor = if retry == Retry::After(floor) { floor } else { Duration::ZERO };

        let healthy = stood.is_some_and(|stood| stood >= backoff.healthy_after());
        failed = if stood.is_some() { 0 } else { failed + 1 };
        flaps = if healthy || stood.is_none() && unreachable { 0 } else { flaps + 1 };
        once &= !healthy;
        told = if healthy { 0 } else { told };
        let over = retry == Retry::Never || retry == Retry::Once && once;
        once |= retry == Retry::Once;

        let decision = reconnect.handle_end(&cause, retry, now);
        assert_eq!(reconnect.attempt(), failed + 1);
        let Decision::RetryAt(at) = decision else {
            assert!(over, "gave up after {cause} and {retry:?}");
            return;
        };
        assert!(!over, "another attempt after {retry:?}");
        assert!(at >= now + floor && at <= now + floor + last, "{at:?} is beyond {last:?}");
        let delay = at.saturating_duration_since(now + floor);
        if let Retry::After(_) = retry {
            // Behind the server's word a step that doubles with each such word, whatever came between
            let step = first.saturating_mul(2_u32.saturating_pow(told)).min(last);
            assert!(delay <= step + ROUNDING, "{delay:?} when told {told} times before");
            told += 1;
            continue;
        }
        if healthy {
            let together = retry == Retry::Together;
            assert!(delay <= first.saturating_mul(if together { 5 } else { 1 }), "{delay:?}");
        }
        if let Some(before) = flaps.checked_sub(1) {
            let step = first.saturating_mul(4_u32.saturating_pow(before)).min(last);
            // At the end of time there is no room for it
            if at < Instant::from_origin(Duration::MAX) {
                assert!(delay + ROUNDING >= step.mul_f64(0.8), "{delay:?} after {flaps} flaps");
            }
        }
    }
}

/// So many Pings at once as the limit says, and not one more
pub(super) fn pings(limit: PingLimit, more: u8) {
    // Around the limit, within what one input may cost
    let sent = limit.burst().saturating_add(u32::from(more)).saturating_sub(2).min(400);
    let bytes = [0x89, 0x80, 1, 2, 3, 4].repeat(sent as usize);
    let wire = Wire::new(&bytes, Cuts::Whole);
    let websocket = WebSocket::from_upgraded(wire, Role::Server, Settings::default(), Vec::new());
    let config = ConnectionConfig::server().with_heartbeat(None).with_ping_limit(limit);
    let mut connection = Connection::new(websocket, Frozen, config, 7);
    match run(connection.recv()) {
        Err(Cause::Violation { code: CloseCode::POLICY, .. }) => assert!(sent > limit.burst()),
        Err(Cause::Cut { how: Cut::End, .. }) => assert!(sent <= limit.burst()),
        other => panic!("{other:?} after {sent} Pings"),
    }
}
