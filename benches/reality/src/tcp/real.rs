//! A case on this machine's kernel: sockets in two network namespaces of our own, and a road between
//! them that is ours, packet by packet. All of it is gone when this process ends, however it does.

mod end;
mod evidence;
mod host;
mod road;
mod segment;

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use anyhow::Result;
use everbeat_faults::Direction;
use futures_util::future::try_join_all;
use tokio::time::{Instant, sleep_until};

use self::end::RealEnd;
use self::host::{CLIENT, Host, SERVER};
use self::road::{Roads, Way};
use super::Real;
use super::case::Case;
use super::play;
use super::world::{Connected, Road, World};
use crate::report::say;

/// Between the beginnings of two connections: a host connects, and is asked, one after the other
const APART: Duration = Duration::from_millis(120);

/// Plays every case so often, all at one time: each waits most of the time
pub(super) async fn play(cases: &[Case], runs: usize, verbose: bool) -> Result<Real> {
    let kernel = match Kernel::new() {
        Ok(kernel) => kernel,
        Err(why) => return Ok(Err(format!("{why:#}"))),
    };
    let kernel = Arc::new(kernel);
    let begin = kernel.begun + Duration::from_millis(200);
    let mut place = 0;
    let mut played = Vec::new();
    for case in cases {
        let connections = (0..runs).map(|_| {
            place += 1;
            let kernel = &kernel;
            async move {
                sleep_until(begin + APART * place).await;
                let world = Machine { kernel: kernel.clone(), name: verbose.then_some(case.name) };
                play::play(case, &world).await.map_err(|error| error.context(case.name))
            }
        });
        played.push(try_join_all(connections.collect::<Vec<_>>()));
    }
    Ok(Ok(try_join_all(played).await?))
}

/// Two hosts of one kernel, and the roads between them
struct Kernel {
    begun: Instant,
    client: Host,
    server: Host,
    roads: Arc<Roads>,
    port: AtomicU16,
}

/// The world as one connection sees it
struct Machine {
    kernel: Arc<Kernel>,
    /// To tell of its retransmissions
    name: Option<&'static str>,
}

impl Kernel {
    fn new() -> Result<Self> {
        let (client, near) = Host::new("client", CLIENT, SERVER)?;
        let (server, far) = Host::new("server", SERVER, CLIENT)?;
        client.can_tell()?;
        let roads = Roads::lay(near, far);
        Ok(Self { begun: Instant::now(), client, server, roads, port: AtomicU16::new(9_000) })
    }

    fn since_begun(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.begun)
    }
}

impl World for Machine {
    type End = RealEnd;
    type Road = RealRoad;

    fn now(&self) -> Duration {
        self.kernel.begun.elapsed()
    }

    async fn sleep_until(&self, at: Duration) {
        sleep_until(self.kernel.begun + at).await;
    }

    async fn connect(&self) -> Result<Connected<RealEnd, RealRoad>> {
        let port = self.kernel.port.fetch_add(1, Ordering::Relaxed);
        let listener = self.kernel.server.listen(port).await?;
        let client = self.kernel.client.connect(port).await?;
        let server = self.kernel.server.accept(listener).await?;
        let road = RealRoad { kernel: self.kernel.clone(), port, name: self.name };
        let end = |socket, way| RealEnd::new(self.kernel.clone(), socket, port, way);
        Ok(Connected {
            client: end(client, Way::ToServer)?,
            server: end(server, Way::ToClient)?,
            road,
        })
    }
}

/// The road of one connection, which its server's port names
pub(super) struct RealRoad {
    kernel: Arc<Kernel>,
    port: u16,
    name: Option<&'static str>,
}

impl Road for RealRoad {
    fn close(&self, direction: Direction) {
        self.kernel.roads.close(self.port, direction);
    }

    fn open(&self) {
        self.kernel.roads.open(self.port);
    }
}

impl Drop for RealRoad {
    fn drop(&mut self) {
        let Some(name) = self.name else { return };
        for line in self.kernel.roads.told(self.port) {
            say(format_args!("{name}: {line}"));
        }
    }
}
