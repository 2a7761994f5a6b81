//! One connection through the proxy: two sockets, two lanes, and the task that moves bytes between
//! them as the lanes say.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use crate::fault::{Direction, Fault, Faults};
use crate::lane::{End, Lane, Step};

/// How much is read at once
const READ: usize = 16 << 10;
/// How long the proxy tries to reach the server
const DIAL: Duration = Duration::from_secs(5);

/// Who is told what senders send
#[derive(Clone)]
pub(crate) struct Ear(Arc<Tell>);

type Tell = dyn Fn(u64, Direction, &[u8]) + Send + Sync;

impl Ear {
    pub(crate) fn new(tell: impl Fn(u64, Direction, &[u8]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }
}

impl fmt::Debug for Ear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ear")
    }
}

/// A handle to one connection through the proxy
///
/// Clones are handles to the same connection. Dropping them leaves it as it is.
#[derive(Clone, Debug)]
pub struct Relay {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    id: u64,
    ear: Option<Ear>,
    faults: watch::Sender<Faults>,
    to_server: AtomicU64,
    to_client: AtomicU64,
    open: AtomicBool,
}

impl Shared {
    fn hear(&self, direction: Direction, sent: Option<&[u8]>) {
        if let Some((Ear(tell), sent)) = self.ear.as_ref().zip(sent) {
            tell(self.id, direction, sent);
        }
    }
}

impl Relay {
    pub(crate) fn new(id: u64, faults: Faults, ear: Option<Ear>) -> Self {
        Self {
            shared: Arc::new(Shared {
                id,
                ear,
                faults: watch::Sender::new(faults),
                to_server: AtomicU64::new(0),
                to_client: AtomicU64::new(0),
                open: AtomicBool::new(true),
            }),
        }
    }

    /// Its number: 1 for the first connection that the proxy took
    #[must_use]
    pub fn id(&self) -> u64 {
        self.shared.id
    }

    /// Adds a fault to this connection alone
    pub fn inject(&self, fault: Fault) {
        self.shared.faults.send_modify(|faults| faults.inject(fault));
    }

    /// How many bytes this direction has carried; the sum of the two for [`Direction::Both`]
    #[must_use]
    pub fn carried(&self, direction: Direction) -> u64 {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        match direction {
            Direction::ToServer => load(&self.shared.to_server),
            Direction::ToClient => load(&self.shared.to_client),
            Direction::Both => load(&self.shared.to_server) + load(&self.shared.to_client),
        }
    }

    /// Whether the proxy still holds its sockets
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.shared.open.load(Ordering::Relaxed)
    }

    /// Carries the connection until both directions have ended
    pub(crate) async fn run(self, client: TcpStream, upstream: SocketAddr) {
        let _closing = Closing(&self.shared.open);
        let mut faults = self.shared.faults.subscribe();
        let Some(server) = reach(&client, upstream, &mut faults).await else {
            reset(&client);
            return;
        };
        // An option of speed: a socket without it works as well.
        _ = client.set_nodelay(true);
        _ = server.set_nodelay(true);
        let mut pair =
            Pair { client, server, to_server: Lane::default(), to_client: Lane::default() };
        match pair.carry(&self.shared, &mut faults).await {
            Outcome::Over => {}
            Outcome::Reset => {
                reset(&pair.client);
                reset(&pair.server);
            }
            Outcome::Cut { receiver: Direction::ToServer } => {
                reset(&pair.client);
                drop(pair.client);
                see_off(&pair.server, &mut faults).await;
            }
            Outcome::Cut { .. } => {
                reset(&pair.server);
                drop(pair.server);
                see_off(&pair.client, &mut faults).await;
            }
        }
    }
}

/// Says that the connection is gone, also when its task is dropped
struct Closing<'a>(&'a AtomicBool);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// How a pair of sockets came to its end
enum Outcome {
    Over,
    Reset,
    Cut { receiver: Direction },
}

/// What can be done now
enum Ready {
    Obey,
    Read(Direction),
    Write(Direction),
    Reset(Direction),
    Due,
}

struct Pair {
    client: TcpStream,
    server: TcpStream,
    to_server: Lane,
    to_client: Lane,
}

impl Pair {
    async fn carry(&mut self, shared: &Shared, faults: &mut watch::Receiver<Faults>) -> Outcome {
        let mut buffer = vec![0; READ];
        faults.mark_changed();
        loop {
            let now = Instant::now();
            if faults.has_changed().unwrap_or(false) {
                let faults = *faults.borrow_and_update();
                if faults.reset {
                    return Outcome::Reset;
                }
                self.to_server.obey(faults.to_server, now);
                self.to_client.obey(faults.to_client, now);
            }
            if let Some(outcome) = self.end(now) {
                return outcome;
            }
            let ready = self.wait(now, faults).await;
            if faults.has_changed().unwrap_or(false) {
                continue; // a fault holds for every byte that is sent after it was injected
            }
            match ready {
                Ready::Read(Direction::ToServer) => {
                    let sent = read(&self.client, &mut buffer, &mut self.to_server);
                    shared.hear(Direction::ToServer, sent);
                }
                Ready::Read(_) => {
                    let sent = read(&self.server, &mut buffer, &mut self.to_client);
                    shared.hear(Direction::ToClient, sent);
                }
                Ready::Write(Direction::ToServer) => {
                    write(&self.server, &mut self.to_server, &mut self.to_client);
                    shared.to_server.store(self.to_server.carried(), Ordering::Relaxed);
                }
                Ready::Write(_) => {
                    write(&self.client, &mut self.to_client, &mut self.to_server);
                    shared.to_client.store(self.to_client.carried(), Ordering::Relaxed);
                }
                Ready::Reset(Direction::ToServer) => {
                    self.to_server.sender_ended(Instant::now(), End::Reset);
                }
                Ready::Reset(_) => self.to_client.sender_ended(Instant::now(), End::Reset),
                Ready::Obey | Ready::Due => {}
            }
        }
    }

