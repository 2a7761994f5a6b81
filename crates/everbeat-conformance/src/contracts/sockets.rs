//! The contracts of `everbeat_ws::Runtime` and `Socket`, which only a runtime of the operating
//! system makes.

use std::future::{Future, poll_fn};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use everbeat_core::Spawn;
use everbeat_core::time::Timer;
use everbeat_ws::{Runtime, Socket};
use futures_io::{AsyncRead, AsyncWrite};
use socket2::{Domain, Socket as TcpSocket, Type};

use super::tools::{WHILE, Woken, both, is_woken, soon};
use super::{Job, Line, Native, Subject};

/// Every line of the two contracts, to be run beside [`lines`](super::lines)
#[must_use]
pub fn socket_lines<R: Runtime + Spawn<Job>>() -> Vec<Line<Native<R>>> {
    super::table![
        "runtime: its clock starts now" => clock,
        "runtime: a name has its addresses, with the port" => resolves,
        "runtime: a name that is none is an error" => no_name,
        "runtime: dialing where nobody listens is an error" => refused,
        "runtime: dropping a dial abandons the connection" => dial_dropped,
        "runtime: a listener that is adopted has those who waited in it" => adopted,
        "runtime: where a listener listens is told" => local_address,
        "runtime: an accepted connection comes with its peer's address" => peer,
        "runtime: accepting wakes the latest context" => accept_wakes,
        "runtime: seeds differ" => seeds,
        "socket: dropping it closes it" => dropped,
        "socket: poll_close ends the writing half, and reading goes on" => half,
        "socket: its TCP socket is told" => tcp,
    ]
}

/// A listener of the standard library's, as a runtime is handed one
fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

pub(super) fn listening<R: Runtime + Spawn<Job>>() -> (R, R::Listener, SocketAddr) {
    let ((listener, address), runtime) = (listener(), R::default());
    let listener = runtime.adopt(listener).unwrap();
    (runtime, listener, address)
}

/// A stream of the runtime's, and its peer on the standard library's, which blocks
async fn stream<R: Runtime + Spawn<Job>>(subject: &Native<R>) -> (R::Stream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let dialing = R::default();
    let dialing = dialing.dial(listener.local_addr().unwrap());
    let stream = soon(subject, "a dial", dialing).await.unwrap();
    let (peer, _) = listener.accept().unwrap();
    peer.set_read_timeout(Some(subject.patience())).unwrap();
    (stream, peer)
}

async fn clock<R: Runtime + Spawn<Job>>(_: Native<R>) {
    let now = R::default().timer().now().since_origin();
    assert!(now < Duration::from_secs(20), "{now:?}");
}

async fn resolves<R: Runtime + Spawn<Job>>(subject: Native<R>) {
    let runtime = R::default();
    let found = soon(&subject, "localhost", runtime.resolve("localhost", 81)).await.unwrap();
    let all = found.iter().all(|address| address.ip().is_loopback() && address.port() == 81);
    assert!(all && !found.is_empty(), "{found:?}");
}

async fn no_name<R: Runtime + Spawn<Job>>(subject: Native<R>) {
    let runtime = R::default();
    // A NUL can be in no name, so that no resolver is asked.
    let found = soon(&subject, "no name", runtime.resolve("a\0b", 81)).await;
    assert!(found.is_err(), "{found:?}");
}

async fn refused<R: Runtime + Spawn<Job>>(subject: Native<R>) {
    // Bound and not listening: nobody else can get the port meanwhile, and who dials it is refused
    let bound = TcpSocket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    bound.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = bound.local_addr().unwrap().as_socket().unwrap();
    let runtime = R::default();
    assert!(soon(&subject, "a refusal", runtime.dial(address)).await.is_err());
}

async fn dial_dropped<R: Runtime + Spawn<Job>>(subject: Native<R>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    {
        let runtime = R::default();
        let mut dialing = Box::pin(runtime.dial(address));
        let _begun = dialing.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
    listener.set_nonblocking(true).unwrap();
    subject.wait(WHILE).await;
    if let Ok((mut peer, _)) = listener.accept() {
        peer.set_nonblocking(false).unwrap();
        peer.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let heard = peer.read(&mut [0]);
        let open =
            heard.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
        assert!(!open, "it is still open");
    }
}

async fn adopted<R: Runtime + Spawn<Job>>(subject: Native<R>) {
    let ((listener, address), runtime) = (listener(), R::default());
    let peer = TcpStream::connect(address).unwrap();
    let mut listener = runtime.adopt(listener).unwrap();
    let accepting = poll_fn(|cx| runtime.poll_accept(&mut listener, cx));
    let accepted = soon(&subject, "accepting", accepting).await;
    assert!(accepted.is_ok());
    drop(peer);
}

async fn local_address<R: Runtime + Spawn<Job>>(_: Native<R>) {
    let (runtime, listener, address) = listening::<R>();
    assert_eq!(runtime.local_address(&listener).unwrap(), address);
}

async fn peer<R: Runtime + Spawn<Job>>(subject: Native<R>) {
    let (runtime, mut listener, address) = listening::<R>();
    let peer = TcpStream::connect(address).unwrap();
    let accepting = poll_fn(|cx| runtime.poll_accept(&mut listener, cx));
    let (_stream, from) = soon(&subject, "accepting", accepting).await.unwrap();
    assert_eq!(from, peer.local_addr().unwrap());
}

async fn accept_wakes<R: Runtime + Spawn<Job>>(subject: Native<R>) {
    let (runtime, mut listener, address) = listening::<R>();
    let (_, stale) = Woken::new();
    let (woken, fresh) = Woken::new();
    for waker in [&stale, &fresh] {
        let mut cx = Context::from_waker(waker);
        assert!(runtime.poll_accept(&mut listener, &mut cx).is_pending());
    }
    let _peer = TcpStream::connect(address).unwrap();
    is_woken(&subject, "the latest context", &woken).await;
}

async fn seeds<R: Runtime + Spawn<Job>>(_: Native<R>) {
    assert_ne!(R::default().seed(), R::default().seed());
}

async fn dropped<R: Runtime + Spawn<Job>>(subject: Native<R>) {
    let (stream, mut peer) = stream(&subject).await;
    drop(stream);
    assert_eq!(peer.read(&mut [0]).unwrap(), 0);
}

async fn half<R: Runtime + Spawn<Job>>(subject: Native<R>) {
    let (mut stream, mut peer) = stream(&subject).await;
    let closing = poll_fn(|cx| Pin::new(&mut stream).poll_close(cx));
    soon(&subject, "closing", closing).await.unwrap();
    assert_eq!(peer.read(&mut [0]).unwrap(), 0, "the writing half goes on");
    peer.write_all(b"on").unwrap();
    let mut heard = [0; 2];
    let reading = poll_fn(|cx| Pin::new(&mut stream).poll_read(cx, &mut heard));
    let (count, ()) = both(soon(&subject, "reading", reading), async {}).await;
    assert!(count.unwrap() > 0, "the reading half has ended");
}

async fn tcp<R: Runtime + Spawn<Job>>(subject: Native<R>) {
    let (stream, peer) = stream(&subject).await;
    let socket = stream.tcp(|tcp| tcp.local_addr()).expect("a TCP socket").unwrap();
    assert_eq!(socket.as_socket(), peer.peer_addr().ok());
}
