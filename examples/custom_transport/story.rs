//! Three peers of one server, and how each of them ends.

use std::path::{Path, PathBuf};
use std::time::Duration;

use everbeat_tokio::config::{ConnectionConfig, HeartbeatConfig};
use everbeat_tokio::outcome::Disconnected;
use everbeat_tokio::transport::TokioTimer;
use everbeat_tokio::{Cause, Connection, Event, Message, Tokio};
use tokio::io::AsyncWriteExt;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::wire::Wire;

/// Within how long one who does not answer is gone
const PROMISE: Duration = Duration::from_secs(2);
/// What a busy machine may add to it
const LATENESS: Duration = Duration::from_secs(5);
/// Far more than all of it takes
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
type Wired = Connection<Wire<UnixStream>, TokioTimer>;

pub(crate) async fn play() -> Result {
    let path = Socket::new();
    let listener = UnixListener::bind(&path.0)?;
    println!("listening at {}", path.0.display());
    let (ended, mut ends) = mpsc::channel(1);
    tokio::spawn(serve(listener, ended));
    let mut end = async || ends.recv().await.ok_or("the server is over");

    polite(&path.0).await?;
    let cause = end().await?.cause;
    println!("server    {cause}");
    if !matches!(cause, Cause::Closed { .. }) {
        return Err("a client closed, and the server heard something else".into());
    }

    let since = Instant::now();
    let silent = UnixStream::connect(&path.0).await?;
    let cause = end().await?.cause;
    let took = since.elapsed();
    println!("mute      who connects and says nothing is noticed after {took:.1?}: {cause}");
    if !matches!(cause, Cause::Dead { .. }) || took > PROMISE + LATENESS {
        return Err("one who answers nothing is dead, and the server did not say so in time".into());
    }
    drop(silent);

    let mut stranger = UnixStream::connect(&path.0).await?;
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").await?;
    // It waits for no answer; otherwise the server would wait for one to its Close.
    drop(stranger);
    let cause = end().await?.cause;
    println!("nonsense  who speaks another protocol is told so: {cause}");
    if !matches!(cause, Cause::Violation { .. }) {
        return Err("that was no frame, and the server says something else".into());
    }
    Ok(())
}

/// A client that sends, hears it again, and closes once it knows that everything has arrived
async fn polite(path: &Path) -> Result {
    let stream = UnixStream::connect(path).await?;
    let mut connection = connection(stream, ConnectionConfig::client())?;
    let said: [Message; 3] = ["hello".into(), "".into(), vec![7; 300_000].into()];
    for message in said {
        connection.send(message.clone()).await?;
        let heard = connection.recv().await?.ok_or("the server closed")?;
        println!("client  > {heard}");
        if heard != message {
            return Err("an echo is not what was said".into());
        }
    }
    let end = connection.close().await;
    let delivered = connection.delivered();
    println!("client    {}, {delivered} messages delivered", end.cause);
    match (end.unconfirmed.count, delivered) {
        (0, 3) => Ok(()),
        _ => Err("a message is not accounted for".into()),
    }
}

/// Takes connections, one task each, and tells how they end
async fn serve(listener: UnixListener, ended: mpsc::Sender<Disconnected>) -> Result {
    loop {
        let (stream, _) = listener.accept().await?;
        let connection = connection(stream, ConnectionConfig::server())?;
        tokio::spawn(echo(connection, ended.clone()));
    }
}

async fn echo(mut connection: Wired, ended: mpsc::Sender<Disconnected>) {
    while let Some(event) = connection.next().await {
        match event {
            // If it cannot be sent, the next event says why.
            Event::Message(message) => _ = connection.send(message).await,
            // Nobody counts any more once the story is over.
            Event::Disconnected(end) => _ = ended.send(*end).await,
            _ => {}
        }
    }
}

/// What a runtime's crate does for a WebSocket: a transport, a clock, a seed
fn connection(stream: UnixStream, config: ConnectionConfig) -> Result<Wired> {
    let beat = HeartbeatConfig::SERVER.detect_within(PROMISE)?;
    let config = config.with_heartbeat(Some(beat));
    Ok(Connection::new(Wire::new(stream), TokioTimer::new(), config, Tokio.seed()))
}

/// A path that is gone when we are
struct Socket(PathBuf);

impl Socket {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("everbeat-{}.sock", std::process::id())))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // It may not be there yet.
        _ = std::fs::remove_file(&self.0);
    }
}
