//! The proxy itself: the listener, the connections that are open, and who is told of a fault.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

use crate::fault::{Direction, Fault, Faults};
use crate::relay::{Ear, Relay};
use crate::schedule::Schedule;

/// The most connections at a time; further ones wait in the listener's backlog
const CONNECTIONS: usize = 1_024;
/// How long a listener that failed is left alone: out of descriptors, most often
const PAUSE: Duration = Duration::from_millis(50);

/// A TCP proxy, on loopback unless it is told otherwise, that does to its connections what it is told
///
/// Without faults it is faithful: bytes, an end of stream and a reset go through as they came.
/// Dropping it drops every connection.
///
/// ```
/// use everbeat_faults::{Direction, Fault, Proxy};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
/// use tokio::net::{TcpListener, TcpStream};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let server = TcpListener::bind("127.0.0.1:0").await?;
/// let proxy = Proxy::start(server.local_addr()?).await?;
/// let mut client = TcpStream::connect(proxy.address()).await?;
/// let (mut served, _) = server.accept().await?;
///
/// proxy.inject(Fault::CutAt(Direction::ToClient, 5));
/// served.write_all(b"hello, world").await?;
/// let mut seen = String::new();
/// client.read_to_string(&mut seen).await?;
/// assert_eq!(seen, "hello");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    listening: AbortHandle,
}

#[derive(Debug)]
struct State {
    upstream: SocketAddr,
    ear: Option<Ear>,
    /// What a new connection begins with
    faults: Faults,
    relays: Vec<Relay>,
    accepted: u64,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1 for connections to `upstream`
    ///
    /// # Errors
    ///
    /// The listener's.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub async fn start(upstream: SocketAddr) -> io::Result<Self> {
        Self::start_with(upstream, None).await
    }

    /// The same at an address of one's choice, such as `0.0.0.0:9100`, for clients in other processes or
    /// on other machines
    ///
    /// # Errors
    ///
    /// The listener's.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub async fn bind(address: SocketAddr, upstream: SocketAddr) -> io::Result<Self> {
        Self::start_at(address, upstream, None).await
    }

    /// As [`start`](Self::start), and `ear` is told what each connection's sender has sent, before it goes on: the
    /// connection's number, the direction, and the bytes; no bytes once it sends no more
    ///
    /// It is called where bytes are carried, so that it must not block.
    ///
    /// # Errors
    ///
    /// The listener's.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub async fn tapped(
        upstream: SocketAddr,
        ear: impl Fn(u64, Direction, &[u8]) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::start_with(upstream, Some(Ear::new(ear))).await
    }

    async fn start_with(upstream: SocketAddr, ear: Option<Ear>) -> io::Result<Self> {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), upstream, ear).await
    }

    async fn start_at(at: SocketAddr, upstream: SocketAddr, ear: Option<Ear>) -> io::Result<Self> {
        let listener = TcpListener::bind(at).await?;
        let address = listener.local_addr()?;
        let faults = Faults::default();
        let state = State { upstream, ear, faults, relays: Vec::new(), accepted: 0 };
        let state = Arc::new(Mutex::new(state));
        let listening = tokio::spawn(listen(listener, Arc::clone(&state))).abort_handle();
        Ok(Self { address, state, listening })
    }

    /// Where clients connect
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends connections made from now on to another server
    pub fn redirect(&self, upstream: SocketAddr) {
        self.state().upstream = upstream;
    }

    /// Adds a fault to every connection that is open and, if it is a state, to those made later
    pub fn inject(&self, fault: Fault) {
        let mut state = self.state();
        state.faults.inject(fault);
        state.faults = state.faults.states();
        for relay in &state.relays {
            relay.inject(fault);
        }
    }

    /// Injects a schedule's faults at their times
    ///
    /// # Cancel safety
    ///
    /// Dropped, it leaves the faults that have happened; playing begins at the first again.
    pub async fn play(&self, schedule: &Schedule) {
        let start = Instant::now();
        for &(time, fault) in schedule.steps() {
            sleep_until(start + time).await;
            self.inject(fault);
        }
    }

    /// The connections that are open, oldest first
    #[must_use]
    pub fn connections(&self) -> Vec<Relay> {
        self.state().relays.iter().filter(|relay| relay.is_open()).cloned().collect()
    }

    /// How many connections were ever taken
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.state().accepted
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// The state is whole between any two statements, so a panic elsewhere has not broken it
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn listen(listener: TcpListener, state: Arc<Mutex<State>>) {
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if tasks.len() < CONNECTIONS => match accepted {
                Ok((client, _)) => take(client, &state, &mut tasks),
                Err(_) => sleep(PAUSE).await,
            },
            Some(_) = tasks.join_next() => lock(&state).relays.retain(Relay::is_open),
        }
    }
}

fn take(client: TcpStream, state: &Mutex<State>, tasks: &mut JoinSet<()>) {
    let mut state = lock(state);
    state.accepted += 1;
    let relay = Relay::new(state.accepted, state.faults, state.ear.clone());
    state.relays.push(relay.clone());
    tasks.spawn(relay.run(client, state.upstream));
}
