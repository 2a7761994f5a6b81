//! The same holes in the simulator, for the same rules.

use std::time::Duration;

use anyhow::{Result, anyhow};
use everbeat_core::time::Instant;
use everbeat_museum::rules::{Rule, Watch, run};
use everbeat_sim::Sim;

use super::{BEAT, BEATS};

/// More than any rule takes, in virtual time
const LIMIT: Duration = Duration::from_secs(60);

/// How long after each hole the rule has decided, by the holes' phases, in milliseconds
pub(super) fn play<R: Rule>(rule: impl Fn() -> R, phases: &[Duration]) -> Result<Vec<f64>> {
    (1..).zip(phases).map(|(seed, phase)| hole(rule(), seed, *phase)).collect()
}

fn hole(rule: impl Rule, seed: u64, phase: Duration) -> Result<f64> {
    let mut sim = Sim::seed(seed);
    let link = sim.link("client", "server");
    let (mut client, server) = sim.pipe("client", "server");
    // It answers Pings, and does nothing else.
    sim.spawn(async move { while let Some(Ok(_)) = client.next().await {} });
    // Either rule beats first an interval after the connection.
    let falls = BEAT * BEATS + phase;
    sim.after(falls, move || link.cut());
    let program = run(rule, server, sim.timer(), [], Watch::default());
    let verdict = sim.block_on(program, LIMIT).map_err(|error| anyhow!("{error}"))?;
    let took = verdict.at.saturating_duration_since(Instant::ORIGIN + falls);
    Ok(took.as_secs_f64() * 1e3)
}
