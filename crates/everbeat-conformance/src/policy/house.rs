//! A server on real sockets while a check plays with it.

use std::future::Future;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::panic::resume_unwind;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use everbeat_core::cause::Expired;
use everbeat_core::time::{Instant, Timer};
use everbeat_server::builder::Parts;
use everbeat_server::{
    ConnectionHandle, Limits, Registry, Served, Server, ServerBuilder, ServerHandle,
};
use everbeat_ws::accept::{AcceptSettings, Facts};
use everbeat_ws::{Acceptor, Runtime, Settings};
use socket2::{Domain, Socket, Type};

use super::{Act, Gate, Host};
use crate::peer::{ASK, Peer};
use crate::server_side::both;

pub(super) type Known = Facts<String>;
pub(super) type Builder<R> = ServerBuilder<Parts<Acceptor<R, Gate>, <R as Runtime>::Timer, R>>;
type Kept<R> = Server<Acceptor<R, Gate>, <R as Runtime>::Timer, R>;

/// How long a Close may take here, and with it an expired connection's socket
pub(super) const CLOSE: Duration = Duration::from_millis(200);
/// What a handler has beyond that, by the docs, and our bounds with it
pub(super) const GRACE: Duration = Duration::from_secs(1);
/// Small, so that a peer that reads nothing soon has the server's writes stuck
const BUFFER: usize = 4 << 10;
/// Between two looks at something that a check waits for
const LOOK: Duration = Duration::from_millis(5);
/// Far above what anything here takes, so that only a check that hangs meets it
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server, from inside a check
pub(super) struct House<R: Runtime> {
    pub(super) address: SocketAddr,
    pub(super) registry: Registry<Known>,
    pub(super) stop: ServerHandle,
    pub(super) timer: R::Timer,
    /// Messages that handlers have had
    pub(super) had: Arc<AtomicUsize>,
    reports: Arc<Mutex<Vec<Report>>>,
}

/// Whom a rule has ended, by which, and when
pub(super) type Report = (String, Expired, Instant);

/// What a check wants of its server
pub(super) struct Wishes<R: Runtime> {
    pub(super) settings: AcceptSettings<Gate>,
    pub(super) limits: Limits,
    pub(super) builder: fn(Builder<R>) -> Builder<R>,
    pub(super) server: fn(Kept<R>) -> Kept<R>,
}

/// Nothing but what this does to the builder
pub(super) fn wishes<R: Runtime>(builder: fn(Builder<R>) -> Builder<R>) -> Wishes<R> {
    let settings = AcceptSettings::from(Settings::default()).upgrade(Gate);
    Wishes { settings, limits: Limits::default(), builder, server: |server| server }
}

/// Keeps a server while it is played with, and then shuts it down
pub(super) async fn keep<R: Host, T, F: Future<Output = T>>(
    wishes: Wishes<R>,
    play: impl FnOnce(House<R>) -> F,
) -> (Served<Known>, T) {
    let acceptor = Acceptor::<R, Gate>::inherit(listener(), wishes.settings).unwrap();
    let address = acceptor.local_address().unwrap();
    let (runtime, timer) = (R::default(), R::default().timer());
    let builder = Server::over(acceptor, runtime.timer(), runtime, 1)
        .close_timeout(CLOSE)
        .limits(wishes.limits);
    let reports = Arc::<Mutex<Vec<Report>>>::default();
    let (noted, clock) = (reports.clone(), timer.clone());
    let server = (wishes.builder)(builder).build().unwrap();
    let server = (wishes.server)(server).on_expire(move |handle, rule| {
        let report = (handle.facts().principal.clone(), rule, clock.now());
        noted.lock().unwrap().push(report);
    });
    let act = Act::<R>::default();
    let (registry, stop, had) = (server.registry(), server.handle(), act.had.clone());
    let house = House { address, registry, stop: stop.clone(), timer, had, reports };
    let playing = async {
        let played = play(house).await;
        stop.shutdown();
        played
    };
    both(server.serve_with(act), playing).await
}

/// Listens, and so that accepted sockets have small buffers
fn listener() -> TcpListener {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_send_buffer_size(BUFFER).unwrap();
    socket.set_recv_buffer_size(BUFFER).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(1_024).unwrap();
    socket.into()
}

impl<R: Runtime> House<R> {
    /// A raw client of this name, upgraded, on a thread
    pub(super) fn peer<T: Send + 'static>(
        &self,
        name: &str,
        play: impl FnOnce(Peer) -> T + Send + 'static,
    ) -> JoinHandle<T> {
        let ask = ask(name, "");
        self.asking(move |mut peer| {
            peer.say(ask.as_bytes());
            let head = peer.head();
            assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
            play(peer)
        })
    }

    /// A raw client that has asked for nothing yet, on a thread
    pub(super) fn asking<T: Send + 'static>(
        &self,
        play: impl FnOnce(Peer) -> T + Send + 'static,
    ) -> JoinHandle<T> {
        let address = self.address;
        thread::spawn(move || {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            socket.set_recv_buffer_size(BUFFER).unwrap();
            socket.set_send_buffer_size(BUFFER).unwrap();
            socket.connect(&address.into()).unwrap();
            play(Peer::over(TcpStream::from(socket)))
        })
    }

    /// The answer to a request, and what follows until the server ends it
    pub(super) async fn answer(&self, ask: String) -> String {
        let peer = self.asking(move |mut peer| {
            peer.say(ask.as_bytes());
            String::from_utf8_lossy(&peer.hear()).into_owned()
        });
        self.joined(peer).await
    }

    /// What a peer's thread returns; the runtime goes on meanwhile
    pub(super) async fn joined<T>(&self, thread: JoinHandle<T>) -> T {
        self.until("a peer is done", || thread.is_finished()).await;
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Goes on when something holds
    pub(super) async fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let patience = self.timer.now() + PATIENCE;
        while !holds() {
            assert!(self.timer.now() < patience, "it hangs: {what}");
            self.timer.sleep_until(self.timer.now() + LOOK).await;
        }
    }

    /// The live connection of this peer
    pub(super) async fn handle(&self, name: &str) -> ConnectionHandle<Known> {
        let found = || {
            let all = self.registry.handles();
            all.into_iter().find(|handle| handle.facts().principal == name)
        };
        self.until("a peer is connected", || found().is_some()).await;
        found().unwrap()
    }

    /// When this rule was reported to have ended this peer, and that no other was
    pub(super) async fn expired(&self, name: &str, rule: Expired) -> Instant {
        let of = || {
            let all = self.reports.lock().unwrap();
            all.iter().filter(|report| report.0 == name).cloned().collect::<Vec<_>>()
        };
        self.until("a peer is expired", || !of().is_empty()).await;
        let told = of();
        assert_eq!(told.len(), 1, "once: {told:?}");
        assert_eq!(told[0].1, rule, "{name}");
        told[0].2
    }

    /// Whom rules have ended so far, sorted
    pub(super) fn reported(&self) -> Vec<(String, Expired)> {
        let all = self.reports.lock().unwrap();
        let mut all: Vec<_> = all.iter().map(|(name, rule, _)| (name.clone(), *rule)).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }
}

/// The request of a client of this name, with more lines, each with its end
pub(super) fn ask(name: &str, more: &str) -> String {
    ASK.replace("/feed?all", &format!("/{name}"))
        .replace("Host: test\r\n", &format!("Host: test\r\n{more}"))
}
