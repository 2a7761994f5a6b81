//! Thousands of everbeat's clients, and what they did: when each tried, and when it was back.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use everbeat_tokio::{Client, Event};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout};

use crate::outcome::Outcome;

/// Far more than a restart takes, so that only one that never ends meets it
const PATIENCE: Duration = Duration::from_secs(90);

/// All clients, connected
pub(super) struct Clients {
    shared: Arc<Shared>,
    connected: watch::Receiver<u32>,
    count: u32,
    /// Dropped, all are
    _tasks: JoinSet<()>,
}

struct Shared {
    seen: Mutex<Seen>,
    connected: watch::Sender<u32>,
}

/// What was seen since the restart
struct Seen {
    since: Option<Instant>,
    outcome: Outcome,
}

impl Clients {
    /// Connects so many, so many a second
    pub(super) async fn start(address: SocketAddr, count: u32, per_second: f64) -> Result<Self> {
        let (sender, connected) = watch::channel(0);
        let seen = Seen { since: None, outcome: Outcome::new(count) };
        let shared = Arc::new(Shared { seen: Mutex::new(seen), connected: sender });
        let mut tasks = JoinSet::new();
        let mut pace = interval(Duration::from_secs_f64(1.0 / per_second));
        for _ in 0..count {
            pace.tick().await;
            tasks.spawn(live(address, shared.clone()));
        }
        let mut clients = Self { shared, connected, count, _tasks: tasks };
        clients.all_connected().await?;
        Ok(clients)
    }

    /// From now on it is noted what they do
    pub(super) fn watch(&self) {
        self.shared.lock().since = Some(Instant::now());
    }

    /// What they did until all were back
    pub(super) async fn all_back(&mut self) -> Result<Outcome> {
        let ended = async {
            while self.shared.lock().outcome.share_back() < 1.0 {
                self.connected.changed().await?;
            }
            anyhow::Ok(())
        };
        if timeout(PATIENCE, ended).await.is_err() {
            let share = self.shared.lock().outcome.share_back() * 100.0;
            bail!("{share:.1} % of the clients are back, {PATIENCE:?} after the restart");
        }
        let mut outcome = self.shared.lock().outcome.clone();
        outcome.finish();
        Ok(outcome)
    }

    async fn all_connected(&mut self) -> Result<()> {
        let count = self.count;
        let all = self.connected.wait_for(|connected| *connected >= count);
        match timeout(PATIENCE, all).await {
            Ok(Ok(_)) => Ok(()),
            _ => bail!("{count} clients were not connected within {PATIENCE:?}"),
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One client: it only comes back
async fn live(address: SocketAddr, shared: Arc<Shared>) {
    let url = format!("ws://{address}/");
    // The server may be told more at once than it takes; that is no failure here
    let Ok(mut client) = Client::builder(&url).retry_first(true).connect().await else {
        return;
    };
    let mut lost = None;
    while let Some(event) = client.next().await {
        let now = Instant::now();
        let mut seen = shared.lock();
        let since = seen.since.map(|since| now.saturating_duration_since(since));
        match (event, since) {
            (Event::Connecting { .. }, Some(since)) => seen.outcome.attempt(since),
            (Event::Disconnected(_), Some(_)) => lost = lost.or(Some(now)),
            (Event::Connected { .. }, since) => {
                if let (Some(since), Some(lost)) = (since, lost.take()) {
                    let away = now.saturating_duration_since(lost);
                    seen.outcome.connected(since, away);
                }
                drop(seen);
                shared.connected.send_modify(|connected| *connected += 1);
            }
            _ => {}
        }
    }
}
