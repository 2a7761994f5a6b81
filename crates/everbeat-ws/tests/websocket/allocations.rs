//! What a message allocates on its way, over bare async-tungstenite: nothing, be it a bare WebSocket
//! or a whole connection with its beats and its memory of what is unproven.

use std::cell::Cell;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_tungstenite::WebSocketStream;
use async_tungstenite::tungstenite::Message as Theirs;
use async_tungstenite::tungstenite::protocol::Role as TheirRole;
use bytes::Bytes;
use everbeat_core::config::{ConnectionConfig, HeartbeatConfig};
use everbeat_core::time::{Instant, Sleep, Timer};
use everbeat_core::transport::{Attempt, Connect};
use everbeat_core::{Client, Connection, Event, Message};
use everbeat_ws::{Role, Settings, WebSocket};
use futures_util::StreamExt;
use futures_util::future::join;

use crate::counting::{COUNT, LARGE, LIVE};
use crate::support::{End, duplex, message, now, run, send};

const WARM: usize = 200;
const MEASURED: usize = 1_000;

/// A clock that advances by being read, so that beats come and go while messages do
#[derive(Clone, Default)]
struct Ticking(Rc<Cell<u64>>);

impl Ticking {
    fn millis(&self) -> u64 {
        self.0.get()
    }
}

struct Tick {
    clock: Ticking,
    deadline: Instant,
}

impl Timer for Ticking {
    type Sleep = Tick;

    fn now(&self) -> Instant {
        self.0.set(self.0.get() + 1);
        Instant::from_origin(Duration::from_millis(self.0.get()))
    }

    fn sleep_until(&self, deadline: Instant) -> Tick {
        Tick { clock: self.clone(), deadline }
    }
}

impl Future for Tick {
    type Output = ();

    /// Wakes nobody: the next message polls it again
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let now = Instant::from_origin(Duration::from_millis(self.clock.0.get()));
        if now < self.deadline { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Sleep for Tick {
    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.deadline = deadline;
    }
}

/// Something that echoes, or is echoed by its like
trait Echo {
    async fn send(&mut self, payload: Bytes);
    async fn recv(&mut self) -> Bytes;
}

impl Echo for Connection<WebSocket<End>, Ticking> {
    async fn send(&mut self, payload: Bytes) {
        Self::send(self, payload).await.unwrap();
    }

    async fn recv(&mut self) -> Bytes {
        match Self::recv(self).await.unwrap() {
            Some(Message::Binary(payload)) => payload,
            other => panic!("{other:?}"),
        }
    }
}

impl Echo for WebSocket<End> {
    async fn send(&mut self, payload: Bytes) {
        send(self, Message::Binary(payload)).await.unwrap();
    }

    async fn recv(&mut self) -> Bytes {
        match message(self).await {
            Message::Binary(payload) => payload,
            other => panic!("{other:?}"),
        }
    }
}

impl Echo for WebSocketStream<End> {
    async fn send(&mut self, payload: Bytes) {
        self.send(Theirs::Binary(payload)).await.unwrap();
    }

    async fn recv(&mut self) -> Bytes {
        self.next().await.unwrap().unwrap().into_data()
    }
}

/// Allocations of both ends for each message there and back
fn echo(mut client: impl Echo, mut server: impl Echo, payload: impl Fn() -> Bytes) -> f64 {
    let mut spent = 0;
    run(join(
        async {
            for round in 0..WARM + MEASURED {
                let payload = payload();
                let before = COUNT.get();
                client.send(payload.clone()).await;
                assert_eq!(client.recv().await, payload);
                spent += if round < WARM { 0 } else { COUNT.get() - before };
            }
        },
        async {
            for _ in 0..WARM + MEASURED {
                let heard = server.recv().await;
                server.send(heard).await;
            }
        },
    ));
    spent as f64 / MEASURED as f64
}

fn websockets() -> [WebSocket<End>; 2] {
    let (one, other) = duplex(1 << 20, None);
    [(one, Role::Client), (other, Role::Server)]
        .map(|(end, role)| WebSocket::from_upgraded(end, role, Settings::default(), Vec::new()))
}

/// A beat, in milliseconds of a clock that advances by one each time it is read
const INTERVAL: u64 = 200;

/// Whole connections, with their beats and what they remember of messages
fn connections() -> ([Connection<WebSocket<End>, Ticking>; 2], Ticking) {
    connections_of(ConnectionConfig::client())
}

fn connections_of(client: ConnectionConfig) -> ([Connection<WebSocket<End>, Ticking>; 2], Ticking) {
    let [one, other] = websockets();
    let clock = Ticking::default();
    let beat = |config: ConnectionConfig| {
        let interval = Duration::from_millis(INTERVAL);
        config.with_heartbeat(Some(HeartbeatConfig::new(interval, interval).unwrap()))
    };
    let ends = [
        Connection::new(one, clock.clone(), beat(client), 1),
        Connection::new(other, clock.clone(), beat(ConnectionConfig::server()), 2),
    ];
    (ends, clock)
}

/// A connector that has been connected already
struct Once(Option<WebSocket<End>>);

impl Connect for Once {
    type Transport = WebSocket<End>;
    type Error = std::io::Error;
    type Future = Ready<Result<WebSocket<End>, std::io::Error>>;

    fn connect(&mut self, _: Attempt) -> Self::Future {
        ready(self.0.take().ok_or_else(|| std::io::ErrorKind::NotConnected.into()))
    }
}

impl Echo for Client<Once, Ticking> {
    async fn send(&mut self, payload: Bytes) {
        Self::send(self, payload).await.unwrap();
    }

