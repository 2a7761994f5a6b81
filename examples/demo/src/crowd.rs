//! The role of a crowd: fifty clients, and when each of them first tries again once their server is
//! gone. Nothing of a spread is in here: that is the library's.

use std::net::SocketAddr;
use std::time::Duration;

use everbeat_core::time::{Instant, Timer};
use everbeat_core::transport::Endpoint;
use everbeat_core::{Client, Event};
use everbeat_support::commands;
use everbeat_ws::Connector;
use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};

use crate::args::Mechanism;
use crate::child::Orders;
use crate::note::Note;
use crate::runtimes::Everbeat;
use crate::settings;

pub(crate) async fn run<R: Everbeat>(server: SocketAddr, orders: &Orders) -> anyhow::Result<()> {
    let timer = R::default().timer();
    let clients = (0..settings::CROWD).map(|_| client::<R>(server, orders));
    let mut clients = clients.collect::<anyhow::Result<Vec<_>>>()?;
    join_all(clients.iter_mut().map(connected)).await;
    Note::Gathered.write()?;
    let tries: Vec<Instant> = {
        let tries = clients.iter_mut().map(|client| next_try(client, &timer));
        tries.collect::<FuturesUnordered<_>>().collect().await
    };
    let first = tries.iter().min().copied().unwrap_or(Instant::ORIGIN);
    let after = |tried: &Instant| tried.saturating_duration_since(first).as_millis();
    let millis = tries.iter().map(|tried| Ok(u64::try_from(after(tried))?));
    Note::TriedAgain { millis: millis.collect::<anyhow::Result<_>>()? }.write()?;
    // The parent ends us; until then we are clients like others.
    let mut commands = commands();
    let live =
        join_all(clients.iter_mut().map(|client| async { while client.next().await.is_some() {} }));
    tokio::select! {
        _ = live => {}
        _ = commands.recv() => {}
    }
    Ok(())
}

type OnRuntime<R> = Client<Connector<R>, <R as everbeat_ws::Runtime>::Timer>;

fn client<R: Everbeat>(server: SocketAddr, orders: &Orders) -> anyhow::Result<OnRuntime<R>> {
    let connector = crate::client::connector::<R>(server, orders)?;
    let seed = match orders.broken {
        // What a program does that seeds its clients itself, all alike.
        Some(Mechanism::Jitter) => 1,
        _ => connector.seed(),
    };
    let timer = Endpoint::timer(&connector);
    let client = Client::over(connector, timer, seed)
        .connect_timeout(settings::DIAL)
        .backoff(settings::crowd_backoff())
        .retry_first(true);
    Ok(client.build()?)
}

async fn connected<R: Everbeat>(client: &mut OnRuntime<R>) {
    while let Some(event) = client.next().await {
        if matches!(event, Event::Connected { .. }) {
            return;
        }
    }
}

/// When it first tries to connect after it was cut
async fn next_try<R: Everbeat>(client: &mut OnRuntime<R>, timer: &R::Timer) -> Instant {
    while let Some(event) = client.next().await {
        if matches!(event, Event::Connecting { .. }) {
            break;
        }
    }
    timer.now()
}

/// How far apart the first and the last of these tries are
pub(crate) fn span_of(millis: &[u64]) -> Duration {
    Duration::from_millis(millis.iter().max().unwrap_or(&0) - millis.iter().min().unwrap_or(&0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_from_the_first_to_the_last() {
        assert_eq!(span_of(&[700, 0, 12]), Duration::from_millis(700));
        assert_eq!(span_of(&[]), Duration::ZERO);
    }
}
