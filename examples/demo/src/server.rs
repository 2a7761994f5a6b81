//! The role of the server: notes every message before anything is done about it, sends each client
//! a tick now and then, and notes why a connection has ended. Expiry is the library's.

use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use everbeat_core::time::Timer;
use everbeat_core::transport::Transport;
use everbeat_core::{Cause, Connection};
use everbeat_server::{Expire, Handler, Server};
use everbeat_support::{Ticker, commands};
use everbeat_ws::Acceptor;

use crate::args::Mechanism;
use crate::child::{Orders, command};
use crate::client::number;
use crate::note::{End, Note, Who};
use crate::runtimes::Everbeat;
use crate::settings;
use crate::sloth::FLOOD;

/// What a handler may fail with
type Ended = Box<dyn Error + Send + Sync>;

/// One message of the flood
const FLOOD_MESSAGE: usize = 32 << 10;

pub(crate) async fn run<R: Everbeat>(address: SocketAddr, orders: &Orders) -> anyhow::Result<()> {
    let mut server = Server::<Acceptor<R>, R::Timer, R>::builder()
        .interval(settings::INTERVAL)
        .timeout(settings::TIMEOUT);
    if orders.broken == Some(Mechanism::Expiry) {
        server = server.expire(Expire::default().silent(None));
    }
    if let Some(certificates) = &orders.tls {
        let tls = certificates.server()?;
        server = server.listener(|listener| listener.tls(tls));
    }
    let server = server.bind(&address.to_string()).await?;
    Note::Listening { address: server.acceptor().local_address()? }.write()?;

    let talking = Arc::new(AtomicBool::new(true));
    let host = Host { timer: R::default().timer(), talking: talking.clone() };
    tokio::select! {
        _ = server.serve_with(host) => {}
        () = obey(&talking) => {}
    }
    Ok(())
}

/// Obeys until the parent closes our stdin: nobody is left to serve for
async fn obey(talking: &AtomicBool) {
    let mut commands = commands();
    while let Some(command) = commands.recv().await {
        match command.as_str() {
            command::QUIET => talking.store(false, Ordering::Relaxed),
            command::TALK => talking.store(true, Ordering::Relaxed),
            _ => {}
        }
    }
}

/// Serves every connection alike
#[derive(Debug)]
pub(crate) struct Host<K> {
    timer: K,
    talking: Arc<AtomicBool>,
}

impl<K, T, L, X> Handler<T, L, X> for Host<K>
where
    K: Timer<Sleep: Send + Unpin> + Clone + Send + Sync + 'static,
    T: Transport,
    L: Timer,
    Connection<T, L>: Send + 'static,
{
    type Error = Ended;
    type Future = Pin<Box<dyn Future<Output = Result<(), Ended>> + Send>>;

    fn handle(&self, connection: Connection<T, L>, _: X) -> Self::Future {
        let ticks = Ticker::new(self.timer.clone(), settings::TICK_EVERY);
        Box::pin(handle(connection, ticks, self.talking.clone()))
    }
}

async fn handle<T: Transport, L: Timer, K: Timer<Sleep: Unpin>>(
    mut connection: Connection<T, L>,
    ticks: Ticker<K>,
    talking: Arc<AtomicBool>,
) -> Result<(), Ended>
where
{
    let mut peer = None;
    let ended = converse(&mut connection, ticks, &mut peer, &talking).await;
    let end = match &ended {
        Ok(()) => End::closed("closed by the peer"),
        Err(cause) => End::new(cause, cause),
    };
    note(&Note::Ended { peer, end });
    Ok(ended?)
}

async fn converse<T: Transport, L: Timer, K: Timer<Sleep: Unpin>>(
    connection: &mut Connection<T, L>,
    mut turn: Ticker<K>,
    peer: &mut Option<Who>,
    talking: &AtomicBool,
) -> Result<(), Cause>
where
{
    let mut ticks = 0;
    loop {
        tokio::select! {
            message = connection.recv() => {
                let Some(message) = message? else { return Ok(()) };
                let text = message.as_text().unwrap_or_default();
                *peer = text.split_whitespace().next().and_then(Who::from_name);
                if let (Some(from), Some(id)) = (*peer, number(text)) {
                    note(&Note::Got { from, id });
                }
                if text == FLOOD {
                    return Err(flood(connection).await);
                }
            }
            () = turn.tick(), if talking.load(Ordering::Relaxed) => {
                ticks += 1;
                connection.send(format!("tick {ticks}")).await?;
            }
        }
    }
}

/// Sends until the connection ends, and returns why it did
async fn flood<T: Transport, L: Timer>(connection: &mut Connection<T, L>) -> Cause
where
{
    loop {
        if let Err(cause) = connection.send(vec![0; FLOOD_MESSAGE]).await {
            return cause;
        }
    }
}

/// Without its parent a child has nobody to be a server for
fn note(note: &Note) {
    if note.write().is_err() {
        std::process::exit(1);
    }
}
