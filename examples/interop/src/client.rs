//! The role of a client: sends what it is told to, tells what comes, and comes back by itself.

use std::pin::pin;

use anyhow::Result;
use everbeat_core::cause::{CloseCode, CloseFrame};
use everbeat_core::client::{ClientBuilder, Hints, Queue};
use everbeat_core::reconnect::{Backoff, Retry};
use everbeat_core::{Client, Event};
use everbeat_watch::Watcher;
use everbeat_ws::tls::ClientTls;
use everbeat_ws::{Connector, Runtime};
use futures_util::future::{Either, select};
use futures_util::stream::{Stream, StreamExt};

use crate::args::Settings;
use crate::command::Command;
use crate::note::{End, Note, Payload, stalled};

/// Room for what the tester sends before it waits
const QUEUE: Queue = Queue::bounded(1_024, 16 << 20);

pub(crate) async fn run<R: Runtime>(
    url: &str,
    settings: &Settings,
    mut commands: impl Stream<Item = Command> + Unpin,
) -> Result<()> {
    let hints = Hints::new();
    let _watcher = settings.watch.then(|| Watcher::new(&hints)).transpose()?;
    let mut client = builder::<R>(url, settings)?.hints(&hints).build()?;
    let mut up = false;
    while let Some(next) = next(&mut client, &mut commands).await {
        match next {
            Next::Event(event) => tell(event, &mut up, settings.brief),
            Next::Command(Command::Send(payload)) => client.send(payload.message()?).await?,
            Next::Command(Command::Close { code, reason }) => {
                let end = client.close_with(CloseFrame::new(CloseCode(code), reason)).await;
                Note::Closed(End::new(&end.cause, &end)).write();
            }
        }
    }
    Ok(())
}

pub(crate) fn builder<R: Runtime>(
    url: &str,
    settings: &Settings,
) -> Result<ClientBuilder<Connector<R>, R::Timer>> {
    let mut builder = Client::<Connector<R>, R::Timer>::builder(url).queue(QUEUE);
    if let Some(interval) = settings.beat {
        builder = builder.interval(interval);
    }
    if let Some(timeout) = settings.timeout {
        builder = builder.timeout(timeout);
    }
    if let Some(promise) = settings.within {
        builder = builder.detect_within(promise);
    }
    if let Some(limit) = settings.idle_limit {
        builder = builder.idle_limit(limit);
    }
    builder = builder.heartbeat(!settings.no_beat).retry_first(settings.retry_first);
    if settings.once {
        builder = builder.verdict(|_| Retry::Never);
    }
    if let Some(timeout) = settings.dial {
        builder = builder.connect_timeout(timeout);
    }
    if let Some(longest) = settings.retry {
        builder = builder.backoff(Backoff::full_jitter(longest / 8..=longest));
    }
    if let Some(ca) = &settings.ca {
        let mut tls = ClientTls::roots_file(ca)?;
        if let Some((cert, key)) = settings.cert.as_ref().zip(settings.key.as_ref()) {
            tls = tls.identity_files(cert, key)?;
        }
        builder = builder.connector(|connector| connector.tls(tls));
    }
    Ok(builder)
}

enum Next {
    Event(Event),
    Command(Command),
}

/// What happens next; `None` when the tester has nothing more to say
///
/// A client that is over has no events any more, and is still asked for commands: its process ends
/// with the tester's words, as every peer's does.
async fn next<R: Runtime>(
    client: &mut Client<Connector<R>, R::Timer>,
    commands: &mut (impl Stream<Item = Command> + Unpin),
) -> Option<Next> {
    let event = pin!(client.next());
    match select(event, commands.next()).await {
        Either::Left((Some(event), _)) => Some(Next::Event(event)),
        Either::Left((None, commands)) => commands.await.map(Next::Command),
        Either::Right((command, _)) => command.map(Next::Command),
    }
}

/// Tells of an event; `up` is whether a connection stands
fn tell(event: Event, up: &mut bool, brief: bool) {
    match event {
        Event::Connected { .. } => {
            *up = true;
            Note::Connected(true)
        }
        Event::Message(message) => Note::Message(Payload::of(&message, brief)),
        Event::Suspect { silent_for, .. } => Note::Suspect(silent_for.as_millis()),
        Event::Alive => Note::Alive(true),
        Event::Stalled { stalled_for, slept_for } => stalled(stalled_for, slept_for),
        // An end is told once, whichever event brings it.
        Event::Disconnected(end) | Event::Closed(end) | Event::GaveUp(end) => {
            match std::mem::take(up) {
                true => Note::Closed(End::new(&end.cause, &end)),
                false => Note::Failed(end.to_string()),
            }
        }
        _ => return,
    }
    .write();
}
