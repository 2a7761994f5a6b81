//! What a user writes, compiled in CI. Read this file before any other.
//!
//! It was written before the code behind it. Nothing here runs; it has to compile, and to read well.
//! The first page of settings is the builder's: `detect_within`, `interval`, `timeout`, `backoff`,
//! `verdict`, `queue`, `retry_first`, `connector`.

#![expect(dead_code, clippy::print_stdout, reason = "sketches, to be read and compiled")]

use std::time::Duration;

use everbeat_tokio::client::{Hint, Hints, Queue};
use everbeat_tokio::config::{ConnectionConfig, HeartbeatConfig, OwnBeat};
use everbeat_tokio::core::heartbeat::{Beat, Heartbeat};
use everbeat_tokio::core::time::Timer;
use everbeat_tokio::reconnect::{Backoff, Retry};
use everbeat_tokio::server::storm::Restart;
use everbeat_tokio::server::{self, Accepted, Expire, Limits, Origins, Reject, Upgrade};
use everbeat_tokio::transport::{FromStream, Incoming, Outgoing, TokioTimer};
use everbeat_tokio::{Cause, Client, Connection, Event, Request, Server, Tokio};
use futures_util::{Sink, Stream, StreamExt};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A client in five lines: it beats, notices, comes back
async fn client() -> Result {
    let mut client = Client::connect("ws://127.0.0.1:9001/feed").await?;
    while let Some(event) = client.next().await {
        match event {
            // First of all, and again after each return: what a connection needs is sent here.
            Event::Connected { .. } => client.send("subscribe ticker").await?,
            Event::Message(message) => println!("{message}"),
            _ => {}
        }
    }
    Ok(())
}

/// A server in five lines: silent peers are expired by Ping
async fn server() -> Result {
    let server = Server::bind("127.0.0.1:9001").await?;
    server
        .serve(|mut connection| async move {
            while let Some(message) = connection.recv().await? {
                connection.send(message).await?;
            }
            Ok(())
        })
        .await;
    Ok(())
}

/// A client as production wants it
async fn tuned_client() -> Result {
    let mut client = Client::builder("wss://eu.example.com/feed")
        .detect_within(Duration::from_secs(15)) // a promise: refused here if it cannot be kept
        .backoff(Backoff::full_jitter(Duration::from_secs(1)..=Duration::from_secs(30)))
        .verdict(|cause| match cause {
            Cause::Closed { code, .. } if code.0 == 4003 => Retry::Never,
            other => other.default_verdict(),
        })
        .queue(Queue::bounded(1_024, 1 << 20).or_wait())
        .retry_first(true)
        .connector(|websocket| {
            websocket.max_message(4 << 20).request(|attempt| async move {
                let host = if attempt.number % 2 == 1 { "eu" } else { "us" };
                Request::to(format!("wss://{host}.example.com/feed"))
                    .bearer(fresh_token().await?)
                    .build()
            })
        })
        .connect()
        .await?;

    while let Some(event) = client.next().await {
        match event {
            Event::Connected { attempt, took, .. } => println!("up: attempt {attempt}, {took:?}"),
            Event::Message(message) => println!("{message}"),
            Event::Suspect { silent_for, .. } => println!("quiet for {silent_for:?}, may recover"),
            Event::Disconnected(end) => {
                println!("{end}"); // a sentence: cause, evidence, what became of the messages
                for message in end.unconfirmed.messages {
                    client.send(message).await?; // may have arrived: send again only if that is fine
                }
            }
            Event::GaveUp(end) => return Err(end.cause.into()),
            _ => {}
        }
    }
    Ok(())
}

/// A client that is told what only its application knows
async fn told_client(mut resumed: impl Stream<Item = ()> + Unpin) -> Result {
    let hints = Hints::new(); // clones tell the same clients, from any thread
    let mut client = Client::builder("ws://127.0.0.1:9001/feed").hints(&hints).connect().await?;
    let telling = async {
        while let Some(()) = resumed.next().await {
            hints.tell(Hint::Foreground); // asks the peer now, or tries again soon
        }
    };
    let reading = async {
        while let Some(event) = client.next().await {
            if let Event::Stalled { stalled_for, slept_for } = event {
                println!("we stood still for {stalled_for:?}, and slept for {slept_for:?}");
            }
        }
    };
    futures_util::future::join(telling, reading).await;
    Ok(())
}

