//! The roads: each a proxy to one server, with its faults and the clients that travel on it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use everbeat_faults::{Direction, Fault, Proxy};
use fastrand::Rng;
use tokio::time::{Instant, sleep, sleep_until};

use crate::books::Books;
use crate::ends::Happened;
use crate::plan::{self, Kind, Window};
use crate::settings;

/// One road
#[derive(Debug)]
pub(crate) struct Road {
    /// Which of its server's roads it is
    place: usize,
    pub(crate) proxy: Proxy,
    pub(crate) clients: Vec<usize>,
    seed: u64,
}

impl Road {
    pub(crate) const fn new(place: usize, proxy: Proxy, seed: u64) -> Self {
        Self { place, proxy, clients: Vec::new(), seed }
    }

    /// Whether its clients stay until the server shuts down
    pub(crate) const fn stays(&self) -> bool {
        self.place == plan::ROADS - 1
    }

    /// All faults of the road, one after the other; what has happened
    pub(crate) async fn play(
        self: Arc<Self>,
        start: Instant,
        length: Duration,
        books: Arc<Books>,
    ) -> Vec<Happened> {
        let mut rng = Rng::with_seed(self.seed);
        let mut happened = Vec::new();
        for Window { kind, begin, long } in plan::plan(self.place, length, &mut rng) {
            sleep_until(start + begin - settings::LEAD).await;
            if long {
                self.proxy.inject(Fault::Delay(Direction::Both, settings::DELAY));
            }
            sleep_until(start + begin).await;
            let begin = Instant::now();
            let up = self.clients.iter().copied().filter(|&client| books.is_up(client));
            let hit = up.collect();
            books.faulty().fetch_add(1, Ordering::Relaxed);
            self.begin(kind, &mut rng);
            sleep(kind.length()).await;
            self.proxy.inject(Fault::Heal);
            books.faulty().fetch_sub(1, Ordering::Relaxed);
            happened.push(Happened { kind, begin, end: Instant::now(), hit });
        }
        happened
    }

    fn begin(&self, kind: Kind, rng: &mut Rng) {
        if let Some(fault) = kind.fault() {
            self.proxy.inject(fault);
        }
        if let Kind::Cut(direction @ (Direction::ToServer | Direction::ToClient)) = kind {
            for connection in self.proxy.connections() {
                let at = connection.carried(direction) + rng.u64(0..settings::CUT_WITHIN);
                connection.inject(Fault::CutAt(direction, at));
            }
        }
    }
}
