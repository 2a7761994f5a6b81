//! The role of a client: sends numbered messages, notes what becomes of each, notes what it sees.
//! Everything that stays alive and comes back is the library's; there is no retry in here.

use std::net::SocketAddr;

use everbeat_core::outcome::{Disconnected, Tally};
use everbeat_core::transport::Endpoint;
use everbeat_core::{Client, Event};
use everbeat_support::{Fate, Fates, Ticker, commands};
use everbeat_ws::Connector;

use crate::args::Mechanism;
use crate::child::{Orders, command};
use crate::note::{End, Note, Who};
use crate::runtimes::Everbeat;
use crate::settings;

/// A connector to the server, or to the proxy before it
pub(crate) fn connector<R: Everbeat>(
    server: SocketAddr,
    orders: &Orders,
) -> anyhow::Result<Connector<R>> {
    Ok(match &orders.tls {
        Some(certificates) => {
            Connector::new(&format!("wss://{server}/"))?.tls(certificates.client()?)
        }
        None => Connector::new(&format!("ws://{server}/"))?,
    })
}

pub(crate) async fn run<R: Everbeat>(
    name: Who,
    server: SocketAddr,
    orders: &Orders,
) -> anyhow::Result<()> {
    let broken = orders.broken;
    let connector = connector::<R>(server, orders)?;
    let (timer, seed) = (Endpoint::timer(&connector), connector.seed());
    let mut client = Client::over(connector, timer.clone(), seed)
        .interval(settings::INTERVAL)
        .timeout(settings::TIMEOUT)
        .heartbeat(broken != Some(Mechanism::Heartbeat))
        .connect_timeout(settings::DIAL)
        .backoff(settings::backoff(broken))
        .queue(settings::queue(broken))
        .retry_first(true)
        .build()?;
    let mut fates = Fates::default();
    let mut commands = commands();
    let mut turn = Ticker::new(timer, settings::SEND_EVERY);
    let mut talking = true;
    let mut up = false;
    let mut round_trip = None;
    loop {
        tokio::select! {
            event = client.next() => {
                settle(&mut fates, client.tally())?;
                let Some(event) = event else { return Ok(()) };
                note(event, &mut up)?;
            }
            () = turn.tick(), if talking => {
                // Refused is not accepted: the number is used for the next one.
                match client.try_send(format!("{name} {}", fates.next())) {
                    Ok(()) => Note::Sent { id: fates.accepted() }.write()?,
                    Err(error) => Note::Refused { why: error.to_string() }.write()?,
                }
            }
            command = commands.recv() => match command.as_deref() {
                Some(command::QUIET) => talking = false,
                Some(command::TALK) => talking = true,
                Some(command::CLOSE) | None => break,
                Some(_) => {}
            },
        }
        let measured = client.connection().and_then(|connection| connection.round_trip());
        let latest = measured.map(|measured| measured.last);
        if let Some(latest) = latest.filter(|_| latest != round_trip) {
            Note::RoundTrip { micros: latest.as_micros().try_into()? }.write()?;
        }
        round_trip = latest;
    }
    let end = client.close().await;
    settle(&mut fates, client.tally())?;
    over(&end)
}

/// Notes an event; `up` is whether a connection stands
fn note(event: Event, up: &mut bool) -> anyhow::Result<()> {
    let was_up = *up;
    match &event {
        Event::Connected { .. } => *up = true,
        Event::Disconnected(end) => {
            *up = false;
            handed_back(end)?;
        }
        _ => {}
    }
    match event {
        Event::Connecting { attempt, .. } => Note::Connecting { attempt },
        Event::Connected { attempt, took, .. } => {
            Note::Connected { attempt, took_micros: took.as_micros().try_into()? }
        }
        Event::Suspect { silent_for, .. } => {
            Note::Suspect { silent_millis: silent_for.as_millis().try_into()? }
        }
        Event::Alive => Note::Alive,
        Event::Disconnected(end) if was_up => {
            Note::Disconnected { end: End::new(&end.cause, &end) }
        }
        Event::Disconnected(end) => {
            let retry_millis =
                end.retry_in.map(|delay| delay.as_millis().try_into()).transpose()?;
            Note::Failed { why: end.cause.to_string(), retry_millis }
        }
        Event::Closed(end) | Event::GaveUp(end) => return over(&end),
        Event::Message(message) => match message.as_text().and_then(number) {
            Some(id) => Note::Got { from: Who::Server, id },
            None => return Ok(()),
        },
        _ => return Ok(()),
    }
    .write()?;
    Ok(())
}

fn handed_back(end: &Disconnected) -> anyhow::Result<()> {
    for (fate, messages) in
        [(Fate::Unconfirmed, &end.unconfirmed.messages), (Fate::Unsent, &end.unsent)]
    {
        let ids: Vec<_> = messages.iter().filter_map(|back| number(back.as_text()?)).collect();
        if !ids.is_empty() {
            Note::HandedBack { fate, ids }.write()?;
        }
    }
    Ok(())
}

fn over(end: &Disconnected) -> anyhow::Result<()> {
    handed_back(end)?;
    Ok(Note::Over { end: End::new(&end.cause, end) }.write()?)
}

/// The number behind a message's first word
pub(crate) fn number(text: &str) -> Option<u64> {
    text.split_once(' ')?.1.parse().ok()
}

/// Notes which messages have met which fate
fn settle(fates: &mut Fates, tally: Tally) -> anyhow::Result<()> {
    for (fate, ids) in fates.take(tally) {
        Note::Fates { fate, ids }.write()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_messages_number_is_behind_its_name() {
        assert_eq!(number("tick 12"), Some(12));
        assert_eq!(number("flood"), None);
    }
}
