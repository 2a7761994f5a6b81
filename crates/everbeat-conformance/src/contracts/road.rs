//! What a kernel tells of the road, which Linux's and Android's does: under a WebSocket, plain and
//! over TLS, at either end, on a stream of ours and on one that somebody else has used before.

use std::future::poll_fn;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use everbeat_core::Spawn;
use everbeat_core::transport::{Attempt, Connect, Outgoing, PathEvidence, Transport};
use everbeat_ws::accept::AcceptSettings;
use everbeat_ws::tls::{ClientTls, ServerTls};
use everbeat_ws::{Acceptor, Connector, Role, Runtime, Settings, WebSocket};
use futures_io::AsyncWrite;

use super::tools::{LARGE, both, bytes, flush, flushed, hear, pair, put, soon, start};
use super::{Job, Line, Native, Subject, verdicts};
use crate::certificates::Authority;
use crate::server_side::accept;
use crate::skipped::skipped;

/// Every line about the road and what is told of it, to be run beside [`socket_lines`](super::socket_lines) where the
/// kernel tells of it
#[must_use]
pub fn road_lines<R: Runtime + Spawn<Job>>() -> Vec<Line<Native<R>>> {
    let mut lines = super::table![
        "road: what has arrived is acknowledged, at either end" => acknowledged,
        "road: over TLS its bytes are what is acknowledged" => over_tls,
        "road: what nobody reads is held, and waits once the window is shut" => held,
        "road: a stream with a past is told of from where it was taken over" => past,
        "road: nothing is told once the socket is gone" => gone,
        "road: our end's address is told, IPv4's as IPv4's" => address,
    ];
    lines.extend(verdicts::lines());
    lines
}

fn path<T: Transport>(end: &T) -> PathEvidence {
    end.path().expect("the kernel tells of the road")
}

/// Until all that an end has sent is acknowledged
async fn arrived<S: Subject, T: Transport>(subject: &S, end: &T) {
    until(subject, "all acknowledged", || path(end).acknowledged == end.sent()).await;
    assert_eq!((path(end).unsent, path(end).waiting), (0, 0));
}

/// Until nothing more is taken, and nothing is on the road: the peer's window is shut
async fn fill<S: Subject, T: Transport + Unpin>(subject: &S, end: &mut T) {
    put(end, bytes(LARGE)).await;
    until(subject, "a shut window", || {
        assert!(!flushed(end), "{LARGE} bytes are taken, though nobody reads");
        let path = path(end);
        path.waiting > 0 && path.acknowledged + path.waiting == end.sent()
    })
    .await;
}

async fn until<S: Subject>(subject: &S, what: &str, mut holds: impl FnMut() -> bool) {
    soon(subject, what, async {
        while !holds() {
            subject.wait(Duration::from_millis(2)).await;
        }
    })
    .await;
}

async fn acknowledged<R: Runtime + Spawn<Job>>(subject: Native<R>) {
    let (mut client, mut server) = pair(&subject).await;
    exchange(&subject, &mut client, &mut server).await;
    exchange(&subject, &mut server, &mut client).await;
    // All was counted from the first byte, the upgrade's, at both ends
    assert_eq!((client.sent(), server.sent()), (server.received(), client.received()));
}

/// A message, and what the kernel tells of it
async fn exchange<S: Subject, T: Transport + Unpin>(subject: &S, from: &mut T, to: &mut T) {
    const SIZE: usize = 300_000;
    let before = path(from).acknowledged;
    put(from, bytes(SIZE)).await;
    soon(subject, "a message", both(flush(from), hear(to))).await;
    arrived(subject, from).await;
    assert!(path(from).acknowledged - before >= SIZE as u64, "{:?} after {before}", path(from));
}

async fn over_tls<R: Runtime + Spawn<Job>>(subject: Native<R>) {
    let authority = Authority::new();
    let certified = authority.certify("127.0.0.1");
    let tls = ServerTls::from_pem(certified.certificate, certified.key).unwrap();
    let settings = AcceptSettings::default().tls(tls);
    let mut acceptor = Acceptor::<R>::bind("127.0.0.1:0", settings).await.unwrap();
    let url = format!("wss://{}/", acceptor.local_address().unwrap());
    let trusting = ClientTls::roots(authority.root()).unwrap();
    let mut connector = Connector::<R>::new(&url).unwrap().tls(trusting);
    let meeting = both(connector.connect(Attempt::first()), accept(&mut acceptor));
    let (client, server) = soon(&subject, "a connection", meeting).await;
    let (mut client, mut server) = (client.unwrap(), server.unwrap().0);
    exchange(&subject, &mut client, &mut server).await;
    exchange(&subject, &mut server, &mut client).await;
    // The kernel knows of TLS's bytes only, and so does the tap: the handshake and the records too
    assert_eq!((client.sent(), server.sent()), (server.received(), client.received()));
    fill(&subject, &mut client).await;
}

