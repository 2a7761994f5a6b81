//! The role of a client: sends numbered messages, keeps its account, tells what it sees. Everything
//! that stays alive and comes back is the library's; there is no retry in here.

use std::net::SocketAddr;

use everbeat_core::client::{Hints, Queue};
use everbeat_core::{Client, Event};
use everbeat_support::account::{Account, numbered};
use everbeat_support::rows::millis;
use everbeat_support::{Ticker, commands};
use everbeat_watch::Watcher;
use everbeat_ws::Connector;
use fastrand::Rng;

use crate::child::command;
use crate::note::{End, Note};
use crate::runtimes::Everbeat;
use crate::settings;

/// Room for what is accepted while there is no connection, an upload among it
const QUEUE: Queue = Queue::bounded(4_096, 8 << 20);

pub(crate) async fn run<R: Everbeat>(
    server: SocketAddr,
    seed: u64,
    watches: bool,
) -> anyhow::Result<()> {
    let hints = Hints::new();
    let _watcher = watches.then(|| Watcher::new(&hints)).transpose()?;
    let timer = R::default().timer();
    let mut rng = Rng::with_seed(seed);
    let connector = Connector::<R>::new(&format!("ws://{server}/"))?;
    let mut client = Client::over(connector, timer.clone(), rng.u64(..))
        .detect_within(settings::PROMISE)
        .connect_timeout(settings::DIAL)
        .backoff(settings::backoff())
        .queue(QUEUE)
        .retain_bytes(settings::RETAIN)
        .hints(&hints)
        .retry_first(true)
        .build()?;
    let mut account = Account::default();
    let mut commands = commands();
    let mut turn = Ticker::new(timer, settings::SEND_EVERY);
    let (mut talks, mut up) = (true, false);
    loop {
        // Whose messages are sent now, and how long they are at most
        let (count, fill) = tokio::select! {
            event = client.next() => {
                account.settle(client.tally());
                let Some(event) = event else { break };
                hear(event, &mut up, &mut account);
                (0, 0)
            }
            () = turn.tick() => (usize::from(talks), rng.usize(0..settings::FILL)),
            command = commands.recv() => match command.as_deref() {
                Some(command::QUIET) => { talks = false; (0, 0) }
                Some(command::TALK) => { talks = true; (0, 0) }
                Some(command::UPLOAD) => settings::UPLOAD,
                Some(command::CLOSE) | None => break,
                Some(_) => (0, 0),
            },
        };
        for _ in 0..count {
            match client.try_send(format!("{} {}", account.next(), "x".repeat(fill))) {
                Ok(()) => account.accepted(),
                Err(_) => account.refused(),
            }
        }
    }
    if client.outcome().is_none() {
        let end = client.close().await;
        account.settle(client.tally());
        account.ended(&end);
        if up {
            Note::Down(0, End::new(&end.cause, &end)).write();
        }
    }
    Note::Account(account.into()).write();
    Ok(())
}

/// Tells of an event; `up` is whether a connection stands
fn hear(event: Event, up: &mut bool, account: &mut Account) {
    match event {
        Event::Connected { .. } => {
            *up = true;
            Note::Up(0)
        }
        Event::Message(message) => return account.answered(numbered(&message).unwrap_or(0)),
        Event::Suspect { silent_for, .. } => Note::Suspect(millis(silent_for)),
        Event::Alive => Note::Alive,
        Event::Stalled { stalled_for, slept_for } => Note::stalled(stalled_for, slept_for),
        Event::Disconnected(end) | Event::Closed(end) | Event::GaveUp(end) => {
            account.ended(&end);
            match std::mem::take(up) {
                true => Note::Down(0, End::new(&end.cause, &end)),
                false => Note::Failed(end.to_string()),
            }
        }
        _ => return,
    }
    .write();
}
