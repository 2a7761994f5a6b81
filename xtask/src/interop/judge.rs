//! Whether what was measured is what was promised. Pure.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::settings::{INTERVAL, SILENCE, TIMEOUT};

/// A silence noticed after `took`, on a machine that was up to `late` late
///
/// In time: the promise, the margin, and the machine's lateness on top. Never early: a Ping may have
/// been on its way when the silence began, so that the timeout alone has to pass, less what the
/// machine held its answer back.
pub(super) fn silence(took: Duration, late: Duration) -> Result<()> {
    let earliest = TIMEOUT.saturating_sub(late + INTERVAL / 4);
    ensure!(took >= earliest, "noticed after {took:.2?}, and not before {earliest:.2?} was fair");
    within("noticed", took, SILENCE, late)
}

/// Something that has to be done `allowed` after what caused it
pub(super) fn within(what: &str, took: Duration, allowed: Duration, late: Duration) -> Result<()> {
    let allowed = allowed + late;
    ensure!(took <= allowed, "{what} after {took:.2?}, and {allowed:.2?} were allowed");
    Ok(())
}

/// How many Pings an idle connection may and must see in `span`
///
/// The beat is 0.9 to 1 times the interval, from a Ping's answer on; every beat may be late, but
/// never early.
pub(super) fn beats(pings: usize, span: Duration, late: Duration) -> Result<()> {
    let most = span.div_duration_f64(INTERVAL.mul_f64(0.9)).floor() as usize + 1;
    let fewest = (span.saturating_sub(late)).div_duration_f64(INTERVAL * 5 / 4).floor() as usize;
    ensure!(pings >= fewest, "{pings} Pings came in {span:.2?}, and at least {fewest} were due");
    ensure!(pings <= most, "{pings} Pings came in {span:.2?}, and at most {most} were due");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_silence_is_noticed_neither_late_nor_early() {
        assert!(silence(TIMEOUT, Duration::ZERO).is_ok());
        assert!(silence(SILENCE, Duration::ZERO).is_ok());
        assert!(silence(SILENCE + MS, Duration::ZERO).is_err());
        assert!(silence(SILENCE + MS, 2 * MS).is_ok());
        assert!(silence(TIMEOUT - INTERVAL / 4 - MS, Duration::ZERO).is_err());
        assert!(silence(TIMEOUT - INTERVAL / 4 - MS, 2 * MS).is_ok());
    }

    #[test]
    fn ten_intervals_have_eight_to_twelve_beats() {
        let span = 10 * INTERVAL;
        for (pings, fine) in [(7, false), (8, true), (10, true), (12, true), (13, false)] {
            assert_eq!(beats(pings, span, Duration::ZERO).is_ok(), fine, "{pings}");
        }
        assert!(beats(7, span, INTERVAL).is_ok());
    }
}