async fn held<R: Runtime + Spawn<Job>>(subject: Native<R>) {
    for turn in 0..2 {
        let (client, server) = pair(&subject).await;
        let (mut end, mut peer) = if turn == 0 { (client, server) } else { (server, client) };
        fill(&subject, &mut end).await;
        let held = path(&end);
        assert_eq!(held.acknowledged + held.unsent, end.sent());
        soon(&subject, "the rest", both(flush(&mut end), hear(&mut peer))).await;
        arrived(&subject, &end).await;
        assert!(path(&end).acknowledged > held.acknowledged);
    }
}

/// A stream of the runtime's that was dialed or accepted, and its peer, which blocks
pub(super) async fn used<R: Runtime + Spawn<Job>>(
    subject: &Native<R>,
    dialed: bool,
) -> (R::Stream, TcpStream) {
    let runtime = R::default();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    if dialed {
        let stream = soon(subject, "a dial", runtime.dial(address)).await.unwrap();
        return (stream, listener.accept().unwrap().0);
    }
    listener.set_nonblocking(true).unwrap();
    let mut listener = runtime.adopt(listener).unwrap();
    let peer = TcpStream::connect(address).unwrap();
    let accepting = poll_fn(|cx| runtime.poll_accept(&mut listener, cx));
    (soon(subject, "accepting", accepting).await.unwrap().0, peer)
}

/// Writes until nothing more is taken; how much was
fn write_on(stream: &mut (impl AsyncWrite + Unpin)) -> u64 {
    let mut cx = Context::from_waker(Waker::noop());
    let mut written = 0;
    while let Poll::Ready(count) = Pin::new(&mut *stream).poll_write(&mut cx, &[7; 65_536]) {
        written += count.unwrap() as u64;
    }
    written
}

async fn past<R: Runtime + Spawn<Job>>(subject: Native<R>) {
    for dialed in [true, false] {
        let (mut stream, mut peer) = used(&subject, dialed).await;
        let written = write_on(&mut stream);
        let role = if dialed { Role::Client } else { Role::Server };
        let mut end = WebSocket::from_upgraded(stream, role, Settings::default(), Vec::new());
        let held = end.sent();
        assert!((1..written).contains(&held), "{held} of {written} are held");
        assert_eq!(path(&end).acknowledged + path(&end).unsent, held);
        start(&mut end, Outgoing::Ping(*b"and then"));
        let reading = thread::spawn(move || {
            let mut read = 0;
            let mut room = vec![0; 65_536];
            while let count @ 1.. = peer.read(&mut room).unwrap() {
                read += count as u64;
            }
            read
        });
        soon(&subject, "a flush", flush(&mut end)).await;
        arrived(&subject, &end).await;
        let sent = end.sent();
        drop(end);
        assert_eq!(reading.join().unwrap(), written - held + sent, "dialed: {dialed}");
    }
}

async fn gone<R: Runtime + Spawn<Job>>(subject: Native<R>) {
    let (mut client, _server) = pair(&subject).await;
    let sent = client.sent();
    path(&client);
    Pin::new(&mut client).abort();
    assert_eq!((client.path(), client.local_address(), client.sent()), (None, None, sent));
}

async fn address<R: Runtime + Spawn<Job>>(subject: Native<R>) {
    // A listener of both families calls whoever comes by IPv4 `::ffff:127.0.0.1`
    let (mut acceptor, port) = match Acceptor::<R>::bind("[::]:0", Settings::default()).await {
        Ok(acceptor) => {
            let port = acceptor.local_address().unwrap().port();
            (acceptor, port)
        }
        Err(error) => {
            return skipped(&format!("this machine has no IPv6: {error:?}"));
        }
    };
    let mut connector = Connector::<R>::new(&format!("ws://127.0.0.1:{port}/")).unwrap();
    let meeting = both(connector.connect(Attempt::first()), accept(&mut acceptor));
    let (client, server) = soon(&subject, "a connection", meeting).await;
    let here = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    assert_eq!((client.unwrap().local_address(), server.unwrap().0.local_address()), (here, here));
}
