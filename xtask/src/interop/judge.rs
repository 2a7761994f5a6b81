//! Whether what was measured is what was promised. Pure.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::note::End;
use super::settings::{INTERVAL, MARGIN, SILENCE, TIMEOUT};

/// How a trial ends whose server calls connected a client that it left without an answer; descriptions
/// have these words
const UNANSWERED: &str = "it calls connected whom it did not answer";

/// What a server has `told` of connections, of which so many stand, after an attempt that failed with
/// these words
pub(super) fn met(told: usize, stand: usize, words: &str) -> Result<()> {
    ensure!(told <= stand, "{UNANSWERED}: {words}");
    ensure!(stand > 0, "an attempt of ours failed: {words}");
    ensure!(told == stand, "it does not tell of a connection");
    Ok(())
}

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

/// The verdict of ours on a peer that is silent, where the kernel tells: `app` or `path`
pub(super) fn dead(ended: &End, wanted: &str) -> Result<String> {
    ensure!(ended.how.as_deref() == Some("dead"), "not noticed by the silence: {ended:?}");
    let verdict = ended.verdict.as_deref().unwrap_or_default();
    let wanted = if cfg!(target_os = "linux") { wanted } else { "silent" };
    ensure!(verdict == wanted, "the verdict is `{verdict}`, not `{wanted}`: {}", ended.reason);
    Ok(format!("`{verdict}`"))
}

/// What we tell of not having run for `held`: all of it but the sleep in whose middle it began
pub(super) fn stall(told: Duration, held: Duration) -> Result<()> {
    let least = held.saturating_sub(INTERVAL + TIMEOUT);
    ensure!(told >= least, "stopped for {held:.1?}, and told {told:.1?}");
    Ok(())
}

/// A proxy's cut of a connection that was idle for `took`, by its limit
pub(super) fn cut(took: Duration, limit: Duration, late: Duration) -> Result<()> {
    let earliest = limit.saturating_sub(MARGIN + late);
    ensure!(took >= earliest, "cut after {took:.2?}, before the limit of {limit:?}");
    within("cut", took, limit + 2 * MARGIN, late)
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
    fn of_an_attempt_that_failed_no_server_tells() {
        let error = |told, stand| met(told, stand, "late").unwrap_err().to_string();
        assert!(met(1, 1, "late").is_ok());
        for (told, stand) in [(2, 1), (1, 0)] {
            assert_eq!(error(told, stand), format!("{UNANSWERED}: late"));
        }
        assert_eq!(error(0, 0), "an attempt of ours failed: late");
        assert_eq!(error(0, 1), "it does not tell of a connection");
    }

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
    #[cfg(target_os = "linux")]
    fn the_dead_are_dead_by_the_right_evidence() {
        let end = |how: &str, verdict: Option<&str>| End {
            how: Some(how.into()),
            verdict: verdict.map(String::from),
            code: 1006,
            reason: String::new(),
        };
        assert_eq!(dead(&end("dead", Some("app")), "app").unwrap(), "`app`");
        for (how, verdict) in [("dead", Some("path")), ("dead", None), ("cut", None)] {
            assert!(dead(&end(how, verdict), "app").is_err(), "{how}: {verdict:?}");
        }
    }

    #[test]
    fn a_stall_is_told_but_for_the_sleep_that_it_broke() {
        let held = 10 * INTERVAL;
        assert!(stall(held - INTERVAL - TIMEOUT, held).is_ok());
        assert!(stall(held - INTERVAL - TIMEOUT - MS, held).is_err());
        assert!(stall(Duration::ZERO, held).is_err());
    }

    #[test]
    fn a_proxy_cuts_at_its_limit() {
        let limit = 10 * MARGIN;
        assert!(cut(limit, limit, Duration::ZERO).is_ok());
        assert!(cut(limit - MARGIN - MS, limit, Duration::ZERO).is_err());
        assert!(cut(limit + 2 * MARGIN + MS, limit, Duration::ZERO).is_err());
        assert!(cut(limit + 2 * MARGIN + MS, limit, MS).is_ok());
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
