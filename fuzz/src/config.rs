//! Any mix of settings: refused with the name of one that cannot be, or taken; and what is taken
//! makes policies that hold their promises.

mod beat;
mod road;
mod settings;
mod wait;

use std::time::Duration;

use everbeat_core::config::{ConfigError, HeartbeatConfig, PingLimit};
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
        2 => beats(&mut draw),
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

/// A preset with other durations: refused by the name of one that cannot be, or kept
fn beats(draw: &mut Draw<'_>) {
    let presets = [
        HeartbeatConfig::CLIENT,
        HeartbeatConfig::SERVER,
        HeartbeatConfig::MOBILE,
        HeartbeatConfig::DATACENTER,
    ];
    let mut beat = presets[usize::from(draw.byte() % 4)];
    if let Some(interval) = draw.maybe(Draw::duration) {
        let Some(other) = taken(beat.with_interval(interval), "interval", interval) else { return };
        assert_eq!(other.interval(), interval);
        beat = other;
    }
    if let Some((path, app)) = draw.maybe(|draw| (draw.duration(), draw.duration())) {
        let (setting, judged) = match possible(path) {
            true => ("app_timeout", app),
            false => ("path_timeout", path),
        };
        let Some(other) = taken(beat.with_clocks(path, app), setting, judged) else { return };
        assert_eq!((other.path_timeout(), other.app_timeout()), (path, app));
        assert_eq!(other.timeout(), path.max(app));
        beat = other;
    } else if let Some(timeout) = draw.maybe(Draw::duration) {
        let Some(other) = taken(beat.with_timeout(timeout), "timeout", timeout) else { return };
        assert_eq!((other.path_timeout(), other.app_timeout()), (timeout, timeout));
        beat = other;
    }
    let (promise, idle) = (draw.maybe(Draw::duration), draw.maybe(Draw::duration));
    for (setting, limit, least) in [("detect_within", promise, 500), ("idle_limit", idle, 250)] {
        let Some(limit) = limit else { continue };
        let kept = match setting {
            "detect_within" => beat.detect_within(limit),
            _ => beat.idle_limit(limit),
        };
        let can_be = (Duration::from_millis(least)..=LONGEST).contains(&limit);
        let Some(kept) = judged(kept, setting, can_be) else { return };
        assert!(possible(kept.interval()), "{kept:?}");
        assert!(kept.interval() <= beat.interval() && kept.timeout() <= beat.timeout());
        beat = kept;
    }
    beat::keeps(beat, promise, idle, draw);
}

fn possible(duration: Duration) -> bool {
    (SHORTEST..=LONGEST).contains(&duration)
}

/// What was made with a duration, if it can be
fn taken<T>(made: Result<T, ConfigError>, setting: &str, duration: Duration) -> Option<T> {
    judged(made, setting, possible(duration))
}

fn judged<T>(made: Result<T, ConfigError>, setting: &str, can_be: bool) -> Option<T> {
    match made {
        Ok(made) => can_be.then_some(made).or_else(|| panic!("`{setting}` was taken")),
        Err(error) => {
            assert!(!can_be && error.setting() == setting, "{error}");
            None
        }
    }
}
