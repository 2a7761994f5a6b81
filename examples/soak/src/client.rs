//! The clients: each sends numbered messages and keeps its account. Everything that stays alive and
//! comes back is the library's; there is no retry in here.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use everbeat_core::outcome::{Disconnected, Tally};
use everbeat_core::time::Timer;
use everbeat_core::{Client, Event, Spawn};
use everbeat_support::Ticker;
use everbeat_support::account::{Account, numbered};
use everbeat_ws::Connector;
use fastrand::Rng;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::args::Broken;
use crate::books::Books;
use crate::ends::{End, How, Kept, Side};
use crate::runtimes::{Everbeat, Part};
use crate::settings;

/// Who has to go
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    Nobody,
    /// All but those who stay until their server shuts down
    Most,
    All,
}

/// One client
#[derive(Clone, Copy, Debug)]
pub(crate) struct Orders {
    pub(crate) number: usize,
    pub(crate) address: SocketAddr,
    pub(crate) stays: bool,
    pub(crate) seed: u64,
}

/// All clients of one runtime
#[derive(Debug)]
pub(crate) struct Clients {
    pub(crate) orders: Vec<Orders>,
    pub(crate) books: Arc<Books>,
    pub(crate) act: watch::Receiver<Act>,
}

impl Part for Clients {
    async fn play<R: Everbeat>(self, spawner: R::Counting) {
        for orders in self.orders {
            let client = run::<R>(orders, self.books.clone(), self.act.clone());
            let task: crate::tasks::Task = Box::pin(client);
            spawner.spawn(task);
        }
    }
}

async fn run<R: Everbeat>(orders: Orders, books: Arc<Books>, mut act: watch::Receiver<Act>) {
    let timer = R::default().timer();
    let mut rng = Rng::with_seed(orders.seed);
    let first = orders.number as u32 * (Duration::from_secs(1) / settings::STARTS_PER_SECOND);
    timer.sleep_until(timer.now() + first).await;
    // A client that cannot be made leaves no account, which is told.
    let Ok(mut client) = make::<R>(&orders, &timer, rng.u64(..), &books) else { return };
    let mut kept = Kept::<Account>::default();
    let phase = settings::SEND_EVERY.mul_f64(rng.f64());
    let mut turn = Ticker::starting_in(phase, timer, settings::SEND_EVERY);
    let last = if orders.stays { Act::All } else { Act::Most };
    loop {
        tokio::select! {
            event = client.next() => {
                kept.account.settle(counted(client.tally(), &books));
                let Some(event) = event else { break };
                if hear(event, orders.number, &mut kept, &books) {
                    break;
                }
            }
            () = turn.tick(), if *act.borrow() < last => {
                let fill = "x".repeat(rng.usize(0..settings::FILL));
                match client.try_send(format!("{} {fill}", kept.account.next())) {
                    Ok(()) => {
                        kept.account.accepted();
                        books.accept();
                    }
                    Err(_) => kept.account.refused(),
                }
            }
            // Whoever gives orders is there until the last client has gone.
            _ = act.wait_for(|act| *act >= last) => break,
        }
    }
    let was_up = client.connection().is_some();
    if client.outcome().is_none() {
        let end = client.close().await;
        kept.account.settle(counted(client.tally(), &books));
        note(&end, was_up, &mut kept);
    }
    books.set_up(orders.number, false);
    books.close(orders.number, kept);
}

fn make<R: Everbeat>(
    orders: &Orders,
    timer: &R::Timer,
    seed: u64,
    books: &Books,
) -> Result<Client<Connector<R>, R::Timer>, everbeat_core::config::ConfigError> {
    let connector = Connector::<R>::new(&format!("ws://{}/{}", orders.address, orders.number))?;
    Client::over(connector, timer.clone(), seed)
        .interval(settings::INTERVAL)
        .timeout(settings::TIMEOUT)
        .heartbeat(books.broken != Some(Broken::Heartbeat))
        .connect_timeout(settings::DIAL)
        .backoff(settings::backoff())
        .retry_first(true)
        .build()
}

/// Whether it was the last event
fn hear(event: Event, number: usize, kept: &mut Kept<Account>, books: &Books) -> bool {
    match event {
        Event::Connected { .. } => books.set_up(number, true),
        Event::Disconnected(end) => {
            note(&end, books.is_up(number), kept);
            books.set_up(number, false);
        }
        Event::GaveUp(end) | Event::Closed(end) => {
            note(&end, books.is_up(number), kept);
            return true;
        }
        Event::Message(message) => kept.account.answered(numbered(&message).unwrap_or(0)),
        _ => {}
    }
    false
}

fn note(end: &Disconnected, up: bool, kept: &mut Kept<Account>) {
    kept.ends.push(End { at: Instant::now(), side: Side::Client, how: How::from(&end.cause), up });
    kept.account.ended(end);
}

/// What the client counts; broken, it takes an unconfirmed message for a delivered one
fn counted(mut tally: Tally, books: &Books) -> Tally {
    if books.broken == Some(Broken::Tally) && tally.unconfirmed > 0 {
        tally.unconfirmed -= 1;
        tally.delivered += 1;
    }
    tally
}
