//! How each row is played, and what is looked at.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use everbeat_netns::{Clock, Kind, Lost, resume, stop};

use super::row::{Goal, Seen};
use super::stage::{PROMISE, Role, Scene, Stage, UPLOAD};
use crate::interop::note::{End, Note};
use crate::interop::settings::PATIENCE;

const SECOND: Duration = Duration::from_secs(1);
/// How far into an upload of about 20 s the road goes
const MIDDLE: Duration = Duration::from_secs(3);
/// How long an upload may take before it counts as hanging
const UPLOADED: Duration = Duration::from_secs(60);
/// How long we are stopped
const STOPPED: Duration = Duration::from_secs(30);
/// How often a peer says something to whom it cannot hear
const TICK: Duration = Duration::from_millis(250);
/// What is known at once is told within that
const AT_ONCE: Duration = SECOND;
const HOUR: Duration = Duration::from_secs(3_600);
/// A beat's longest pause under the promise: as much of a stall need not show
const INTERVAL: Duration = Duration::from_millis(1_200);

pub(super) fn upload(scene: &mut Scene<'_>) -> Result<Seen> {
    scene.slow()?;
    let mut stage = scene.open(Role::default())?;
    let begun = Instant::now();
    stage.upload()?;
    let arrived = uploaded(&stage)?;
    stage.echo()?;
    stage.watch(SECOND)?;
    let told = format!("alive{}", suspicions(&stage.told));
    Ok(Seen { figure: arrived - begun, goal: Goal::Any, told, problem: None })
}

/// When it has arrived
fn uploaded(stage: &Stage) -> Result<Instant> {
    let all = |note: &Note| (*note == Note::Message(UPLOAD, None)).then_some(());
    let arrived = stage.server.expect("the upload", UPLOADED, all);
    Ok(arrived.with_context(|| format!("the client told {:?}", stage.client.told()))?.0)
}

/// Shown beside ours: it must be wrong, or there would be nothing to show
pub(super) fn usual_upload(scene: &mut Scene<'_>) -> Result<Seen> {
    scene.slow()?;
    let mut stage = scene.open_usual()?;
    let begun = Instant::now();
    stage.upload()?;
    let (at, end) = stage.client.expect("its verdict", UPLOADED, end)?;
    let problem = not_by_its_clock(&end);
    Ok(Seen { figure: at - begun, goal: Goal::Any, told: end.reason, problem })
}

/// What is wrong if the usual recipe's end is not the one that it is shown for
fn not_by_its_clock(end: &End) -> Option<String> {
    let by_its_clock = end.how.as_deref() == Some("dead") && end.reason.starts_with("no Pong for");
    (!by_its_clock).then(|| format!("it ended, and not for want of a Pong: {:?}", end.how))
}

pub(super) fn hole_in_an_upload(scene: &mut Scene<'_>) -> Result<Seen> {
    scene.slow()?;
    let mut stage = scene.open(Role::default())?;
    stage.upload()?;
    stage.watch(MIDDLE)?;
    scene.network.part(&scene.near, &scene.far)?;
    dead(&stage, "path", PROMISE)
}

pub(super) fn hole(scene: &mut Scene<'_>) -> Result<Seen> {
    let stage = scene.open(Role::default())?;
    scene.network.part(&scene.near, &scene.far)?;
    dead(&stage, "path", PROMISE)
}

pub(super) fn short_hole(scene: &mut Scene<'_>) -> Result<Seen> {
    repaired(scene, INTERVAL, PROMISE)
}

pub(super) fn longer_hole(scene: &mut Scene<'_>) -> Result<Seen> {
    repaired(scene, SECOND * 3, SECOND * 15)
}

fn repaired(scene: &Scene<'_>, length: Duration, promise: Duration) -> Result<Seen> {
    let mut stage = scene.open(Role { promise, ..Role::default() })?;
    scene.network.part(&scene.near, &scene.far)?;
    stage.say()?;
    let before = stage.told.len();
    stage.watch(length)?;
    let answered = stage.told.iter().skip(before).any(|note| matches!(note, Note::Message(..)));
    ensure!(!answered, "it was answered through the hole");
    scene.network.repair()?;
    // What comes first is the answer to what was said in the hole.
    alive(&mut stage, promise)
}

pub(super) fn peer_stopped(scene: &mut Scene<'_>) -> Result<Seen> {
    let stage = scene.open(Role::default())?;
    stop(stage.server.id())?;
    dead(&stage, "app", PROMISE)
}

pub(super) fn payload_dropped(scene: &mut Scene<'_>) -> Result<Seen> {
    let stage = scene.open(Role { tick: Some(TICK), ..Role::default() })?;
    scene.network.lose(&scene.near, &scene.far, Lost::Payload)?;
    dead(&stage, "one-way", PROMISE)
}

