//! Holes for real: each in a connection of its own to a program of its own, through the fault proxy.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use everbeat_faults::{Direction, Fault, Proxy};
use everbeat_tokio::Client;
use futures_util::future::try_join_all;
use tokio::time::{Instant, sleep};

use super::program::Program;
use super::{BEAT, BEATS};

/// Between two connections, so that two processors are not asked for all at one time
const APART: Duration = Duration::from_millis(50);

/// How long after each hole the program told of it, by the holes' phases, in milliseconds
pub(super) async fn play(name: &str, line: &[String], phases: &[Duration]) -> Result<Vec<f64>> {
    let mut served = Vec::new();
    // One after the other, and all before the first is measured: starting is what keeps a machine
    // busy.
    for _ in phases {
        let mut program = Program::serve(name, line, BEAT)?;
        let address = program.expect("listening").await?;
        let address = address.as_str().context("an address is a text")?.parse()?;
        served.push((program, Proxy::start(address).await?));
    }
    let holes = served.into_iter().zip(phases).zip(0..);
    let holes = holes.map(|(((program, proxy), phase), number)| async move {
        sleep(APART * number).await;
        hole(program, &proxy, *phase).await
    });
    try_join_all(holes.collect::<Vec<_>>()).await
}

async fn hole(mut program: Program, proxy: &Proxy, phase: Duration) -> Result<f64> {
    // It answers Pings, and does nothing else.
    let url = format!("ws://{}/", proxy.address());
    let mut client = Client::builder(&url).heartbeat(false).connect().await?;
    let measured = async {
        program.expect("connected").await?;
        for _ in 0..BEATS {
            // Its beat is heard of when it is answered.
            program.expect("pong").await?;
        }
        sleep(phase).await;
        proxy.inject(Fault::BlackHole(Direction::Both));
        let fell = Instant::now();
        program.expect("closed").await?;
        let took = fell.elapsed();
        ensure!(took > BEAT / 2, "it was told after {took:.2?}, of something else than a hole");
        Ok(took.as_secs_f64() * 1e3)
    };
    tokio::select! {
        measured = measured => measured,
        () = async { while client.next().await.is_some() {} } => bail!("its client is gone"),
    }
}