    /// Shows the receivers the ends that are due: these wait for no readiness
    fn end(&mut self, now: Instant) -> Option<Outcome> {
        let Self { client, server, to_server, to_client } = self;
        for (lane, receiver, direction) in [
            (&mut *to_server, &*server, Direction::ToServer),
            (&mut *to_client, &*client, Direction::ToClient),
        ] {
            match lane.step(now) {
                Some(Step::End(End::Reset)) => return Some(Outcome::Reset),
                Some(Step::End(End::Cut)) => {
                    finish(receiver);
                    return Some(Outcome::Cut { receiver: direction });
                }
                Some(Step::End(End::Fin)) => {
                    finish(receiver);
                    lane.ended();
                }
                Some(Step::Write(_)) | None => {}
            }
        }
        (to_server.is_over() && to_client.is_over()).then_some(Outcome::Over)
    }

    async fn wait(&self, now: Instant, faults: &mut watch::Receiver<Faults>) -> Ready {
        use Direction::{ToClient, ToServer};

        let Self { client, server, to_server, to_client } = self;
        let due = [to_server.next(), to_client.next()].into_iter().flatten();
        let due = due.filter(|&due| due > now).min();
        // Fair, not biased: a flood one way must not keep the other way waiting.
        tokio::select! {
            _ = faults.changed() => {
                faults.mark_changed(); // waiting for it counts as having seen it
                Ready::Obey
            }
            _ = client.readable(), if to_server.wants_bytes() => Ready::Read(ToServer),
            _ = server.readable(), if to_client.wants_bytes() => Ready::Read(ToClient),
            _ = server.writable(), if to_server.step(now).is_some() => Ready::Write(ToServer),
            _ = client.writable(), if to_client.step(now).is_some() => Ready::Write(ToClient),
            _ = client.ready(Interest::ERROR), if to_server.wants_reset() => Ready::Reset(ToServer),
            _ = server.ready(Interest::ERROR), if to_client.wants_reset() => Ready::Reset(ToClient),
            () = sleep_until(due.unwrap_or(now)), if due.is_some() => Ready::Due,
        }
    }
}

/// Connects to the server once the direction to it is open; `None` if that came to nothing
async fn reach(
    client: &TcpStream,
    upstream: SocketAddr,
    faults: &mut watch::Receiver<Faults>,
) -> Option<TcpStream> {
    let swallowed = faults.borrow().to_server.black_hole;
    faults.wait_for(|faults| faults.reset || !faults.to_server.black_hole).await.ok()?;
    if faults.borrow().reset || (swallowed && has_left(client).await) {
        return None;
    }
    if let Ok(Ok(server)) = timeout(DIAL, TcpStream::connect(upstream)).await {
        return Some(server);
    }
    // The server's refusal is on its way to the client: a black hole hides that as well.
    faults.wait_for(|faults| faults.reset || !faults.to_client.black_hole).await.ok()?;
    None
}

/// Whether the client hung up while nobody looked
async fn has_left(client: &TcpStream) -> bool {
    let look = client.ready(Interest::READABLE | Interest::ERROR);
    match timeout(Duration::ZERO, look).await {
        Ok(Ok(ready)) => ready.is_read_closed() || ready.is_error(),
        Ok(Err(_)) => true,
        Err(_) => false,
    }
}

/// What the sender has sent, if it was asked not in vain; nothing if it sends no more
fn read<'a>(sender: &TcpStream, buffer: &'a mut [u8], lane: &mut Lane) -> Option<&'a [u8]> {
    let now = Instant::now();
    match sender.try_read(buffer) {
        Ok(0) => lane.sender_ended(now, End::Fin),
        Ok(count) => {
            lane.take(now, &buffer[..count]);
            return Some(&buffer[..count]);
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
        Err(_) => lane.sender_ended(now, End::Reset),
    }
    Some(&[])
}

/// Writes what is due; a receiver that is gone is a reset of the other direction
fn write(receiver: &TcpStream, lane: &mut Lane, back: &mut Lane) {
    let now = Instant::now();
    let Some(Step::Write(bytes)) = lane.step(now) else {
        return;
    };
    match receiver.try_write(bytes) {
        Ok(count) => lane.wrote(now, count),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        Err(_) => {
            lane.receiver_gone();
            back.sender_broke(now);
        }
    }
}

/// The receiver sees the end of the stream; if it is gone already, there is nobody to tell
fn finish(receiver: &TcpStream) {
    _ = SockRef::from(receiver).shutdown(std::net::Shutdown::Write);
}

/// Whoever drops the socket next resets it
fn reset(socket: &TcpStream) {
    _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
}

/// Keeps a finished socket until its owner closes it: dropped at once with bytes unread, it would
/// be reset, and the end of the stream would not be seen
async fn see_off(socket: &TcpStream, faults: &mut watch::Receiver<Faults>) {
    let mut buffer = vec![0; READ];
    let discard = async {
        while socket.readable().await.is_ok() {
            match socket.try_read(&mut buffer) {
                Ok(1..) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                _ => break,
            }
        }
    };
    tokio::select! {
        () = discard => {}
        _ = faults.wait_for(|faults| faults.reset) => reset(socket),
    }
}
