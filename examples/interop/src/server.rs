//! The role of a server: sends back what comes, and tells of it.

use std::future::Future;
use std::pin::{Pin, pin};

use anyhow::Result;
use everbeat_core::cause::{CloseCode, CloseFrame};
use everbeat_core::time::Timer;
use everbeat_core::transport::Transport;
use everbeat_core::{Cause, Connection, Event};
use everbeat_server::tasks::SpawnServer;
use everbeat_server::{Handler, Server};
use everbeat_ws::tls::ServerTls;
use everbeat_ws::{Acceptor, Runtime};
use futures_util::future::{Either, select};
use futures_util::stream::{Stream, StreamExt};

use crate::args::Settings;
use crate::command::Command;
use crate::note::{End, Note, Payload};

pub(crate) async fn run<R>(
    address: &str,
    settings: &Settings,
    mut commands: impl Stream<Item = Command> + Unpin,
) -> Result<()>
where
    R: Runtime + SpawnServer<Acceptor<R>, R::Timer, Echo>,
{
    let mut builder = Server::<Acceptor<R>, R::Timer, R>::builder();
    if let Some(interval) = settings.beat {
        builder = builder.interval(interval);
    }
    if let Some(timeout) = settings.timeout {
        builder = builder.timeout(timeout);
    }
    if let Some((cert, key)) = settings.cert.as_ref().zip(settings.key.as_ref()) {
        let tls = ServerTls::from_files(cert, key)?;
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
    match select(pin!(server.serve_with(Echo)), pin!(obedience)).await {
        Either::Left(_) => Ok(()),
        Either::Right((ended, _)) => ended,
    }
}

/// Sends back what comes, until the connection ends
#[derive(Clone, Copy, Debug)]
pub(crate) struct Echo;

impl<T, K, X> Handler<T, K, X> for Echo
where
    T: Transport,
    K: Timer,
    Connection<T, K>: Unpin + Send + 'static,
{
    type Error = Cause;
    type Future = Pin<Box<dyn Future<Output = Result<(), Cause>> + Send>>;

    fn handle(&self, connection: Connection<T, K>, _: X) -> Self::Future {
        Box::pin(echo(connection))
    }
}

async fn echo<T: Transport, K: Timer>(mut connection: Connection<T, K>) -> Result<(), Cause>
where
    Connection<T, K>: Unpin,
{
    Note::Connected(true).write();
    while let Some(event) = connection.next().await {
        match event {
            Event::Message(message) => {
                Note::Message(Payload::from(&message)).write();
                connection.send(message).await?;
            }
            Event::Suspect { silent_for, .. } => Note::Suspect(silent_for.as_millis()).write(),
            Event::Alive => Note::Alive(true).write(),
            Event::Disconnected(end) => Note::Closed(End::new(&end.cause, &end)).write(),
            _ => {}
        }
    }
    Ok(())
}
