//! What a page is asked for, and what it knows of itself.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::{Value, json};

use super::super::judge;
use super::super::note::Note;
use super::super::settings::{IDLE, PATIENCE};
use super::super::stage::{Stage, end};
use super::super::wire;

/// Of a timer of 100 ms, in the two seconds of a look
pub(super) const TICKS: u64 = 20;
/// Between two looks at a page that is on its way
const AGAIN: Duration = Duration::from_millis(100);

/// What a page knows of itself, and how often its timer ticked meanwhile
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) hidden: bool,
    pub(super) online: bool,
    pub(super) ticks: u64,
    /// The longest time between two ticks of it since the page was loaded
    pub(super) gap: Duration,
    events: Vec<String>,
}

impl Facts {
    fn parse(value: &Value) -> Option<Self> {
        let events = value["events"].as_array()?.iter();
        Some(Self {
            hidden: value["visibility"].as_str()? == "hidden",
            online: value["online"].as_bool()?,
            ticks: value["ticks"].as_u64()?,
            gap: Duration::from_millis(value["gap"].as_u64()?),
            events: events.filter_map(|event| event.as_str().map(String::from)).collect(),
        })
    }

    /// This has happened to it
    pub(super) fn has(&self, event: &str) -> bool {
        self.events.iter().any(|happened| happened == event)
    }
}

/// Asks for a state
pub(super) fn ask(stage: &mut Stage<'_>, state: &str) -> Result<()> {
    stage.theirs.tell(&json!({ "page": state }))
}

/// Asks for a state, and waits until the browser has done what leads to it
pub(super) fn go(stage: &mut Stage<'_>, state: &str) -> Result<()> {
    ask(stage, state)?;
    tells(stage, state, |told| (told["done"] == state).then_some(()))
}

/// The same of a state in which the page is gone: it may tell of its connection's end first
pub(super) fn gone(stage: &mut Stage<'_>, state: &str) -> Result<()> {
    ask(stage, state)?;
    let done = |told: &Value| (told["done"] == state).then_some(());
    while hears(stage, state, true, done)?.is_none() {}
    Ok(())
}

/// Waits until the page has said something
pub(super) fn tells<T>(
    stage: &Stage<'_>,
    what: &str,
    pick: impl Fn(&Value) -> Option<T>,
) -> Result<T> {
    hears(stage, what, false, pick)?.context("its connection ended")
}

/// The same, or `None` if its connection has ended and `may_end`
fn hears<T>(
    stage: &Stage<'_>,
    what: &str,
    may_end: bool,
    pick: impl Fn(&Value) -> Option<T>,
) -> Result<Option<T>> {
    let (_, heard) = stage.theirs.expect(what, PATIENCE, |note| match note {
        Note::Page(told) => pick(told).map(|told| Ok(Some(told))),
        Note::Failed(why) => Some(Err(why.clone())),
        Note::Closed(_) if may_end => Some(Ok(None)),
        _ => None,
    })?;
    heard.map_err(|why| anyhow!("{what}: {why}"))
}

/// What the page says now; two seconds long
pub(super) fn look(stage: &mut Stage<'_>) -> Result<Facts> {
    ask(stage, "look")?;
    tells(stage, "what it knows of itself", Facts::parse)
}

/// The same until it is so
pub(super) fn until(
    stage: &mut Stage<'_>,
    what: &str,
    is_so: impl Fn(&Facts) -> bool,
) -> Result<Facts> {
    until_within(stage, what, PATIENCE, is_so)
}

/// And before so long
pub(super) fn until_within(
    stage: &mut Stage<'_>,
    what: &str,
    patience: Duration,
    is_so: impl Fn(&Facts) -> bool,
) -> Result<Facts> {
    let deadline = Instant::now() + patience;
    loop {
        let facts = look(stage)?;
        if is_so(&facts) {
            return Ok(facts);
        }
        ensure!(Instant::now() < deadline, "the page is not {what}: {facts:?}");
        sleep(AGAIN);
    }
}

/// Whether it answers for many intervals from then on; if not, what we made of it within the promise
pub(super) fn answers(stage: &mut Stage<'_>, then: Instant) -> Result<String> {
    sleep(IDLE);
    let told = stage.ours.told_at();
    if let Some((at, ended)) = told.iter().find_map(|(at, note)| Some((*at, end(note)?))) {
        let verdict = judge::dead(&ended, stage.verdict("app"))?;
        let took = at.saturating_duration_since(then);
        judge::silence(took, stage.late())?;
        bail!("it answers no Ping: {verdict} after {took:.2?}");
    }
    let us = stage.role().other();
    let Some(pings) = stage.on_the_wire(then, |wires| wire::answered(wires, us))? else {
        return Ok(format!("alive for {IDLE:?}"));
    };
    judge::beats(pings, then.elapsed(), stage.late())?;
    Ok(format!("{pings} Pings answered"))
}

/// Our side hears this code
pub(super) fn closes(stage: &Stage<'_>, code: u64) -> Result<()> {
    closes_within(stage, code, PATIENCE)
}

/// And before so long
pub(super) fn closes_within(stage: &Stage<'_>, code: u64, patience: Duration) -> Result<()> {
    let (_, ended) = stage.ours.expect("the Close", patience, end)?;
    let how = ended.how.as_deref();
    ensure!((how, ended.code) == (Some("closed"), code), "it ended otherwise: {ended:?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_says_is_read() {
        let said = json!({
            "visibility": "hidden", "online": false, "ticks": 2, "gap": 1_001, "events": ["freeze"]
        });
        let facts = Facts::parse(&said).unwrap();
        assert!(facts.hidden && !facts.online && facts.ticks == 2);
        assert_eq!(facts.gap, Duration::from_millis(1_001));
        assert!(facts.has("freeze") && !facts.has("resume"));
        assert!(Facts::parse(&json!({ "done": "hide" })).is_none());
    }
}
