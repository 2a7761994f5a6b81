//! Runtimes that each break one line of what `everbeat_ws` asks of a runtime and its sockets: smol,
//! with a fault.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use everbeat_conformance::contracts::{Native, broken, socket_lines};
use everbeat_core::Spawn;
use everbeat_core::time::{Instant, Timer};
use everbeat_smol::Smol;
use everbeat_smol::transport::{SmolSleep, SmolTimer, Socket, Stream, Tcp};
use everbeat_ws::Runtime;
use smol::future::yield_now;
use smol::io::{AsyncRead, AsyncWrite};
use socket2::SockRef;

/// Smol, with the fault of this number: the one that breaks the line of the same number
#[derive(Clone, Copy, Default)]
struct Broken<const FAULT: usize>;

const CLOCK: usize = 0;
const RESOLVES: usize = 1;
const NO_NAME: usize = 2;
const REFUSED: usize = 3;
const DIAL_DROPPED: usize = 4;
const ADOPTED: usize = 5;
const LOCAL_ADDRESS: usize = 6;
const PEER: usize = 7;
const ACCEPT_WAKES: usize = 8;
const SEEDS: usize = 9;
const DROPPED: usize = 10;
const HALF: usize = 11;
const TCP: usize = 12;
/// Of the lines about the road only
const ELSEWHERE: usize = 13;

/// A connection on which nothing is said
static IDLE: LazyLock<(TcpListener, TcpStream)> = LazyLock::new(|| {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (listener, stream)
});

#[derive(Clone)]
struct Clock<const FAULT: usize>(SmolTimer);

impl<const FAULT: usize> Timer for Clock<FAULT> {
    type Sleep = SmolSleep;

    fn now(&self) -> Instant {
        self.0.now() + Duration::from_secs(if FAULT == CLOCK { 3_600 } else { 0 })
    }

    fn sleep_until(&self, deadline: Instant) -> SmolSleep {
        self.0.sleep_until(deadline)
    }
}

const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

struct Listening {
    listener: <Smol as Runtime>::Listener,
    first: Option<Waker>,
}

impl<const FAULT: usize> Runtime for Broken<FAULT> {
    type Timer = Clock<FAULT>;
    type Stream = Wire<FAULT>;
    type Listener = Listening;

    fn timer(&self) -> Clock<FAULT> {
        Clock(SmolTimer::new())
    }

    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let port = if FAULT == RESOLVES { 0 } else { port };
        match Smol.resolve(host, port).await {
            Err(_) if FAULT == NO_NAME => Ok(Vec::new()),
            other => other,
        }
    }

    async fn dial(&self, address: SocketAddr) -> io::Result<Wire<FAULT>> {
        let dialed = match dial(address, FAULT == DIAL_DROPPED).await {
            Err(_) if FAULT == REFUSED => {
                let other = TcpListener::bind("127.0.0.1:0")?;
                Smol.dial(other.local_addr()?).await
            }
            other => other,
        };
        dialed.map(|stream| Wire(Some(stream)))
    }

    fn adopt(&self, listener: TcpListener) -> io::Result<Listening> {
        if FAULT == ADOPTED {
            // Whoever waits is sent away.
            _ = listener.accept();
        }
        Ok(Listening { listener: Smol.adopt(listener)?, first: None })
    }

    fn poll_accept(
        &self,
        listening: &mut Listening,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Wire<FAULT>, SocketAddr)>> {
        let first = listening.first.get_or_insert_with(|| cx.waker().clone()).clone();
        let waker = if FAULT == ACCEPT_WAKES { first } else { cx.waker().clone() };
        let accepted = Smol.poll_accept(&mut listening.listener, &mut Context::from_waker(&waker));
        accepted.map_ok(|(stream, peer)| {
            (Wire(Some(stream)), if FAULT == PEER { NOWHERE } else { peer })
        })
    }

    fn local_address(&self, listening: &Listening) -> io::Result<SocketAddr> {
        match FAULT {
            LOCAL_ADDRESS => Ok(NOWHERE),
            _ => Smol.local_address(&listening.listener),
        }
    }

    fn seed(&self) -> u64 {
        if FAULT == SEEDS { 4 } else { Smol.seed() }
    }
}

impl<F: Future<Output = ()> + Send + 'static, const FAULT: usize> Spawn<F> for Broken<FAULT> {
    fn spawn(&self, future: F) {
        Smol.spawn(future);
    }
}

/// A dial of smol's, or one that connects at once and keeps the connection if its future is dropped
async fn dial(address: SocketAddr, keeps: bool) -> io::Result<Tcp> {
    if !keeps {
        return Smol.dial(address).await;
    }
    let mut kept = Kept(Some(TcpStream::connect(address)?));
    yield_now().await;
    Stream::try_from(kept.0.take().ok_or(io::ErrorKind::Other)?).map(Tcp::new)
}

