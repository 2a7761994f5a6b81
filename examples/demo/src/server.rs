//! The role of the server: notes every message before anything is done about it, sends each client
//! a tick now and then, and notes why a connection has ended. Expiry is the library's.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use everbeat_tokio::server::Connection;
use everbeat_tokio::{Cause, Server};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use tokio::time::{MissedTickBehavior, interval};

use crate::args::Mechanism;
use crate::client::{command, number};
use crate::lateness::Lateness;
use crate::note::{End, How, Note, Who};
use crate::settings;
use crate::sloth::FLOOD;

/// What a handler may fail with
type Ended = Box<dyn Error + Send + Sync>;

/// One message of the flood
const FLOOD_MESSAGE: usize = 32 << 10;

pub(crate) async fn run(address: SocketAddr, broken: Option<Mechanism>) -> anyhow::Result<()> {
    Lateness::measure().report();
    let server = Server::builder()
        .interval(settings::INTERVAL)
        .timeout(settings::TIMEOUT)
        .heartbeat(broken != Some(Mechanism::Expiry))
        .bind(&address.to_string())
        .await?;
    Note::Listening { address: server.acceptor().local_address()? }.write()?;

    let talking = Arc::new(AtomicBool::new(true));
    let heard = talking.clone();
    tokio::select! {
        _ = server.serve(move |connection| handle(connection, talking.clone())) => {}
        end = obey(&heard) => end?,
    }
    Ok(())
}

/// Obeys until the parent closes our stdin: nobody is left to serve for
async fn obey(talking: &AtomicBool) -> anyhow::Result<()> {
    let mut commands = BufReader::new(stdin()).lines();
    while let Some(command) = commands.next_line().await? {
        match command.as_str() {
            command::QUIET => talking.store(false, Ordering::Relaxed),
            command::TALK => talking.store(true, Ordering::Relaxed),
            _ => {}
        }
    }
    Ok(())
}

async fn handle(mut connection: Connection, talking: Arc<AtomicBool>) -> Result<(), Ended> {
    let mut peer = None;
    let ended = converse(&mut connection, &mut peer, &talking).await;
    let end = match &ended {
        Ok(()) => End { how: How::Closed, sentence: "closed by the peer".into() },
        Err(cause) => End::new(cause, cause),
    };
    note(&Note::Ended { peer, end });
    Ok(ended?)
}

async fn converse(
    connection: &mut Connection,
    peer: &mut Option<Who>,
    talking: &AtomicBool,
) -> Result<(), Cause> {
    let mut turn = interval(settings::TICK_EVERY);
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
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
            _ = turn.tick(), if talking.load(Ordering::Relaxed) => {
                ticks += 1;
                connection.send(format!("tick {ticks}")).await?;
            }
        }
    }
}

/// Sends until the connection ends, and returns why it did
async fn flood(connection: &mut Connection) -> Cause {
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
