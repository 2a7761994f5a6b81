//! How fast the simulator is: days of an idle connection, and uploads of 10 MB. Prints happenings a
//! second; `cargo bench -p everbeat-sim` runs it.

use std::error::Error;
use std::time::{Duration, Instant};

use bytes::Bytes;
use everbeat_core::Connection;
use everbeat_core::config::ConnectionConfig;
use everbeat_core::transport::{Incoming, Outgoing};
use everbeat_sim::Sim;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const MS: Duration = Duration::from_millis(1);

/// A client that sends a Ping every 25 s and reads its Pong, and a server that reads
fn idle(sim: &mut Sim, time: Duration) -> Result<()> {
    sim.link("client", "server").delay(30 * MS);
    let (mut client, mut server) = sim.pipe("client", "server");
    let handle = sim.handle();
    sim.spawn(async move { while let Some(Ok(_)) = server.next().await {} });
    sim.spawn(async move {
        loop {
            handle.sleep(25_000 * MS).await;
            let pinged = client.send(Outgoing::Ping([7; 8])).await;
            if pinged.is_err() || !matches!(client.next().await, Some(Ok(Incoming::Pong(_)))) {
                break;
            }
        }
    });
    sim.run_for(time)?;
    Ok(())
}

/// Two connections of everbeat's, one on each end, which share a beat
fn everbeat(sim: &mut Sim, time: Duration) -> Result<()> {
    sim.link("client", "server").delay(30 * MS);
    let (client, server) = sim.pipe("client", "server");
    let ends = [(client, ConnectionConfig::client()), (server, ConnectionConfig::server())];
    for (pipe, config) in ends {
        let mut connection = Connection::new(pipe, sim.timer(), config, sim.random());
        sim.spawn(async move { while let Ok(Some(_)) = connection.recv().await {} });
    }
    sim.run_for(time)?;
    if sim.tasks() == 2 { Ok(()) } else { Err("a connection ended".into()) }
}

/// Uploads of 10 MB, one after the other, over a road of 1 MB/s where so many packets are lost
fn upload(sim: &mut Sim, uploads: u32, loss: f64) -> Result<()> {
    sim.link("client", "server").delay(30 * MS).to("server").rate(1_000_000);
    sim.link("client", "server").to("server").loss(loss);
    let (mut client, mut server) = sim.pipe("client", "server");
    let server = sim.spawn(async move {
        for _ in 0..uploads {
            server.next().await.transpose()?;
        }
        Ok::<_, everbeat_sim::net::PipeError>(())
    });
    sim.spawn(async move {
        let message = Bytes::from(vec![7; 10_000_000]);
        for _ in 0..uploads {
            let sent = client.send(Outgoing::Message(message.clone().into())).await;
            if sent.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await;
    });
    sim.block_on(server, Duration::from_secs(3_600) * uploads)?.ok_or("killed")??;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "it measures real time")]
#[expect(clippy::print_stdout, reason = "figures are its output")]
fn measure(name: &str, run: impl Fn(&mut Sim) -> Result<()>) -> Result<()> {
    let mut best = f64::MAX;
    let mut sim = Sim::seed(7);
    for _ in 0..5 {
        sim = Sim::seed(7);
        let start = Instant::now();
        run(&mut sim)?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    let (events, virtually) = (sim.trace().events(), sim.now().since_origin().as_secs_f64());
    println!(
        "{name}: {events} happenings in {:.2} ms, {:.2} million a second, {:.0} times real time",
        best * 1e3,
        events as f64 / best / 1e6,
        virtually / best,
    );
    Ok(())
}

fn main() -> Result<()> {
    // As a test it only shows that it runs.
    let days = if std::env::args().any(|argument| argument == "--bench") { 20 } else { 1 };
    measure("idle, a Ping per 25 s", |sim| idle(sim, 86_400_000 * MS * days))?;
    measure("idle, everbeat on both ends", |sim| everbeat(sim, 86_400_000 * MS * days))?;
    measure("uploads of 10 MB", |sim| upload(sim, days, 0.0))?;
    measure("uploads of 10 MB, 1 % lost", |sim| upload(sim, days, 0.01))
}
