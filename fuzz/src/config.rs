//! Any mix of settings: refused with the name of one that cannot be, or taken; and what is taken
//! makes policies that hold their promises.

mod beat;
mod settings;
mod wait;

use std::time::Duration;

use everbeat_core::config::{HeartbeatConfig, PingLimit, defaults};
use everbeat_core::reconnect::Backoff;

use crate::draw::Draw;

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Configures a client, a server and the policies with what `data` says
///
/// # Panics
///
/// A property does not hold.
pub fn config(data: &[u8]) {
    let mut draw = Draw(data);
    match draw.byte() % 5 {
        0 => settings::client(&mut draw),
        1 => settings::server(&mut draw),
        2 => {
            let interval = draw.maybe(Draw::duration).unwrap_or(defaults::CLIENT_INTERVAL);
            let timeout = draw.maybe(Draw::duration).unwrap_or(defaults::TIMEOUT);
            let promise = draw.maybe(Draw::duration);
            if let Ok(beat) = HeartbeatConfig::new(interval, timeout) {
                let kept = promise.map_or(Ok(beat), |promise| beat.detect_within(promise));
                if let Ok(kept) = kept {
                    beat::keeps(kept, promise, &mut draw);
                }
            }
        }
        3 => {
            let steps = draw.duration()..=draw.duration();
            let mut backoff = Backoff::full_jitter(steps.clone());
            backoff = draw
                .maybe(Draw::duration)
                .map_or(backoff, |young| backoff.with_healthy_after(young));
            if let Ok(backoff) = backoff.check() {
                wait::keeps(backoff, &steps, &mut draw);
            }
        }
        _ => {
            if let Ok(limit) = PingLimit::new(draw.small(), draw.small()) {
                wait::pings(limit, draw.byte());
            }
        }
    }
}