pub(super) fn all_dropped(scene: &mut Scene<'_>) -> Result<Seen> {
    let stage = scene.open(Role::default())?;
    scene.network.lose(&scene.near, &scene.far, Lost::All)?;
    dead(&stage, "path", PROMISE)
}

pub(super) fn we_are_stopped(scene: &mut Scene<'_>) -> Result<Seen> {
    let mut stage = scene.open(Role { hindered: true, ..Role::default() })?;
    stop(stage.client.id())?;
    sleep(STOPPED);
    resume(stage.client.id())?;
    let after = alive(&mut stage, PROMISE)?;
    let stall = stalls(&stage.told);
    let problem = (stall.is_zero()).then(|| "no stall was told".to_owned());
    let told = format!("answered after {:.2?}, {}", after.figure, after.told);
    Ok(Seen { figure: stall, goal: Goal::AtLeast(STOPPED - INTERVAL), told, problem })
}

pub(super) fn both_clocks_jump(scene: &mut Scene<'_>) -> Result<Seen> {
    jump(scene, Kind::Both)
}

pub(super) fn wall_clock_jumps(scene: &mut Scene<'_>) -> Result<Seen> {
    jump(scene, Kind::Wall)
}

fn jump(scene: &Scene<'_>, kind: Kind) -> Result<Seen> {
    let mut clock = Clock::new(scene.tools(), kind)?;
    let clocked = Role { clock: Some(&clock), hindered: true, ..Role::default() };
    let mut stage = scene.open(clocked)?;
    clock.jump(HOUR)?;
    // Until something was due, so that the jump is seen.
    stage.watch(INTERVAL * 2)?;
    let seen = alive(&mut stage, PROMISE)?;
    let problem = match (kind, stalls(&stage.told)) {
        (Kind::Both, Duration::ZERO) => Some("the jump was not told as a stall".into()),
        (Kind::Wall, stall) if stall >= SECOND => Some(format!("a stall of {stall:.0?} was told")),
        _ => None,
    };
    Ok(Seen { problem, ..seen })
}

pub(super) fn address_removed(scene: &mut Scene<'_>) -> Result<Seen> {
    let stage = scene.open(Role::default())?;
    scene.near.lose_addresses()?;
    dead(&stage, "path", PROMISE)
}

pub(super) fn watched_address_removed(scene: &mut Scene<'_>) -> Result<Seen> {
    let stage = scene.open(Role { watch: true, ..Role::default() })?;
    scene.near.lose_addresses()?;
    dead(&stage, "path", AT_ONCE)
}

/// The fault has begun just now: the client must find its peer dead, by this evidence
fn dead(stage: &Stage, verdict: &str, within: Duration) -> Result<Seen> {
    let begun = Instant::now();
    let (at, end) = stage.client.expect("its verdict", within + PATIENCE, end)?;
    let right = end.verdict.as_deref() == Some(verdict);
    let problem = (!right).then(|| {
        let found = end.verdict.or(end.how).unwrap_or_default();
        format!("`{verdict}` was to be found, and `{found}` was")
    });
    Ok(Seen { figure: at - begun, goal: Goal::Within(within), told: end.reason, problem })
}

/// All is well again since just now: the connection must answer, and go on for as long as a verdict
/// might take
fn alive(stage: &mut Stage, promise: Duration) -> Result<Seen> {
    let begun = Instant::now();
    let at = stage.echo()?;
    stage.watch(promise + SECOND)?;
    stage.echo()?;
    let mut told = format!("alive{}", suspicions(&stage.told));
    let stall = stalls(&stage.told);
    if !stall.is_zero() {
        told += &format!(", a stall of {stall:.1?} told");
    }
    Ok(Seen { figure: at - begun, goal: Goal::Within(promise), told, problem: None })
}

fn end(note: &Note) -> Option<End> {
    match note {
        Note::Closed(end) => Some(end.clone()),
        _ => None,
    }
}

/// What it was told of suspicion, in words
fn suspicions(told: &[Note]) -> String {
    match told.iter().filter(|note| **note == Note::Suspect).count() {
        0 => ", never suspected".into(),
        1 => ", suspected once".into(),
        many => format!(", suspected {many} times"),
    }
}

/// For how long it has told that it did not run
fn stalls(told: &[Note]) -> Duration {
    let stalls = told.iter().map(|note| match note {
        Note::Stalled(stalled) => *stalled,
        _ => Duration::ZERO,
    });
    stalls.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_recipe_is_shown_for_one_end_only() {
        let end = |how: &str, reason: &str| End {
            how: Some(how.into()),
            verdict: None,
            code: 1006,
            reason: reason.into(),
        };
        assert_eq!(not_by_its_clock(&end("dead", "no Pong for 5 s")), None);
        for (how, reason) in [("dead", "reset by the peer"), ("closed", "no Pong for 5 s")] {
            assert!(not_by_its_clock(&end(how, reason)).is_some(), "{how}: {reason}");
        }
    }
}
