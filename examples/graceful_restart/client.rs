//! The client: it sends all the time, comes back, and knows what became of each message.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use everbeat_core::cause::CloseCode;
use everbeat_tokio::reconnect::Backoff;
use everbeat_tokio::{Cause, Client, Event};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval};

use crate::Failure;

/// A message now and then
const EVERY: Duration = Duration::from_millis(10);

/// What a connection must have stood for, so that its end is a new beginning
const HEALTHY: Duration = Duration::from_secs(1);

/// What became of all messages
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) accepted: u64,
    pub(crate) delivered: u64,
    pub(crate) unconfirmed: u64,
    pub(crate) unsent: u64,
    pub(crate) connections: u32,
    /// How often it was told 1012
    pub(crate) restarts: u32,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accepted, delivered, unconfirmed, unsent, connections, .. } = self;
        write!(
            f,
            "sent {accepted} over {connections} connections: {delivered} delivered, {unconfirmed} \
             unconfirmed, {unsent} unsent"
        )
    }
}

/// Its task, and what ends it
pub(crate) struct Sending {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<Told, Failure>>,
}

/// Connects, and sends from then on
pub(crate) async fn start(address: SocketAddr) -> Result<Sending, Failure> {
    let client = Client::builder(&format!("ws://{address}/"))
        // Here a connection of a second is an old one
        .backoff(Backoff::full_jitter(EVERY..=Duration::from_secs(1)).with_healthy_after(HEALTHY))
        // What is proven need not be told twice
        .interval(Duration::from_millis(200))
        .connect()
        .await?;
    let (stop, stopped) = oneshot::channel();
    Ok(Sending { stop, task: tokio::spawn(send(client, stopped)) })
}

impl Sending {
    /// Stops sending, closes, and says what became of all
    pub(crate) async fn stop(self) -> Result<Told, Failure> {
        // It may have ended by itself, and then says why
        _ = self.stop.send(());
        self.task.await?
    }
}

async fn send(mut client: Client, mut stopped: oneshot::Receiver<()>) -> Result<Told, Failure> {
    let mut ticks = interval(EVERY);
    let mut number = 0_u64;
    let (mut connections, mut restarts) = (0, 0);
    let mut lost = None;
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            _ = ticks.tick() => {
                number += 1;
                client.try_send(format!("message {number}"))?;
            }
            event = client.next() => match event {
                Some(Event::Connected { .. }) => {
                    connections += 1;
                    if let Some(since) = lost.take() {
                        let gap = Instant::duration_since(&Instant::now(), since);
                        println!("  client  is back after {} ms", gap.as_millis());
                    }
                }
                Some(Event::Disconnected(end)) => {
                    lost.get_or_insert_with(Instant::now);
                    restarts += u32::from(is_restart(&end.cause));
                    println!("  client  {end}");
                }
                Some(_) => {}
                None => return Err("it gave up".into()),
            },
        }
    }
    client.close().await;
    let tally = client.tally();
    Ok(Told {
        accepted: tally.accepted,
        delivered: tally.delivered,
        unconfirmed: tally.unconfirmed,
        unsent: tally.unsent,
        connections,
        restarts,
    })
}

fn is_restart(cause: &Cause) -> bool {
    matches!(cause, Cause::Closed { code: CloseCode::RESTART, .. })
}