/// A server as production wants it
async fn tuned_server(shutdown: impl Future<Output = ()>) -> Result {
    let server = Server::builder()
        .expire(
            Expire::default()
                .silent(Duration::from_secs(45)) // a promise, as a client's
                .authentication(Duration::from_secs(900)) // refreshed by `handle.authenticated()`
                .age(Duration::from_secs(3_600)), // so that a fleet rebalances
        )
        .limits(Limits::default().connections(50_000).per_address(20).upgrades_per_second(2_000))
        .restart(Restart::per_second(2_000)) // a shutdown sends clients to a successor, at its pace
        .shutdown_timeout(Duration::from_secs(37)) // 50,000 / (0.8 * 2,000) + 5 s: each until its turn
        .upgrade(|request| async move {
            let Some(token) = request.header("Authorization") else {
                return Err(Reject::status(401).header("WWW-Authenticate", "Bearer"));
            };
            let user = user_of(token).await?; // any error: 500, and logged
            Ok(Upgrade::accept(user)) // perhaps with a subprotocol that was offered
        })
        .listener(|listener| listener.origins(Origins::same_host()).max_message(1 << 20))
        .bind("[::]:9001")
        .await?
        .on_expire(|handle, reason| println!("{} {reason}", handle.facts().peer()));

    let served = server.serve_until(chat, shutdown).await;
    println!("{served}"); // and `served.cut` says who did not close in time
    Ok(())
}

async fn chat(mut connection: server::Connection, peer: Accepted<User>) -> Result {
    peer.handle.tag("lobby")?;
    while let Some(message) = connection.recv().await? {
        let text = format!("{}: {message}", peer.facts().principal.name);
        let left = peer.handle.registry().send_tagged("lobby", text)?; // refused if too large
        for slow in left.slow {
            slow.evict(); // its queue is full
        }
    }
    Ok(())
}

/// An API with a beat of its own: its message goes where a Ping would, its answer is a Pong's equal
async fn own_beat() -> Result {
    let beat = OwnBeat::new(r#"{"op":"ping"}"#, |message| {
        message.as_text().is_some_and(|text| text.starts_with(r#"{"op":"pong""#))
    });
    let mut client = Client::builder("wss://api.example.com/v5").beat(beat).connect().await?;
    while let Some(event) = client.next().await {
        println!("{event:?}"); // beats and answers are not among them
    }
    Ok(())
}

/// The machines alone: no runtime, no socket; the loop is yours
fn expert(wire: &mut impl YourWire, timer: &impl Timer, config: HeartbeatConfig) -> Cause {
    let mut heartbeat = Heartbeat::new(config, Tokio.seed(), timer.now());
    loop {
        let answer = wire.read_until(heartbeat.poll_timeout()); // nothing, bytes, or a Pong
        let now = timer.now();
        if let Some(pong) = answer {
            heartbeat.handle_heard(now);
            heartbeat.handle_pong(&pong, now);
        }
        match heartbeat.handle_timeout(now, || None) {
            Some(Beat::Ping(payload)) => {
                wire.ping(payload);
                heartbeat.handle_flushed(0, now);
            }
            Some(Beat::Dead(verdict)) => {
                return Cause::Dead { verdict, evidence: heartbeat.evidence(now).into() };
            }
            _ => {}
        }
    }
}

/// A transport of one's own: any stream and sink of messages is one
async fn custom_transport<S, E>(wire: S) -> std::result::Result<(), Cause>
where
    S: Stream<Item = std::result::Result<Incoming, E>> + Sink<Outgoing, Error = E> + Unpin,
    E: std::error::Error + 'static,
{
    let config = ConnectionConfig::client();
    let transport = FromStream::new(wire);
    let mut connection = Connection::new(transport, TokioTimer::new(), config, Tokio.seed());
    connection.send("hello").await?;
    while let Some(message) = connection.recv().await? {
        println!("{message}");
    }
    Ok(())
}

// What the sketches above leave to you.

trait YourWire {
    fn ping(&mut self, payload: [u8; 8]);
    fn read_until(&mut self, deadline: everbeat_tokio::core::time::Instant) -> Option<Vec<u8>>;
}

struct User {
    name: String,
}

async fn user_of(token: &str) -> std::result::Result<User, std::io::Error> {
    Ok(User { name: token.to_owned() })
}

async fn fresh_token() -> Result<String> {
    Ok("secret".to_owned())
}

fn main() {}
