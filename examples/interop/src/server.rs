//! The role of a server: sends back what comes, and tells of it.

use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::time::Duration;

use anyhow::Result;
use everbeat_core::cause::{CloseCode, CloseFrame};
use everbeat_core::time::Timer;
use everbeat_core::transport::Transport;
use everbeat_core::{Cause, Connection, Event};
use everbeat_server::tasks::SpawnServer;
use everbeat_server::{Expire, Handler, Limits, Server};
use everbeat_support::Ticker;
use everbeat_ws::tls::{Clients, ServerTls};
use everbeat_ws::{Acceptor, Runtime};
use futures_util::future::{Either, select};
use futures_util::stream::{Stream, StreamExt};

use crate::args::Settings;
use crate::command::Command;
use crate::door::{Door, door};
use crate::note::{End, Note, Payload, stalled};

pub(crate) async fn run<R>(
    address: &str,
    settings: &Settings,
    mut commands: impl Stream<Item = Command> + Unpin,
) -> Result<()>
where
    R: Runtime + SpawnServer<Acceptor<R, Door>, R::Timer, Echo<R::Timer>>,
{
    let mut builder = Server::<Acceptor<R>, R::Timer, R>::builder().upgrade(door as Door);
    if let Some(interval) = settings.beat {
        builder = builder.interval(interval);
    }
    if let Some(timeout) = settings.timeout {
        builder = builder.timeout(timeout);
    }
    if let Some(promise) = settings.within {
        builder = builder.expire(Expire::default().silent(promise));
    }
    if let Some(limit) = settings.idle_limit {
        builder = builder.idle_limit(limit);
    }
    if settings.no_beat {
        builder = builder.expire(Expire::default().silent(None));
    }
    if let Some(most) = settings.most {
        builder = builder.limits(Limits::default().connections(most));
    }
    if let Some((cert, key)) = settings.cert.as_ref().zip(settings.key.as_ref()) {
        let mut tls = ServerTls::from_files(cert, key)?;
        if let Some(ca) = &settings.ca {
            tls = tls.clients(Clients::signed_by_file(ca)?)?;
        }
        builder = builder.listener(|listener| listener.tls(tls));
    }
    let server = builder.bind(address).await?;
    Note::Listening(server.acceptor().local_address()?.to_string()).write();

    let registry = server.registry();
    let obedience = async {
        while let Some(command) = commands.next().await {
            let newest = registry.get(registry.served());
            match (newest, command) {
                (Some(newest), Command::Send(payload)) => newest.send(payload.message()?)?,
                (Some(newest), Command::Close { code, reason }) => {
                    newest.close(CloseFrame::new(CloseCode(code), reason));
                }
                (None, _) => Note::Failed("there is no connection to command".into()).write(),
            }
        }
        Ok(())
    };
    let (timer, tick, brief) = (R::default().timer(), settings.tick, settings.brief);
    match select(pin!(server.serve_with(Echo { timer, tick, brief })), pin!(obedience)).await {
        Either::Left(_) => Ok(()),
        Either::Right((ended, _)) => ended,
    }
}

/// Sends back what comes, until the connection ends
#[derive(Clone, Copy, Debug)]
pub(crate) struct Echo<L> {
    timer: L,
    /// How often it says something besides
    tick: Option<Duration>,
    brief: bool,
}

impl<L, T, K, X> Handler<T, K, X> for Echo<L>
where
    L: Timer<Sleep: Send + Unpin> + Clone + Send + Sync + 'static,
    T: Transport,
    K: Timer,
    Connection<T, K>: Send + 'static,
{
    type Error = Cause;
    type Future = Pin<Box<dyn Future<Output = Result<(), Cause>> + Send>>;

    fn handle(&self, connection: Connection<T, K>, _: X) -> Self::Future {
        let ticker = self.tick.map(|tick| Ticker::new(self.timer.clone(), tick));
        Box::pin(echo(connection, ticker, self.brief))
    }
}

async fn echo<T: Transport, K: Timer, L: Timer<Sleep: Unpin>>(
    mut connection: Connection<T, K>,
    mut ticker: Option<Ticker<L>>,
    brief: bool,
) -> Result<(), Cause>
where
{
    Note::Connected(true).write();
    loop {
        let Some(event) = event_or_tick(&mut connection, &mut ticker).await else {
            connection.send("tick").await?;
            continue;
        };
        match event {
            None => return Ok(()),
            Some(Event::Message(message)) => {
                Note::Message(Payload::of(&message, brief)).write();
                connection.send(message).await?;
            }
            Some(Event::Suspect { silent_for, .. }) => {
                Note::Suspect(silent_for.as_millis()).write();
            }
            Some(Event::Alive) => Note::Alive(true).write(),
            Some(Event::Stalled { stalled_for, slept_for }) => {
                stalled(stalled_for, slept_for).write();
            }
            Some(Event::Disconnected(end)) => Note::Closed(End::new(&end.cause, &end)).write(),
            Some(_) => {}
        }
    }
}

/// What happens next on a connection; `None` if it is time to say something
async fn event_or_tick<T: Transport, K: Timer, L: Timer<Sleep: Unpin>>(
    connection: &mut Connection<T, K>,
    ticker: &mut Option<Ticker<L>>,
) -> Option<Option<Event>>
where
{
    let tick = async {
        match ticker {
            Some(ticker) => ticker.tick().await,
            None => pending().await,
        }
    };
    match select(pin!(connection.next()), pin!(tick)).await {
        Either::Left((event, _)) => Some(event),
        Either::Right(_) => None,
    }
}
