//! What the tests of the detector share: a heartbeat with a Ping out, and the time.

use core::time::Duration;

use super::{Beat, Heartbeat};
use crate::config::HeartbeatConfig;
use crate::time::Instant;

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MS: Duration = Duration::from_millis(1);

pub(super) fn at(millis: u64) -> Instant {
    Instant::from_origin(Duration::from_millis(millis))
}

/// A heartbeat with a server's clocks whose Ping was flushed as bytes 0 to 14; the Ping, and when
pub(super) fn pinged() -> (Heartbeat, [u8; 8], Instant) {
    let mut heartbeat = Heartbeat::new(HeartbeatConfig::SERVER, 7, Instant::ORIGIN);
    let now = heartbeat.poll_timeout();
    let asked = heartbeat.handle_timeout(now, || panic!("asked too early"));
    let Some(Beat::Ping(payload)) = asked else { panic!("{asked:?}") };
    heartbeat.handle_flushed(14, now);
    (heartbeat, payload, now)
}