/// Keeps what it holds for ever if it is dropped
struct Kept<T>(Option<T>);

impl<T> Drop for Kept<T> {
    fn drop(&mut self) {
        std::mem::forget(self.0.take());
    }
}

struct Wire<const FAULT: usize>(Option<Tcp>);

impl<const FAULT: usize> Wire<FAULT> {
    fn stream(&mut self) -> Pin<&mut Tcp> {
        Pin::new(self.0.as_mut().unwrap())
    }
}

impl<const FAULT: usize> AsyncRead for Wire<FAULT> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_read(cx, into)
    }
}

impl<const FAULT: usize> AsyncWrite for Wire<FAULT> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = self.stream().poll_close(cx);
        if FAULT == HALF {
            let both = |tcp: &SockRef<'_>| tcp.shutdown(std::net::Shutdown::Both);
            self.0.as_ref().and_then(|stream| stream.tcp(both)).transpose()?;
        }
        closed
    }
}

impl<const FAULT: usize> Socket for Wire<FAULT> {
    fn tcp<R>(&self, look: impl FnOnce(&SockRef<'_>) -> R) -> Option<R> {
        if FAULT == ELSEWHERE {
            return Some(look(&SockRef::from(&IDLE.1)));
        }
        self.0.as_ref().filter(|_| FAULT != TCP)?.tcp(look)
    }
}

impl<const FAULT: usize> Drop for Wire<FAULT> {
    fn drop(&mut self) {
        if FAULT == DROPPED {
            std::mem::forget(self.0.take());
        }
    }
}

/// What hangs with a fault hangs for good, and the slowest that does not takes 5 s
fn broken_runtime<const FAULT: usize>() -> Native<Broken<FAULT>> {
    Native::new(smol::block_on).with_patience(Duration::from_secs(10))
}

fn fails_its_line_alone<const FAULT: usize>() {
    let lines = socket_lines::<Broken<FAULT>>();
    let expected = lines[FAULT].name;
    let found = broken(&broken_runtime::<FAULT>(), lines);
    let names = found.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    assert_eq!(names, [expected], "{found:#?}");
}

#[cfg(any(target_os = "android", target_os = "linux"))]
mod road {
    use everbeat_conformance::contracts::road_lines;

    use super::*;

    /// Whether this line does not hold with this fault
    fn breaks<const FAULT: usize>(index: usize) -> bool {
        let line = road_lines::<Broken<FAULT>>().remove(index);
        !broken(&broken_runtime::<FAULT>(), vec![line]).is_empty()
    }

    #[test]
    fn every_line_has_a_runtime_that_fails_it() {
        std::thread::scope(|scope| {
            for (index, line) in road_lines::<Broken<TCP>>().into_iter().enumerate() {
                let name = line.name;
                // Where nothing is told no line holds; what is told of another socket is too good
                scope.spawn(move || assert!(breaks::<TCP>(index), "{name}"));
                let told = [
                    "over TLS",
                    "what nobody reads",
                    "a past",
                    "everything",
                    "and not",
                    "repaired",
                ];
                let told = told.iter().any(|words| name.contains(words));
                scope.spawn(move || {
                    assert_eq!(breaks::<ELSEWHERE>(index), told, "{name}");
                });
            }
        });
    }
}

#[test]
fn every_line_has_a_runtime_that_fails_it_alone() {
    // At once: what hangs is found by patience, and one patience is enough.
    std::thread::scope(|scope| {
        scope.spawn(fails_its_line_alone::<CLOCK>);
        scope.spawn(fails_its_line_alone::<RESOLVES>);
        scope.spawn(fails_its_line_alone::<NO_NAME>);
        scope.spawn(fails_its_line_alone::<REFUSED>);
        scope.spawn(fails_its_line_alone::<DIAL_DROPPED>);
        scope.spawn(fails_its_line_alone::<ADOPTED>);
        scope.spawn(fails_its_line_alone::<LOCAL_ADDRESS>);
        scope.spawn(fails_its_line_alone::<PEER>);
        scope.spawn(fails_its_line_alone::<ACCEPT_WAKES>);
        scope.spawn(fails_its_line_alone::<SEEDS>);
        scope.spawn(fails_its_line_alone::<DROPPED>);
        scope.spawn(fails_its_line_alone::<HALF>);
        scope.spawn(fails_its_line_alone::<TCP>);
    });
    assert_eq!(socket_lines::<Broken<CLOCK>>().len(), TCP + 1);
}
