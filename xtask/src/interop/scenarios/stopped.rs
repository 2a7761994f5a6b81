//! We are stopped ourselves, as a laptop that sleeps. Whatever the peer makes of it, we know that it
//! was not the peer who was silent.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::super::judge;
use super::super::note::{Note, Payload};
use super::super::settings::{INTERVAL, PATIENCE, SILENCE, TIMEOUT};
use super::super::stage::{Stage, end};

/// For longer than any silence of a peer's would have been borne
const STOPPED: Duration = SILENCE.saturating_mul(2);

/// The peer has no rule, or a patient one: the connection goes on
pub(super) fn peer_is_not_blamed(stage: &mut Stage<'_>) -> Result<String> {
    stage.echo(&Payload::Text("before".into()))?;
    let pause = stage.ours.pause()?;
    let begun = Instant::now();
    sleep(STOPPED);
    let held = begun.elapsed();
    pause.end()?;
    let mut stalled = Duration::ZERO;
    stage.ours.expect("that it did not run", PATIENCE, |note| stall(note, &mut stalled))?;
    judge::stall(stalled, held)?;
    sleep(INTERVAL + TIMEOUT);
    stage.echo(&Payload::Text("after".into()))?;
    let lost = stage.ours.told().into_iter().find(|note| end(note).is_some());
    ensure!(lost.is_none(), "the peer was blamed: {lost:?}");
    Ok(format!("stopped for {held:.1?}, told {stalled:.1?}, alive"))
}

/// The peer's own rule fires: it hangs up, and we say that we were cut off, not that it is dead
pub(super) fn their_rule_fires(stage: &mut Stage<'_>) -> Result<String> {
    stage.echo(&Payload::Text("before".into()))?;
    until_they_hang_up(stage).map(|(_, told)| told)
}

/// Stops us until the peer has hung up; when it did, and what either side says of it
pub(super) fn until_they_hang_up(stage: &Stage<'_>) -> Result<(Instant, String)> {
    let pause = stage.ours.pause()?;
    let begun = Instant::now();
    let (at, theirs) = stage.theirs.expect("the end by its own rule", PATIENCE, end)?;
    let took = at.saturating_duration_since(begun);
    // It may have said so to us and wait for an answer.
    sleep(INTERVAL);
    let held = begun.elapsed();
    pause.end()?;
    let mut stalled = Duration::ZERO;
    let (_, ours) = stage.ours.expect("how it ended", PATIENCE, |note| {
        _ = stall(note, &mut stalled);
        end(note)
    })?;
    let how = ours.how.unwrap_or_default();
    ensure!(["cut", "closed"].contains(&&*how), "we say `{how}`: {}", ours.reason);
    let told = if stalled.is_zero() { String::new() } else { format!(", stalled {stalled:.1?}") };
    let (their_code, code) = (theirs.code, ours.code);
    Ok((
        at,
        format!(
            "theirs ended it after {took:.2?} ({their_code}), we were stopped for {held:.1?} and say \
             `{how}` ({code}){told}"
        ),
    ))
}

/// Adds up what we tell of not having run
fn stall(note: &Note, so_far: &mut Duration) -> Option<()> {
    let Note::Stalled(stalled) = note else { return None };
    *so_far += *stalled;
    Some(())
}
