//! Processes of a browser are stopped, one kind at a time. All of them at once is `stop`.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::super::note::Payload;
use super::super::pause::Pause;
use super::super::stage::Stage;
use super::page;
use crate::process::family;

/// Between two looks at a process that is about to stop
const AGAIN: Duration = Duration::from_millis(10);
/// A signal is sent at once and taken a little later
const SOON: Duration = Duration::from_secs(2);

/// Those that run pages
pub(super) fn renderer(stage: &mut Stage<'_>) -> Result<String> {
    let ids = family(stage.theirs.id()).into_iter().filter(|id| runs_pages(&line(*id)));
    stopped(stage, &ids.collect::<Vec<_>>())
}

/// The first one, which its driver has started
pub(super) fn browser(stage: &mut Stage<'_>) -> Result<String> {
    let first = family(stage.theirs.id()).into_iter().nth(1);
    stopped(stage, first.as_slice())
}

/// By its command line: Chromium's, and Firefox's
fn runs_pages(line: &str) -> bool {
    line.contains(" --type=renderer ") || line.contains(" -contentproc ") && line.ends_with(" tab")
}

fn line(process: u32) -> String {
    let words = fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default();
    words.replace('\0', " ").trim_end().to_owned()
}

fn stopped(stage: &mut Stage<'_>, ids: &[u32]) -> Result<String> {
    ensure!(!ids.is_empty(), "it has no such process");
    let pause = Pause::of(ids)?;
    let begun = Instant::now();
    while !ids.iter().all(|id| is_stopped(*id)) {
        ensure!(begun.elapsed() < SOON, "they go on");
        sleep(AGAIN);
    }
    let seen = page::answers(stage, begun);
    pause.end()?;
    let seen = seen?;
    stage.echo(&Payload::Text("after".into()))?;
    Ok(format!("{} stopped, {seen}, an echo afterwards", ids.len()))
}

fn is_stopped(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"));
    stat.is_ok_and(|stat| stat.contains(") T "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_runs_pages_is_known_by_its_command_line() {
        assert!(runs_pages("/usr/lib/chromium/chromium --type=renderer --headless=new"));
        assert!(runs_pages(
            "/usr/lib/firefox-esr/firefox-esr -contentproc -isForBrowser {a} 7 tab"
        ));
        for other in
            ["chromium --type=utility --utility-sub-type=a", "firefox-esr -contentproc 7 socket"]
        {
            assert!(!runs_pages(other), "{other}");
        }
    }
}