    async fn recv(&mut self) -> Bytes {
        loop {
            match self.next().await.unwrap() {
                Event::Message(Message::Binary(payload)) => return payload,
                Event::Connecting { .. } | Event::Connected { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

/// A client whose messages go through its queue
struct Queued(Client<Once, Ticking>);

impl Echo for Queued {
    async fn send(&mut self, payload: Bytes) {
        self.0.try_send(payload).unwrap();
    }

    async fn recv(&mut self) -> Bytes {
        Echo::recv(&mut self.0).await
    }
}

/// The same with a client that would reconnect
fn reconnecting() -> (Client<Once, Ticking>, Connection<WebSocket<End>, Ticking>, Ticking) {
    let [client, server] = websockets();
    let clock = Ticking::default();
    let interval = Duration::from_millis(INTERVAL);
    let beat = HeartbeatConfig::new(interval, interval).unwrap();
    let config = ConnectionConfig::server().with_heartbeat(Some(beat));
    let client = Client::over(Once(Some(client)), clock.clone(), 1)
        .interval(interval)
        .timeout(interval)
        .build()
        .unwrap();
    (client, Connection::new(server, clock.clone(), config, 2), clock)
}

/// Two streams of async-tungstenite
fn theirs() -> [WebSocketStream<End>; 2] {
    let (one, other) = duplex(1 << 20, None);
    run(async {
        [
            WebSocketStream::from_raw_socket(one, TheirRole::Client, None).await,
            WebSocketStream::from_raw_socket(other, TheirRole::Server, None).await,
        ]
    })
}

#[test]
fn no_allocation_beyond_async_tungstenites() {
    for payload in [&[7; 64], &[7; 1_024][..], &[7; 3_000]] {
        let shared = || Bytes::from_static(payload);
        let [client, server] = theirs();
        let theirs = echo(client, server, shared);
        let [client, server] = websockets();
        let bare = echo(client, server, shared);
        println!("{} B, an echo: {theirs} theirs, {bare} bare", payload.len());
        assert!(bare <= theirs, "{} B: {bare} against {theirs}", payload.len());

        let ([client, server], clock) = connections();
        let extra = echo(client, server, shared) - theirs;
        only_beats("a connection", extra, &clock);
        let (client, server, clock) = reconnecting();
        let extra = echo(client, server, shared) - theirs;
        only_beats("a client", extra, &clock);
        let (client, server, clock) = reconnecting();
        let extra = echo(Queued(client), server, shared) - theirs;
        only_beats("a client that queues", extra, &clock);
    }
}

#[test]
fn a_large_message_allocates_no_room_once_one_has_gone() {
    for len in [30_000, 65_536] {
        let payload = Bytes::from(vec![7; len]);
        let [client, server] = websockets();
        let before = LARGE.get();
        // At each end a little box knows the room: the client drops it, the server sends it back
        let allocations = echo(client, server, || payload.clone());
        assert!(allocations <= 2.0, "{allocations} for {len} B there and back");
        let rooms = LARGE.get() - before;
        assert!(rooms < 20, "{rooms} rooms for {len} B, again and again");
    }
}

/// A peer's Ping and Pong are copied out of its buffer, at both ends, as theirs would be; nothing
/// else is allocated
fn only_beats(what: &str, extra: f64, clock: &Ticking) {
    let beats = 2 * clock.millis() / (INTERVAL * 9 / 10);
    let extra = extra * MEASURED as f64;
    assert!(extra <= 2.0 * beats as f64, "{what}: {extra} allocations besides {beats} beats");
    assert!(beats < MEASURED as u64 / 10, "{beats} beats would hide a cost of messages");
}

#[test]
fn beats_are_among_what_is_measured() {
    let ([mut client, mut server], _) = connections();
    run(join(
        async {
            for _ in 0..1_000 {
                Echo::send(&mut client, Bytes::from_static(b"hello")).await;
                Echo::recv(&mut client).await;
            }
        },
        async {
            for _ in 0..1_000 {
                let heard = Echo::recv(&mut server).await;
                Echo::send(&mut server, heard).await;
            }
        },
    ));
    assert!(client.round_trip().is_some(), "no Ping was answered");
    assert!(client.delivered() > 500, "{} delivered", client.delivered());
}

/// What two ends hold in bytes when a message was proven a moment ago, and a beat later
fn held(client: ConnectionConfig) -> [i64; 2] {
    let before = LIVE.get();
    let ([mut client, mut server], clock) = connections_of(client);
    let mut beat = |says: bool| {
        if says {
            now(client.send(Bytes::from_static(b"hello"))).unwrap().unwrap();
        }
        clock.0.set(clock.millis() + INTERVAL);
        for _ in 0..4 {
            drop((now(client.next()), now(server.next())));
        }
        (LIVE.get() - before, client.delivered())
    };
    // The first one leaves more behind
    for says in [true, false, false] {
        beat(says);
    }
    let ((kept, delivered), (idle, _)) = (beat(true), beat(false));
    assert_eq!(delivered, 2, "a beat proves it");
    [kept, idle]
}

/// With the Pong it would be given back too soon, and had anew for each message of a slow conversation
#[test]
fn room_for_what_is_unproven_stays_behind_its_proof_and_goes_with_the_next_beat() {
    let careless = || ConnectionConfig::client().with_retain_bytes(0);
    // What the thread keeps
    held(careless());
    let (with, without) = (held(ConnectionConfig::client()), held(careless()));
    println!("{with:?} with room, {without:?} without");
    assert!(with[0] > without[0], "it is kept for the next");
    assert_eq!(with[1], without[1], "nothing of it is left");
}
