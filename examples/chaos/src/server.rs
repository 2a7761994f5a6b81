//! The role of the server: keeps what it receives, answers some of it, tells when connections begin and
//! end. Expiry is the library's.

use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use everbeat_core::time::Timer;
use everbeat_core::transport::Transport;
use everbeat_core::{Connection, Event};
use everbeat_server::{Expire, Handler, Server};
use everbeat_support::account::{Received, numbered};
use everbeat_support::commands;
use everbeat_support::rows::millis;
use everbeat_ws::Acceptor;

use crate::note::{End, Note};
use crate::runtimes::Everbeat;
use crate::settings;

pub(crate) async fn run<R: Everbeat>(address: SocketAddr) -> anyhow::Result<()> {
    let server = Server::<Acceptor<R>, R::Timer, R>::builder()
        .expire(Expire::default().silent(settings::PROMISE))
        .bind(&address.to_string())
        .await?;
    Note::Listening.write();
    let (host, handle) = (Host::default(), server.handle());
    let mut commands = commands();
    let mut serving = pin!(server.serve_with(host.clone()));
    tokio::select! {
        _ = &mut serving => {}
        // Nobody gives any but the last, which is the end of our stdin.
        () = async { while commands.recv().await.is_some() {} } => {
            handle.shutdown();
            serving.await;
        }
    }
    Note::Received(std::mem::take(&mut *host.received())).write();
    Ok(())
}

/// Serves every connection alike, and all are one client's
#[derive(Debug, Clone, Default)]
pub(crate) struct Host(Arc<Books>);

#[derive(Debug, Default)]
struct Books {
    connections: AtomicU64,
    received: Mutex<Received>,
}

impl Host {
    /// Whole between any two statements, so that a panic elsewhere has broken nothing
    fn received(&self) -> MutexGuard<'_, Received> {
        self.0.received.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Ended = Box<dyn Error + Send + Sync>;

impl<T, K, X> Handler<T, K, X> for Host
where
    T: Transport,
    K: Timer,
    Connection<T, K>: Send + 'static,
{
    type Error = Ended;
    type Future = Pin<Box<dyn Future<Output = Result<(), Ended>> + Send>>;

    fn handle(&self, connection: Connection<T, K>, _: X) -> Self::Future {
        let number = self.0.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let host = self.clone();
        Box::pin(async move {
            serve(connection, number, &host).await;
            Ok(())
        })
    }
}

async fn serve<T: Transport, K: Timer>(mut connection: Connection<T, K>, number: u64, host: &Host) {
    Note::Up(number).write();
    let mut answered = 0;
    while let Some(event) = connection.next().await {
        match event {
            Event::Message(message) => {
                let id = numbered(&message).unwrap_or(0);
                host.received().messages.push((number, id));
                // A connection that takes no answer has ended, which is the next event.
                let answers = id % settings::ANSWER_EVERY == 0;
                if answers && connection.send(id.to_string()).await.is_ok() {
                    answered += 1;
                }
            }
            Event::Disconnected(end) => {
                let mut received = host.received();
                received.answered += answered;
                received.proven += connection.delivered();
                received.unproven += end.unconfirmed.count + end.unsent.len() as u64;
                drop(received);
                Note::Down(number, End::new(&end.cause, &end)).write();
            }
            Event::Stalled { stalled_for, slept_for } => {
                Note::stalled(stalled_for, slept_for).write();
            }
            Event::Suspect { silent_for, .. } => Note::Suspect(millis(silent_for)).write(),
            Event::Alive => Note::Alive.write(),
            _ => {}
        }
    }
}
