//! Everybody who takes part in a run, set up: servers, roads to them, clients on the roads.

use std::future::pending;
use std::sync::Arc;

use anyhow::Context;
use everbeat_faults::Proxy;
use everbeat_support::Runtime;
use everbeat_tokio::transport::TokioTimer;
use fastrand::Rng;
use tokio::sync::{oneshot, watch};

use crate::args::{Broken, Options};
use crate::books::Books;
use crate::client::{Act, Clients, Orders};
use crate::host::{Hosting, Listening};
use crate::plan;
use crate::roads::Road;
use crate::runtimes::{Everbeat, Executors, Part};
use crate::watch::{Lateness, measure};

/// Who takes part
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) books: Arc<Books>,
    pub(crate) act: watch::Sender<Act>,
    pub(crate) servers: Vec<Listening>,
    pub(crate) roads: Vec<Arc<Road>>,
}

impl Stage {
    /// Starts all of them; the clients begin to connect, one after the other
    pub(crate) async fn open(
        executors: &Executors,
        options: &Options,
        rng: &mut Rng,
    ) -> anyhow::Result<Self> {
        let runtimes = options.runtimes();
        let books = Arc::new(Books::new(options.connections, options.broken));
        let act = watch::Sender::new(Act::Nobody);
        let (mut servers, mut roads) = (Vec::new(), Vec::new());
        for &runtime in &runtimes {
            let listening = listen(executors, runtime, books.clone(), rng.u64(..)).await?;
            for place in 0..plan::ROADS {
                let proxy = Proxy::start(listening.address).await?;
                roads.push(Road::new(place, proxy, rng.u64(..)));
            }
            servers.push(listening);
        }
        let orders = assign(options.connections, &mut roads, runtimes.len(), rng);
        for (&runtime, orders) in runtimes.iter().zip(orders) {
            let (books, act) = (books.clone(), act.subscribe());
            executors.play(runtime, Lateness { books: books.clone(), act: act.clone() });
            executors.play(runtime, Clients { orders, books, act });
        }
        let (own, gone) = (books.clone(), act.subscribe());
        tokio::spawn(async move { measure(TokioTimer::new(), &own, gone).await });
        if options.broken == Some(Broken::Leak) {
            executors.play(Runtime::Smol, Leak);
        }
        Ok(Self { books, act, servers, roads: roads.into_iter().map(Arc::new).collect() })
    }

    /// How many clients stay until the servers shut down
    pub(crate) fn stayers(&self) -> usize {
        self.roads.iter().filter(|road| road.stays()).map(|road| road.clients.len()).sum()
    }

    /// Connections in all registries
    pub(crate) fn registered(&self) -> usize {
        self.servers.iter().map(|server| server.registry.len()).sum()
    }
}

async fn listen(
    executors: &Executors,
    runtime: Runtime,
    books: Arc<Books>,
    seed: u64,
) -> anyhow::Result<Listening> {
    let (told, listening) = oneshot::channel();
    executors.play(runtime, Hosting { books, seed, told });
    let listening = listening.await.context("its task ended")?;
    listening.with_context(|| format!("the server on {runtime} cannot listen"))
}

/// Deals the clients to the roads and to the runtimes, so that each runtime's travel on each road;
/// those of each runtime
fn assign(clients: usize, roads: &mut [Road], runtimes: usize, rng: &mut Rng) -> Vec<Vec<Orders>> {
    let mut dealt = vec![Vec::new(); runtimes];
    let count = roads.len();
    for number in 0..clients {
        let (Some(road), Some(of_runtime)) =
            (roads.get_mut(number % count), dealt.get_mut(number / count % runtimes))
        else {
            continue;
        };
        road.clients.push(number);
        let address = road.proxy.address();
        of_runtime.push(Orders { number, address, stays: road.stays(), seed: rng.u64(..) });
    }
    dealt
}

/// What `--break leak` keeps: a task that nobody ends, and a descriptor in it
struct Leak;

impl Part for Leak {
    async fn play<R: Everbeat>(self, _: R::Counting) {
        let kept = std::net::UdpSocket::bind("127.0.0.1:0");
        pending::<()>().await;
        drop(kept);
    }
}
